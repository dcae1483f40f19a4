"""Who is in a room, through real servers that are killed and stopped."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.engines.broker import Broker, is_installed
from tests.integration.test_own_users import Browser
from tests.process import ServerProcess
from tests.site import ROOT, configure, make_site, serve_site
from tornado_websockets.testing import Client, Server

pytestmark = pytest.mark.once

VIEWS = """
from django.contrib.auth import get_user_model, login
from django.dispatch import receiver
from django.http import HttpResponse
from tornado_websockets.signals import member_joined, member_left
from tornado_websockets.websocket import WebSocket

ws = WebSocket("/tables", login_required=True)

@ws.on
async def sit(socket, data):
    socket.join("red")
    socket.emit("sat")

@ws.on
async def rise(socket, data):
    socket.leave("red")
    socket.emit("risen")

@ws.on
async def who(socket, data):
    socket.emit("who", {"names": [member.name for member in ws.presence("red")]})

@ws.on
async def say(socket, data):
    ws.to("red").emit("said", {"n": data.n})

def note(what, member, socket):
    with open("told.txt", "a") as file:
        print(what, member.name, socket is not None, file=file)

@receiver(member_joined)
def came(member, socket, **kwargs):
    note("came", member, socket)

@receiver(member_left)
def went(member, socket, **kwargs):
    note("went", member, socket)

def enter(request, name):
    user, _new = get_user_model().objects.get_or_create(username=name)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponse("welcome")
"""

URLS = """
from django.urls import path
from shop import views
urlpatterns = [path("in/<name>/", views.enter)]
"""

SETTINGS = """
INSTALLED_APPS += ["django.contrib.sessions"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TORNADO = {{"layer": "{url}"}}
"""

GONE_WITHIN_S = 15.0
"""Seconds after which nobody is there any more through a server that was killed."""

AT_ONCE_S = 5.0
"""Seconds after which nobody is there any more through a server that has ended: half of those that
a silent one has, so that a machine which stalls for a moment does not look like that.
"""


@dataclasses.dataclass
class Table:
    """A project, served by three servers.

    Attributes:
        folder: the project.
        processes: the servers.
        servers: the same, to connect to.
    """

    folder: Path
    processes: list[ServerProcess]
    servers: list[Server]

    @property
    def told(self) -> list[str]:
        """What the receivers of all servers were told."""
        notes = self.folder / "told.txt"
        return notes.read_text().splitlines() if notes.exists() else []

    async def sit(self, name: str, at: int) -> Client:
        """Return a client of a user who has joined the room, on one of the servers."""
        client = await self.visit(name, at)
        client.emit("sit")
        await wait_for(client, "sat")
        return client

    async def sit_too(self, name: str, at: int) -> Client:
        """As `sit`, for one whom that server knows to be in the room through another one.

        Without knowing it would tell that somebody has come who was there.
        """
        client = await self.visit(name, at)
        await until_known(client, name)
        client.emit("sit")
        await wait_for(client, "sat")
        return client

    async def visit(self, name: str, at: int) -> Client:
        server = self.servers[at]
        browser = Browser(server)
        await asyncio.to_thread(browser.get, f"/in/{name}/")
        return await browser.connect("/tables")


async def wait_for(client: Client, event: str) -> Any:
    """Return the data of the next event of a name."""
    while True:
        found = await client.receive()
        if found.event == event:
            return found.data


async def until_known(client: Client, name: str) -> None:
    """Wait until the server of a client knows that somebody is in the room."""
    async with asyncio.timeout(10):
        while True:
            client.emit("who")
            if name in (await wait_for(client, "who"))["names"]:
                return
            await asyncio.sleep(0.05)


async def until_there(client: Client, *names: str, within_s: float = 10.0) -> float:
    """Wait until those are in the room, as its server knows; returns the seconds it took."""
    began_s = time.monotonic()
    while True:
        client.emit("who")
        found = (await wait_for(client, "who"))["names"]
        took_s = time.monotonic() - began_s
        if found == list(names):
            return took_s
        assert took_s < within_s, found
        await asyncio.sleep(0.05)


@pytest_asyncio.fixture
async def table(tmp_path: Path) -> AsyncIterator[Table]:
    if not is_installed():
        pytest.skip("redis-server is not installed")
    folder = make_site(tmp_path / "site", {"shop/views.py": VIEWS, "project/urls.py": URLS})
    processes: list[ServerProcess] = []
    with Broker() as broker:
        configure(folder, SETTINGS.format(url=broker.url))
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity=0"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=True,
        )
        try:
            processes += [serve_site(folder, "0") for _ in range(3)]
            servers = [Server(each.port) for each in processes]
            yield Table(folder, processes, servers)
            for server, process in zip(servers, processes, strict=True):
                if process.process.poll() is None:
                    await server.disconnect()
        finally:
            for process in processes:
                process.kill()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.02)


async def test_tabs_on_several_servers_are_one_member(table: Table) -> None:
    first, last = await table.sit("ann", 0), await table.sit_too("ann", 1)
    bob = await table.sit("bob", 2)
    for client in (first, last, bob):
        await until_there(client, "ann", "bob")
    await first.close()
    # Others hear of her end before they hear of eve, who comes behind it on the same server.
    await table.sit("eve", 0)
    for client in (last, bob):
        await until_there(client, "ann", "bob", "eve")
    last.emit("rise")
    await wait_for(last, "risen")
    await until_there(bob, "bob", "eve")
    assert table.told == ["came ann True", "came bob True", "came eve True", "went ann True"]


async def test_members_of_a_server_that_is_killed_are_soon_gone(table: Table) -> None:
    """Told once, by one of the others; who is there through another one stays."""
    ann = await table.sit("ann", 0)
    also_ann, bob = await table.sit_too("ann", 2), await table.sit("bob", 2)
    eve = await table.sit("eve", 1)
    for client in (ann, eve):
        await until_there(client, "ann", "bob", "eve")
    table.processes[2].kill()
    for client in (also_ann, bob):
        assert await client.closed() is None
        await client.close()
    for client in (ann, eve):
        await until_there(client, "ann", "eve", within_s=GONE_WITHIN_S)
    await until(lambda: "went bob False" in table.told)
    eve.emit("say", {"n": 1})
    assert (await wait_for(ann, "said"))["n"] == 1
    assert sorted(table.told) == sorted(
        ["came ann True", "came bob True", "came eve True", "went bob False"]
    )
    # The place of the dead one is taken by a new one, whom the others tell who is there.
    table.processes[2] = serve_site(table.folder, "0")
    table.servers[2] = Server(table.processes[2].port)
    again = await table.visit("bob", 2)
    await until_there(again, "ann", "eve")


async def test_a_server_that_ends_takes_its_members_along_at_once(table: Table) -> None:
    ann, bob = await table.sit("ann", 0), await table.sit("bob", 1)
    await until_there(ann, "ann", "bob")
    assert await asyncio.to_thread(table.processes[1].stop) == 0
    assert await bob.closed() == 1001
    await bob.close()
    await until_there(ann, "ann", within_s=AT_ONCE_S)
    assert table.told == ["came ann True", "came bob True", "went bob True"]


async def test_a_server_that_sleeps_comes_back_with_its_members(table: Table) -> None:
    ann, bob = await table.sit("ann", 0), await table.sit("bob", 1)
    await until_there(ann, "ann", "bob")
    table.processes[1].process.send_signal(signal.SIGSTOP)
    try:
        await until_there(ann, "ann", within_s=GONE_WITHIN_S)
        # The third server may be the one to tell, and a moment later to notice.
        await until(lambda: "went bob False" in table.told)
    finally:
        table.processes[1].process.send_signal(signal.SIGCONT)
    for client in (ann, bob):
        await until_there(client, "ann", "bob")
    await until(lambda: "came bob False" in table.told)
    assert sorted(table.told) == sorted(
        ["came ann True", "came bob True", "went bob False", "came bob False"]
    )

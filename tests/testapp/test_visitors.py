"""Simulated visitors come with the server, do what people do, and go with it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from testapp.visitors import MARK, STRANGER, Visitors, quieten
from tests.demo import ROOT
from tests.process import running
from tornado_websockets.modules import ProgressBar
from tornado_websockets.testing import Server
from tornado_websockets.tornadowrapper import TornadoWrapper
from tornado_websockets.websocket import WebSocket

PACE = 200


class Site:
    """What visitors find: the paths of the example, with what they say there."""

    def __init__(self, **options: Any) -> None:
        self.chat = WebSocket("/chat", **options)
        self.echo = WebSocket("/echo", **options)
        self.progress = WebSocket("/progress", **options)
        self.bar = self.progress.bind(ProgressBar("work"))
        self.started = 0
        self.names: set[str] = set()
        self.agents: set[str] = set()

        @self.chat.on
        async def open(socket: Any) -> None:
            self.agents.add(socket.request.headers["User-Agent"])

        @self.chat.on
        async def join(data: Any) -> None:
            self.names.add(data.name)

        @self.chat.on
        @self.echo.on
        async def message(socket: Any, data: Any) -> None:
            socket.emit("message", data)

        @self.bar.on
        async def start() -> None:
            self.started += 1


@contextlib.asynccontextmanager
async def serve(count: int) -> AsyncIterator[Visitors]:
    """Serve, with visitors who are in a hurry."""
    TornadoWrapper.start_app()
    port = TornadoWrapper.listen(0, address="0.0.0.0")
    visitors = Visitors(count, f"http://0.0.0.0:{port}/", pace=PACE)
    visitors.attend()
    try:
        serving = asyncio.create_task(TornadoWrapper.serve())
        await asyncio.sleep(0)
        yield visitors
        TornadoWrapper.stop(grace_s=5)
        await serving
    finally:
        visitors.stay_away()


@pytest.fixture
def allowed_host(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1"]


@pytest.mark.usefixtures("allowed_host")
async def test_they_do_what_people_do() -> None:
    site = Site()
    async with serve(20), asyncio.timeout(60):
        while not (
            site.chat.stats.rejected.get("origin")
            and site.echo.stats.events_out > 100
            and site.chat.stats.events_in > 20
            and site.chat.stats.warnings.total + site.echo.stats.warnings.total > 2
            and site.started
            and site.progress.stats.closed.get(1000)
        ):
            await asyncio.sleep(0.05)
    assert len(site.names) > 3
    assert all(name.endswith(MARK) for name in site.names | site.agents)
    assert {"origin"} <= site.chat.stats.rejected.keys() <= {"origin", "stopping"}
    assert site.chat.stats.errors == site.echo.stats.errors == 0
    # Those who went of themselves, and those who were there at the end.
    assert {1000} <= site.chat.stats.closed.keys() | site.echo.stats.closed.keys() <= {1000, 1001}


@pytest.mark.usefixtures("allowed_host")
async def test_they_go_with_the_server_and_come_with_the_next() -> None:
    site = Site()
    for _ in range(2):
        opened = site.echo.stats.opened
        async with serve(10), asyncio.timeout(30):
            while site.echo.stats.opened == opened:
                await asyncio.sleep(0.01)
        async with asyncio.timeout(10):
            while len(asyncio.all_tasks()) > 1:
                await asyncio.sleep(0.01)
        assert len(site.chat) == len(site.echo) == len(site.progress) == 0


@pytest.mark.usefixtures("allowed_host")
async def test_those_for_whom_there_is_no_place_come_again() -> None:
    site = Site(limits={"connections": 1})
    async with serve(20), asyncio.timeout(30):
        while site.echo.stats.rejected.get("connections", 0) < 40:
            await asyncio.sleep(0.05)
    assert site.echo.stats.opened


@pytest.mark.usefixtures("allowed_host")
async def test_nobody_comes_when_nobody_is_asked() -> None:
    Site()
    before = asyncio.all_tasks()
    async with serve(0), asyncio.timeout(10):
        while not TornadoWrapper.is_ready():
            await asyncio.sleep(0.01)
        [_server] = asyncio.all_tasks() - before  # a visitor would be a task as well


@pytest.fixture
def quiet() -> Iterator[None]:
    quieten()
    yield
    for name in ("django.server", "tornado_websockets.security"):
        logger = logging.getLogger(name)
        for each in list(logger.filters):
            if type(each).__module__ == "testapp.visitors":
                logger.removeFilter(each)


@pytest.mark.usefixtures("quiet")
def test_their_comings_and_goings_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    access = logging.getLogger("django.server")
    security = logging.getLogger("tornado_websockets.security")
    extra = {"server_time": "now"}
    access.info('"%s" %d', "WEBSOCKET /ws/chat HTTP/1.1", 101, extra=extra)
    access.info('"%s" %d', "GET /chat/ HTTP/1.1", 200, extra=extra)
    security.warning("refused %s: %s", "127.0.0.1", f"{STRANGER} is not http://127.0.0.1")
    security.warning("refused %s: %s", "127.0.0.1", "https://evil.example is not ours")
    assert [record.getMessage() for record in caplog.records] == [
        '"GET /chat/ HTTP/1.1" 200',
        "refused 127.0.0.1: https://evil.example is not ours",
    ]


async def somebody_is_in(port: int) -> None:
    """Return when visitors are there: each who comes or goes tells everybody in the chat."""
    server = Server(port)
    client = await server.connect("/chat")
    async with asyncio.timeout(60):
        while True:
            event, data = await client.receive(60)
            if event == "online" and data.count > 1:
                break
    await client.close()


def test_they_come_again_when_the_reloader_restarts_the_server(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "testapp", tmp_path / "testapp")
    shutil.copy(ROOT / "manage.py", tmp_path)
    environment = {
        "DJANGO_SETTINGS_MODULE": "testapp.settings",
        "DATABASE_URL": f"sqlite:///{tmp_path}/demo.sqlite3",
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}",
        "DEBUG": "True",
        "SECRET_KEY": "",
        "ALLOWED_HOSTS": "",
    }
    log = tmp_path / "demo.log"
    command = ("demo", "0", "--visitors=20")
    with running(*command, directory=tmp_path, log=log, environment=environment) as demo:
        demo.wait_for("20 simulated visitors")
        asyncio.run(somebody_is_in(demo.port))
        while "changed, reloading" not in demo.output:  # once the reloader has begun to look
            (tmp_path / "testapp" / "forms.py").touch()
            time.sleep(0.2)
        demo.wait_for(r"forms\.py changed, reloading(?s:.*)20 simulated visitors")
        port = int(demo.output.rpartition("Serving on http://127.0.0.1:")[2].partition("/")[0])
        asyncio.run(somebody_is_in(port))
        assert demo.stop() == 0, demo.output
    assert not re.search(r"^(?!WebSockets: ).*/ws/", demo.output, re.MULTILINE)
    assert "Traceback" not in demo.output
    assert "Warning" not in demo.output

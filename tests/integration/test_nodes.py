"""Several nodes behind nginx, as the page on deployment shows it: real nginx, Redis and servers."""

from __future__ import annotations

import asyncio
import collections
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from tornado.websocket import WebSocketClientConnection

from tests.engines.broker import Broker, is_installed
from tests.integration.test_deploy import SEVERAL, Nginx, block
from tests.process import ServerProcess
from tests.site import configure, make_site, serve_site

TIMEOUT_S = 60

FILES = {
    "project/urls.py": """
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("", lambda request: HttpResponse("hello"))]
""",
    "shop/websockets.py": """
import os
from tornado_websockets.websocket import WebSocket
chat = WebSocket("/chat")

@chat.on
async def where(socket):
    socket.emit("here", {"pid": os.getpid()})

@chat.on
def say(socket, data):
    chat.emit("said", {"text": data.text, "ip": socket.ip})
""",
}


class Site:
    """Two nodes, each of two workers, behind one nginx."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        self.project = make_site(folder / "site", FILES)
        settings = block("python", "10.0.0.5").replace("redis://10.0.0.5:6379/0", broker.url)
        configure(self.project, settings.replace("10.0.0.1", "127.0.0.1"))
        self.nodes = [self.start(), self.start()]
        try:
            addresses = [f"127.0.0.1:{node.port}" for node in self.nodes]
            written = ("10.0.0.11:8000", "10.0.0.12:8000")
            servers = dict(zip(written, addresses, strict=True))
            self.nginx = Nginx(folder / "nginx", SEVERAL, servers)
        except BaseException:
            self.kill_nodes()
            raise

    def start(self) -> ServerProcess:
        return serve_site(self.project, "127.0.0.1:0", "--skip-checks", "--workers", "2")

    def node_of(self, pid: int) -> ServerProcess:
        """Return the node that a worker belongs to."""
        status = Path(f"/proc/{pid}/status").read_text()
        [parent] = re.findall(r"^PPid:\s+(\d+)", status, re.MULTILINE)
        return next(node for node in self.nodes if node.process.pid == int(parent))

    def kill(self) -> None:
        self.nginx.kill()
        self.kill_nodes()

    def kill_nodes(self) -> None:
        for node in self.nodes:
            node.kill()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    if not is_installed():
        pytest.skip("redis-server is not installed")
    if not Path("/proc/self/status").exists():
        pytest.skip("there is no /proc to see who has started a process")
    with Broker() as broker:
        site = Site(tmp_path, broker)
        try:
            site.nginx.wait()
            yield site
        finally:
            site.kill()


class Requests(threading.Thread):
    """Asks nginx for a page, again and again."""

    def __init__(self, nginx: Nginx) -> None:
        super().__init__()
        self._nginx = nginx
        self._over = threading.Event()
        self.answers: collections.Counter[tuple[int, str]] = collections.Counter()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(0.005):
            self.answers[self._nginx.get("/")] += 1


async def read(client: WebSocketClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(TIMEOUT_S):
        text = await client.read_message()
    assert text is not None
    message: dict[str, Any] = json.loads(text)
    return message


async def where(client: WebSocketClientConnection) -> int:
    await client.write_message('{"event":"where"}')
    return int((await read(client))["data"]["pid"])


async def ended(client: WebSocketClientConnection) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        assert await client.read_message() is None
    client.close()


async def leave(client: WebSocketClientConnection) -> None:
    client.close()
    await ended(client)


async def come_back(client: WebSocketClientConnection, nginx: Nginx) -> WebSocketClientConnection:
    """Wait until a client is sent away, and come back when it is told to."""
    await ended(client)
    assert client.close_code == 1001
    match = re.search(r"retry in (\d+) ms", client.close_reason or "")
    assert match is not None
    await asyncio.sleep(int(match[1]) / 1000)
    return await nginx.connect()


def test_what_one_node_sends_reaches_the_clients_of_all_and_a_node_that_stops_loses_none(
    site: Site,
) -> None:
    requests = Requests(site.nginx)

    async def everybody_hears(clients: list[WebSocketClientConnection], text: str) -> None:
        await clients[0].write_message(json.dumps({"event": "say", "data": {"text": text}}))
        for message in await asyncio.gather(*map(read, clients)):
            # The address is the client's, which the node believes its nginx.
            assert message == {"event": "said", "data": {"text": text, "ip": "127.0.0.1"}}

    async def chat() -> None:
        # Nobody else is there yet, who would count as a connection of its node.
        # So many that hardly ever one of two workers takes all of a node's.
        clients = [await site.nginx.connect() for _ in range(60)]
        pids = await asyncio.gather(*map(where, clients))
        at = [site.node_of(pid) for pid in pids]
        assert len(set(pids)) == 4  # two workers of each node
        assert collections.Counter(at) == dict.fromkeys(site.nodes, 30)  # least_conn
        with requests:
            await go_on(clients, at)

    async def go_on(clients: list[WebSocketClientConnection], at: list[ServerProcess]) -> None:
        await everybody_hears(clients, "hello")
        stopping = asyncio.create_task(asyncio.to_thread(site.nodes[0].stop))
        left = [client for client, node in zip(clients, at, strict=True) if node is site.nodes[0]]
        back = await asyncio.gather(*(come_back(client, site.nginx) for client in left))
        assert await stopping == 0
        clients = [client for client in clients if client not in left] + back
        pids = await asyncio.gather(*map(where, clients))
        assert {site.node_of(pid) for pid in pids} == {site.nodes[1]}
        await everybody_hears(clients, "we are all here")
        for client in clients:
            await leave(client)

    asyncio.run(chat())
    assert set(requests.answers) == {(200, "hello")}
    assert site.nodes[1].stop() == 0


def test_a_node_that_is_killed_is_passed_over(site: Site) -> None:
    async def chat() -> None:
        clients = [await site.nginx.connect() for _ in range(8)]
        pids = await asyncio.gather(*map(where, clients))
        killed = [
            client
            for client, pid in zip(clients, pids, strict=True)
            if site.node_of(pid) is site.nodes[0]
        ]
        site.nodes[0].kill()
        for client in killed:
            await ended(client)
        back = [await site.nginx.connect() for _ in killed]
        assert {site.node_of(await where(client)) for client in back} == {site.nodes[1]}
        for client in [*back, *(each for each in clients if each not in killed)]:
            await leave(client)

    asyncio.run(chat())
    assert {site.nginx.get("/") for _ in range(10)} == {(200, "hello")}

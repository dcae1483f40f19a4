"""A Celery worker drives a progress bar, and the clients of every server see it move."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from tests.engines.broker import Broker, is_installed
from tests.engines.office import READY, WORKERS, Worker
from tests.process import ServerProcess
from tests.site import configure, make_site, serve_site
from tornado_websockets.testing import Client, Server

pytestmark = pytest.mark.once

STEPS = 20
BAR = "module_progressbar_import_"

FILES = {
    "shop/websockets.py": f"""
from tornado_websockets.modules import ProgressBar
from tornado_websockets.websocket import WebSocket

ws = WebSocket("/jobs", history=50)
bar = ws.bind(ProgressBar("import", max={STEPS}))

@bar.on
def start():
    from shop.tasks import load
    load.delay()

@bar.on
def begin():
    from shop.tasks import half
    half.delay()
""",
    "shop/tasks.py": f"""
import os, time
from celery import shared_task
from celery.signals import worker_init
from shop.websockets import bar, ws

@worker_init.connect
def tell(**kwargs):  # before its processes are forked
    ws.broadcast("worker", {{"pid": os.getpid()}})
    print("told", os.getpid())

@shared_task
def load():
    bar.reset()
    while not bar.is_done():
        time.sleep(0.01)
        bar.tick(label=f"Row {{bar.current + 1}}")
    ws.broadcast("loaded", {{"pid": os.getpid()}})

@shared_task
def half():
    bar.reset()
    for _ in range({STEPS // 2}):
        bar.tick()
""",
    "shop/views.py": "",
    "project/urls.py": "urlpatterns = []",
    "project/__init__.py": "from project.celery import app",
    "project/celery.py": """
import os
from celery import Celery
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
app = Celery("project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
""",
}


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[int], Worker]]:
    """Run two servers and a worker, which share one Redis; the ports, and the worker."""
    if not is_installed():
        pytest.skip("redis-server is not installed")
    folder = make_site(tmp_path_factory.mktemp("celery") / "site", FILES)
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(Broker()).url
        configure(folder, f"TORNADO = {{'layer': {url!r}}}\nCELERY_BROKER_URL = {url!r}\n")
        servers: list[ServerProcess] = [serve_site(folder, "0", "--noreload") for _ in range(2)]
        for server in servers:
            stack.callback(server.kill)
        [command] = WORKERS["celery"]
        worker = Worker(folder, folder.parent / "worker.log", *command)
        stack.callback(worker.kill)
        ports = [server.port for server in servers]
        worker.wait_for(READY["celery"])
        yield ports, worker
        assert [server.stop() for server in servers] == [0, 0]


@pytest_asyncio.fixture
async def servers(serving: tuple[list[int], Worker]) -> AsyncIterator[list[Server]]:
    servers = [Server(port) for port in serving[0]]
    yield servers
    for server in servers:
        await server.disconnect()


async def connect(server: Server) -> tuple[Client, dict[str, Any]]:
    """Connect a client, and return it with the state of the bar that it is told."""
    client = await server.connect("/jobs")
    [state] = [data for event, data in await until(client, "after_init") if event == "init"]
    return client, state


async def until(client: Client, last: str) -> list[tuple[str, dict[str, Any]]]:
    """Return what comes until an event, with names of the bar's as it calls them."""
    found: list[tuple[str, dict[str, Any]]] = []
    async with asyncio.timeout(20):
        while not found or found[-1][0] != last:
            event, data = await client.receive()
            found.append((event.removeprefix(BAR), dict(data)))
    return found


async def test_clients_of_all_servers_see_each_step_of_a_worker(
    servers: list[Server], serving: tuple[list[int], Worker]
) -> None:
    clients = [(await connect(server))[0] for server in servers]
    clients[0].emit(f"{BAR}start")
    pids = set()
    for client in clients:
        seen = await until(client, "loaded")
        steps = [(data["value"], data["label"]) for event, data in seen if event == "update"]
        assert steps == [(n, f"Row {n}") for n in range(1, STEPS + 1)]
        assert [event for event, _ in seen[-2:]] == ["done", "loaded"]
        pids.add(seen[-1][1]["pid"])
    # One process has done it, a child of the one that has sent something before it forked.
    worker = serving[1]
    assert len(pids) == 1
    assert worker.process.pid not in pids
    assert f"told {worker.process.pid}\n" in worker.output


async def test_who_connects_in_the_middle_gets_the_state_and_the_rest(
    servers: list[Server],
) -> None:
    first, _ = await connect(servers[0])
    first.emit(f"{BAR}begin")
    while (await until(first, "update"))[-1][1]["value"] != STEPS // 2:
        pass
    for server in servers:
        async with asyncio.timeout(5):  # the other one hears it at about the same time
            while (await connect(server))[1]["value"] != STEPS // 2:
                await asyncio.sleep(0.05)
    late, _ = await connect(servers[1])
    late.emit(f"{BAR}start")
    seen = await until(late, "done")
    assert [data["value"] for event, data in seen if event == "update"] == [*range(1, STEPS + 1)]

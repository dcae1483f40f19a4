"""One dashboard for several nodes: real servers with a real Redis between them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.contrib.admin.models import LogEntry

from tests.engines.broker import Broker, is_installed
from tests.process import ServerProcess
from tests.tws_admin.feeds import State, Watcher, watch
from tests.tws_admin.operators import ask, operator
from tests.tws_admin.progress.runs import make_run
from tornado_websockets.testing import Client, Server
from tws_admin.progress.live.channels import ALL, OWN

ROOT = Path(__file__).parents[2]

SETTINGS = """
from tests.settings import *
TORNADO = {{"layer": {url!r}}}
"""

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not is_installed(), reason="redis-server is not installed"),
]


def command(folder: Path, log: str, *arguments: str) -> ServerProcess:
    environment = {
        "DJANGO_SETTINGS_MODULE": "together",
        "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
    }
    return ServerProcess(*arguments, directory=ROOT, log=folder / log, environment=environment)


class Node:
    """A server process."""

    def __init__(self, folder: Path, number: int) -> None:
        self.process = command(folder, f"{number}.log", "runtornado", "0", "--noreload")
        self.server: Any = None

    @property
    def pid(self) -> int:
        return self.process.process.pid

    async def ready(self) -> None:
        self.server = Server(await asyncio.to_thread(lambda: self.process.port))

    def send(self, number: signal.Signals) -> None:
        self.process.process.send_signal(number)


class Nodes(list[Node]):
    """Those of one test, with their Redis."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        super().__init__()
        self.broker = broker
        self._folder = folder
        (folder / "together.py").write_text(SETTINGS.format(url=broker.url))

    async def start(self, count: int) -> None:
        new = [Node(self._folder, len(self) + number) for number in range(count)]
        self.extend(new)
        await asyncio.gather(*(each.ready() for each in new))

    def command(self, *arguments: str) -> ServerProcess:
        return command(self._folder, "command.log", *arguments)

    async def kill(self) -> None:
        for each in self:
            with contextlib.suppress(ProcessLookupError):
                each.send(signal.SIGCONT)
            if each.server is not None:
                await each.server.disconnect()
            await asyncio.to_thread(each.process.kill)


@pytest_asyncio.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    with Broker() as broker:
        found = Nodes(tmp_path, broker)
        try:
            await found.start(2)
            yield found
        finally:
            await found.kill()


class Site:
    """Two nodes, and somebody who may do everything, who watches through the first one."""

    def __init__(self, nodes: Nodes, browser: Any, watcher: Watcher) -> None:
        self.nodes = nodes
        self.browser = browser
        self.watcher = watcher

    def id_of(self, node: Node) -> str:
        rows = self.watcher.state["nodes"]
        return next(str(row["id"]) for row in rows if row["pid"] == node.pid)

    def row_of(self, node: Node) -> Any:
        rows = self.watcher.state["nodes"]
        return next((row for row in rows if row["pid"] == node.pid), None)

    def serves(self, node: Node) -> bool:
        """Return whether a node serves; one that was silent for long has no row for a moment."""
        row = self.row_of(node)
        return row is not None and row["state"] == "serving"

    async def until(self, condition: Callable[[State], object], timeout_s: float = 30) -> State:
        """Take ticks until the state is as expected, and a snapshot where they do not fit."""
        async with asyncio.timeout(timeout_s):
            while not condition(self.watcher.state):
                event, data = await self.watcher.client.receive(timeout_s)
                state = self.watcher.state
                if (
                    event == "tick"
                    and data["epoch"] == state["epoch"]
                    and data["since"] <= state["seq"]
                ):
                    state.apply(data)
                elif event == "tick":  # of other nodes than before, or one was passed over
                    await self.resync()
        return self.watcher.state

    async def resync(self, event: str = "snapshot", **data: Any) -> None:
        answer = await ask(self.watcher.client, event, **data)
        assert answer.event == "snapshot", answer
        self.watcher.state = State(answer.data)

    async def ask(self, event: str, **data: Any) -> Any:
        answer = await ask(self.watcher.client, event, **data)
        assert answer.event != "refused", answer
        return answer.data


@pytest_asyncio.fixture
async def site(nodes: Nodes) -> Site:
    _user, browser = await operator(is_superuser=True)
    watcher = await watch(nodes[0].server, browser=browser)
    site = Site(nodes, browser, watcher)
    await site.until(lambda state: len(state["nodes"]) == 2)
    await site.until(lambda state: all(row["uptime_s"] is not None for row in state["nodes"]))
    return site


async def clients_of(node: Node, count: int) -> list[Client]:
    return [await node.server.connect("/echo") for _ in range(count)]


def connections(state: State) -> int:
    return int(state["totals"]["connections"])


def calls(state: State) -> int:
    """Return how often the callback of the echo has been called."""
    rows = state.path("/echo")["events"]
    return sum(int(each["calls"]) for each in rows if each["event"] == "message")


async def test_any_node_shows_the_sum_and_each_of_them(site: Site) -> None:
    """Counters, events, rates, the log and the table, and one node alone when it is chosen."""
    first, second = site.nodes
    here, there = await clients_of(first, 2), await clients_of(second, 3)
    await site.until(lambda state: connections(state) == 5)
    for client in (*here, *there):
        client.emit("message", {"text": "hello"})
        await client.receive()
    # A callback counts when it has ended, which may be after its answer has come.
    state = await site.until(lambda state: calls(state) == 5)
    echo = state.path("/echo")
    assert (echo["connections"], echo["opened"], echo["events_in"]) == (5, 5, 5)
    assert state["totals"]["events_in"] == 5
    assert echo["p50_ms"] is not None
    assert state["totals"]["peak"] == 5
    rows = {row["pid"]: row for row in state["nodes"]}
    assert [rows[each.pid]["here"] for each in site.nodes] == [True, False]
    assert (rows[first.pid]["connections"], rows[second.pid]["connections"]) == (2, 3)
    assert [row["state"] for row in rows.values()] == ["serving", "serving"]
    assert state["server"]["pid"] is None
    assert state["server"]["viewers"] == 1
    opened = state.log("connection_opened")
    assert sorted(each["node"] for each in opened) == sorted(
        [rows[first.pid]["name"]] * 2 + [rows[second.pid]["name"]] * 3
    )
    assert [each["n"] for each in state["lifecycle"]] == sorted(
        {each["n"] for each in state["lifecycle"]}
    )
    # One that begins to watch now gets the same, also through the other node.
    other = await watch(second.server, browser=site.browser)
    assert other.state["totals"]["opened"] == 5
    assert len(other.state.log("connection_opened")) == 5
    assert 5 in other.state["history"]["series"]["connections"]
    # One alone.
    await site.resync("watch", node=site.id_of(second))
    state = site.watcher.state
    assert (state["node"], connections(state)) == (site.id_of(second), 3)
    assert state["server"]["pid"] == second.pid
    assert len(state["nodes"]) == 2
    await there[0].close()
    await site.until(lambda state: connections(state) == 2)
    history = await site.ask("history", range="10m")
    assert max(point or 0 for point in history["series"]["connections"]) == 3
    await site.resync("watch", node=None)
    assert connections(site.watcher.state) == 4
    answer = await ask(site.watcher.client, "watch", node="nobody")
    assert (answer.event, answer.data["code"]) == ("refused", "not_found")


async def test_a_node_that_is_killed_is_stale_and_then_gone_with_its_counts(site: Site) -> None:
    first, second = site.nodes
    await clients_of(first, 1)
    await clients_of(second, 3)
    await site.until(lambda state: connections(state) == 4)
    epoch = site.watcher.state["epoch"]
    second.send(signal.SIGKILL)
    state = await site.until(lambda state: site.row_of(second)["state"] == "stale")
    assert connections(state) == 4
    state = await site.until(lambda state: len(state["nodes"]) == 1)
    assert connections(state) == 1
    assert state["epoch"] != epoch
    assert state["server"]["pid"] == first.pid
    # Another one comes, and is in the sum.
    await site.nodes.start(1)
    await clients_of(site.nodes[-1], 2)
    await site.until(lambda state: connections(state) == 3)


async def test_connections_are_found_and_closed_wherever_they_are(site: Site) -> None:
    first, second = site.nodes
    here, there = await clients_of(first, 2), await clients_of(second, 60)
    found = await site.ask("connections", sort="connected_at")
    assert (found["count"], found["pages"], len(found["rows"])) == (62, 2, 50)
    assert found["nodes"] == {"asked": 2, "answered": 2}
    last = await site.ask("connections", sort="connected_at", page=9)
    assert (last["page"], len(last["rows"])) == (2, 12)
    rows = [*found["rows"], *last["rows"]]
    assert len({row["id"] for row in rows}) == 62
    assert [row["connected_at"] for row in rows] == sorted(row["connected_at"] for row in rows)
    only = await site.ask("connections", node=site.id_of(first))
    assert only["count"] == 2
    wanted = rows[-1]["id"]
    assert (await site.ask("connections", search=wanted))["count"] == 1
    one = await site.ask("connection", connection=wanted)
    assert one["connection"]["node"] == site.row_of(second)["name"]
    assert (await site.ask("recipients", connection=wanted))["count"] == 1
    assert (await site.ask("recipients", path="/echo"))["count"] == 62
    # To one, to all, to those of a node.
    await site.ask("send", connection=wanted, name="poke")
    assert await there[-1].receive() == ("poke", {})
    sent = await site.ask("send", path="/echo", name="notice", payload={"to": "all"})
    assert sent["count"] == 62
    for client in (*here, *there):
        assert await client.receive() == ("notice", {"to": "all"})
    await site.ask("send", path="/echo", node=site.id_of(first), name="here")
    assert await here[0].receive() == ("here", {})
    done = await site.ask("disconnect", connection=wanted, reason="enough")
    assert done["count"] == 1
    assert await there[-1].closed() == 4500
    done = await site.ask("disconnect", path="/echo")
    assert (done["count"], done["nodes"]) == (61, {"asked": 2, "answered": 2})
    for client in (*here, *there):
        assert await client.closed() == 4500
    messages = [entry.change_message async for entry in LogEntry.objects.order_by("pk")]
    assert len(messages) == 5
    assert messages[1] == "Sent the event notice to 62 connections (path /echo)"
    assert re.fullmatch(
        r"Disconnected 1 connection \(connection \w+ of 127.0.0.1 on /echo\): enough", messages[3]
    )
    answer = await ask(site.watcher.client, "disconnect", connection=wanted)
    assert (answer.event, answer.data["code"]) == ("refused", "not_found")


async def test_who_does_not_answer_is_told(site: Site) -> None:
    """A node that is stopped for a while: what the others know is there all the same."""
    first, second = site.nodes
    await clients_of(first, 1)
    await clients_of(second, 1)
    second.send(signal.SIGSTOP)
    found = await site.ask("connections")
    assert (found["count"], found["nodes"]) == (1, {"asked": 2, "answered": 1})
    await site.until(lambda state: site.row_of(second)["state"] == "stale")
    second.send(signal.SIGCONT)
    await site.until(lambda state: site.serves(second))
    assert (await site.ask("connections"))["count"] == 2
    # Anew: each question waits two seconds for it, and after ten it would be gone.
    second.send(signal.SIGSTOP)
    answer = await ask(site.watcher.client, "connection", connection="0" * 16)
    assert answer.data["code"] == "not_found"
    assert answer.data["message"].endswith("1 of 2 nodes answered.")
    answer = await ask(site.watcher.client, "connections", node=site.id_of(second))
    assert answer.data["code"] == "silent"


async def test_without_redis_each_node_shows_itself_and_says_so(site: Site) -> None:
    first, second = site.nodes
    await clients_of(first, 1)
    site.nodes.broker.stop()
    await site.until(lambda state: state["server"]["trouble"])
    await clients_of(first, 1)
    await site.until(lambda state: site.row_of(first)["connections"] == 2)
    assert site.row_of(first)["state"] == "degraded"
    other = await watch(first.server, browser=site.browser)
    assert site.row_of(first)["connections"] == 2
    assert other.state["server"]["trouble"]
    site.nodes.broker.start()
    await site.until(lambda state: not state["server"]["trouble"], timeout_s=60)
    await site.until(lambda state: site.serves(second), timeout_s=60)


FORBID = """
import time

from django.contrib.auth.models import Permission, User

permission = Permission.objects.get(codename="view_dashboard")
User.objects.get(username="wanda").user_permissions.remove(permission)
print("at", time.time(), flush=True)
"""


async def test_who_may_not_watch_any_more_is_off_every_node_within_two_seconds(site: Site) -> None:
    """A shell takes the permission away; the nodes look each minute by themselves."""
    _user, browser = await operator("view_dashboard", name="wanda")
    watchers = [await watch(node.server, browser=browser) for node in site.nodes]
    shell = site.nodes.command("shell", "-c", FORBID)
    codes = await asyncio.gather(*(each.client.closed(timeout_s=30) for each in watchers))
    ended_at = time.time()
    assert await asyncio.to_thread(shell.wait) == 0, shell.output
    assert codes == [4501, 4501]
    taken_at = float(re.search(r"at (\S+)", shell.output)[1])  # type: ignore[index]
    assert ended_at - taken_at < 2
    await site.until(lambda state: state["server"]["viewers"] == 1)


TELL = """
from tws_admin.models import ProgressTask
from tws_admin.progress.work.report import tell

run = ProgressTask.objects.get()
run.label = "said by a worker"
tell(run)
"""


async def test_a_progress_task_is_followed_from_every_node(site: Site) -> None:
    """What a process tells that runs no server is seen by those who watch any node."""
    run = await sync_to_async(make_run)()
    state = await site.until(lambda state: state["tasks"])
    assert state["tasks"][0]["id"] == str(run.pk)
    own = await site.nodes[1].server.connect(OWN, client=site.browser)
    both = await site.nodes[1].server.connect(ALL, client=site.browser)
    for client in (own, both):
        await client.receive()
    worker = site.nodes.command("shell", "-c", TELL)
    assert await asyncio.to_thread(worker.wait) == 0, worker.output
    await site.until(lambda state: state["tasks"][0]["label"] == "said by a worker")
    event, row = await both.receive()
    assert (event, row["label"]) == ("task", "said by a worker")

"""Who watches several nodes, through the monitor of one of them."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from tests.tws_admin.conftest import Shared
from tests.tws_admin.feeds import State, watch
from tests.tws_admin.neighbours import event, past, report
from tests.tws_admin.operators import ask, operator, refusal
from tests.tws_admin.snapshots import counters
from tornado_websockets import testing
from tornado_websockets.tornadowrapper import TornadoWrapper
from tornado_websockets.websocket import WebSocket
from tws_admin.feed.nodes import PAST, NoSuchNodeError
from tws_admin.feed.together import Together
from tws_admin.monitor import monitor

B = "b" * 16

pytestmark = pytest.mark.django_db(transaction=True)


def together() -> Together:
    scene = monitor._scene
    assert isinstance(scene, Together)
    return scene


def opened(count: int) -> Any:
    return report(totals=counters(opened=count))


async def test_a_viewer_gets_the_sum_and_what_changes(shared: Shared) -> None:
    neighbour = shared.layer.add(B, report=opened(5), answers={PAST: past(event(1))})
    WebSocket("/chat")
    await shared.server.connect("/chat")
    watcher = await watch(shared.server)
    await watcher.until(lambda state: state["totals"]["opened"] == 6)
    assert watcher.state.log("connection_opened")
    neighbour.report = opened(7)
    await watcher.until(lambda state: state["totals"]["opened"] == 8)
    assert watcher.state["server"]["viewers"] == 1


async def test_two_who_come_at_once_see_the_same(shared: Shared) -> None:
    _user, browser = await operator("view_dashboard")
    shared.layer.delay_s = 0.1
    watchers = await asyncio.gather(*(watch(shared.server, browser=browser) for _ in range(3)))
    assert len(together().views) == 1
    assert len(together().views[0].viewers) == 3
    for watcher in watchers:
        await watcher.tick()
    assert len({watcher.state["epoch"] for watcher in watchers}) == 1


async def test_those_who_begin_anew_at_once_ask_the_others_once(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As all do when a node has come or gone."""
    _user, browser = await operator("view_dashboard")
    shared.layer.add(B, report=opened(5), answers={PAST: past(events_in=[7])})
    watchers = [await watch(shared.server, browser=browser) for _ in range(5)]
    shared.layer.asked.clear()
    all_look = asyncio.Event()
    count_looks(monkeypatch, len(watchers), all_look)
    hold_reports(monkeypatch, shared, all_look)
    answers = await asyncio.gather(
        *(ask(watcher.client, "snapshot", range="10m") for watcher in watchers)
    )
    assert [topic for topic, _data, _node in shared.layer.asked] == [PAST]
    for answer in answers:
        assert (answer.event, answer.data["history"]["series"]["events_in"][-1]) == ("snapshot", 7)
    await ask(watchers[0].client, "snapshot", range="10m")
    assert len(shared.layer.asked) == 2


def count_looks(monkeypatch: pytest.MonkeyPatch, count: int, reached: asyncio.Event) -> None:
    """Tell when so many viewers look at once."""
    scene, look, numbers = together(), together().look, itertools.count(1)

    async def counted(*args: Any, **more: Any) -> Any:
        if next(numbers) == count:
            reached.set()  # who waits for it goes on when this one has asked, too
        return await look(*args, **more)

    monkeypatch.setattr(scene, "look", counted)


def hold_reports(monkeypatch: pytest.MonkeyPatch, shared: Shared, until: asyncio.Event) -> None:
    """Let whoever reads the other nodes wait."""
    reports = shared.layer.reports

    async def held() -> Any:
        await until.wait()
        return await reports()

    monkeypatch.setattr(shared.layer, "reports", held)


async def test_one_node_is_watched_and_all_again(shared: Shared) -> None:
    shared.layer.add(B, report=opened(5))
    watcher = await watch(shared.server)
    watcher.client.emit("pace", {"every_s": 2})
    answer = await ask(watcher.client, "watch", node=B, range="2h")
    state = State(answer.data)
    assert (answer.event, state["node"], state["totals"]["opened"]) == ("snapshot", B, 5)
    assert answer.data["history"]["step_s"] == 10
    event_, tick = await watcher.client.receive()
    assert (event_, tick["epoch"]) == ("tick", state["epoch"])
    assert tick["seq"] - tick["since"] == 2  # the pace is the viewer's, whatever is watched
    assert (await ask(watcher.client, "snapshot")).data["node"] == B
    own = shared.layer.node.id
    assert (await ask(watcher.client, "watch", node=own)).data["node"] == own
    assert (await ask(watcher.client, "history", range="2h")).event == "history"
    assert (await ask(watcher.client, "watch")).data["node"] is None
    assert len(together().views) == 1 or len(together().views[0].viewers) in (0, 1)


async def test_a_node_that_is_not_there_cannot_be_watched(shared: Shared) -> None:
    watcher = await watch(shared.server)
    assert await refusal(watcher.client, "watch", node="nobody") == "not_found"
    assert await refusal(watcher.client, "watch", node=5) == "invalid"
    assert await refusal(watcher.client, "watch", range="1y") == "invalid"
    shared.layer.add(B, report=opened(5))
    assert await refusal(watcher.client, "watch", node=B) == "snapshot"
    del shared.layer.others[B]
    for question in ("snapshot", "history"):
        assert await refusal(watcher.client, question) == "not_found"


async def test_nobody_is_read_while_nobody_watches(shared: Shared) -> None:
    shared.layer.error = AssertionError("nobody is to ask")
    for _ in range(3):
        monitor.tick(monitor._observer)  # type: ignore[arg-type]
    await asyncio.sleep(0)
    assert together().views == []


async def test_one_reading_at_a_time_is_enough(shared: Shared) -> None:
    """Where reading the others takes longer than a second."""
    watcher = await watch(shared.server)
    shared.layer.delay_s = 0.2
    seq = together().views[0].seq
    for _ in range(5):
        together().tick()
    await watcher.until(lambda state: state["seq"] > seq)
    assert together().views[0].seq == seq + 1


async def test_views_that_nobody_sees_are_forgotten(shared: Shared) -> None:
    watcher = await watch(shared.server)
    assert len(together().views) == 1
    await watcher.client.close()
    async with asyncio.timeout(10):
        while together().views:
            await asyncio.sleep(0.05)


async def test_the_last_tick_says_that_this_node_stops(shared: Shared) -> None:
    watcher = await watch(shared.server)
    TornadoWrapper.stop(grace_s=5)
    state = await watcher.until(lambda state: state["server"]["state"] == "stopping")
    assert state.log("server_stopping")
    assert state["nodes"][0]["state"] == "stopping"
    assert await watcher.client.closed() == 1001


async def test_a_thread_gets_the_sum_or_this_node_alone(shared: Shared) -> None:
    neighbour = shared.layer.add(B, report=opened(5))
    own = shared.layer.node.id
    # With more patience than a busy machine needs: else it would be this node alone.
    found = await asyncio.to_thread(lambda: monitor.snapshot(within_s=60))
    assert (found["node"], found["totals"]["opened"]) == (None, 5)
    found = await asyncio.to_thread(lambda: monitor.snapshot(node=B, within_s=60))
    assert (found["node"], found["totals"]["opened"]) == (B, 5)
    found = await asyncio.to_thread(lambda: monitor.snapshot(node="nobody", within_s=60))
    assert found["node"] is None
    shared.layer.delay_s = 5.0
    found = await asyncio.to_thread(lambda: monitor.snapshot(within_s=0.1))
    assert (found["node"], found["totals"]["opened"]) == (own, 0)
    assert [row["id"] for row in found["nodes"]] == [own, B]
    # On the event loop nothing can be waited for.
    assert monitor.snapshot()["node"] == own
    assert neighbour.report is not None


async def test_this_node_tells_others_of_itself(shared: Shared) -> None:
    own = shared.layer.node.id
    assert set(await shared.layer.reports()) == {own}
    asked = await shared.layer.ask(PAST, {"range": "10m"})
    assert set(asked.answers[own]) == {"time", "history", "lifecycle"}
    with pytest.raises(ValueError, match="a range was expected"):
        await shared.layer.ask(PAST, {"range": "1y"})


async def test_a_mistake_in_the_sum_stops_no_tick(
    shared: Shared, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = await watch(shared.server)
    [view] = together().views
    monkeypatch.delattr(view, "_points")
    async with asyncio.timeout(10):
        while "without the sum of the nodes" not in caplog.text:
            await asyncio.sleep(0.05)
    monkeypatch.undo()
    await watcher.tick()


async def test_a_process_that_shares_nothing_has_no_nodes() -> None:
    from tws_admin import websockets

    websockets.register()
    async with testing.serve(share_thread=False) as server:
        watcher = await watch(server)
        assert (watcher.state["nodes"], watcher.state["node"]) == ([], None)
        assert await refusal(watcher.client, "watch", node=B) == "not_found"
        assert await refusal(watcher.client, "watch") == "snapshot"
        with pytest.raises(NoSuchNodeError):
            await monitor.history("10m", B)

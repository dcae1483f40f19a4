"""Several nodes, tick by tick, as if they were one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tests.tws_admin.conftest import Shared
from tests.tws_admin.feeds import State
from tests.tws_admin.neighbours import event, history, past, report
from tests.tws_admin.snapshots import SERIES, counters, path
from tws_admin.feed.nodes import Nodes
from tws_admin.feed.observer import Observer
from tws_admin.feed.view import View

B, C = "b" * 16, "c" * 16


def said(count: int, *log: Any) -> dict[str, Any]:
    """Return the report of a node on which so much has happened."""
    return report(
        totals=counters(opened=count),
        paths=[path(opened=count)],
        rates={**dict.fromkeys(SERIES, 0), "opened": count, "p95_ms": count},
        speeds={"/chat": {"events_in": count}},
        log=list(log),
    )


@pytest_asyncio.fixture
async def nodes(shared: Shared) -> AsyncIterator[Nodes]:
    observer = Observer()
    observer.tick()
    yield Nodes(observer)


async def begun(nodes: Nodes, node: str | None = None, past: Any = None) -> View:
    await nodes.read()
    view = View(node)
    view.begin(nodes, view.merge(nodes), past or {}, 1000.0)
    return view


async def take(view: View, nodes: Nodes) -> None:
    await nodes.read()
    view.take(nodes, view.merge(nodes), 1001.0)


async def test_all_is_the_sum(shared: Shared, nodes: Nodes) -> None:
    shared.layer.add(B, report=said(2))
    shared.layer.add(C, report=said(3))
    view = await begun(nodes)
    snapshot = view.snapshot(history())
    assert snapshot["totals"]["opened"] == 5
    assert [(each["path"], each["opened"]) for each in snapshot["paths"]] == [("/chat", 5)]
    assert snapshot["paths"][0]["rates"] == {"events_in": 5}
    assert snapshot["node"] is None
    assert [row["id"] for row in snapshot["nodes"]] == [shared.layer.node.id, B, C]


async def test_one_is_one_with_all_in_the_table(shared: Shared, nodes: Nodes) -> None:
    shared.layer.add(B, report=said(2))
    shared.layer.add(C, report=said(3))
    snapshot = (await begun(nodes, C)).snapshot(history())
    assert (snapshot["totals"]["opened"], snapshot["node"]) == (3, C)
    assert snapshot["server"]["pid"] == 77
    assert len(snapshot["nodes"]) == 3


async def test_ticks_lead_from_one_snapshot_to_the_next(shared: Shared, nodes: Nodes) -> None:
    neighbour = shared.layer.add(B, report=said(2))
    view = await begun(nodes)
    state = State(view.snapshot(history()))
    for count in (3, 5):
        neighbour.report = said(count, event(count))
        await take(view, nodes)
    changes: Any = view.changes(1)
    rates = changes.pop("rates")
    assert (rates["opened"], rates["p95_ms"]) == (4, 5)
    state.apply(changes)
    after = State(view.snapshot(history())).data
    assert state.data == after
    assert state["totals"]["opened"] == 5
    assert view.changes(-10_000) is None


async def test_counters_only_grow_within_an_epoch(shared: Shared, nodes: Nodes) -> None:
    """A node that comes or goes begins another one; one that is silent does not."""
    neighbour = shared.layer.add(B, report=said(2))
    view = await begun(nodes)
    epochs = [view.snapshot(history())["epoch"]]
    neighbour.is_stale, neighbour.report = True, None
    await take(view, nodes)
    epochs.append(view.snapshot(history())["epoch"])
    assert view.snapshot(history())["totals"]["opened"] == 2
    del shared.layer.others[B]
    await take(view, nodes)
    epochs.append(view.snapshot(history())["epoch"])
    assert view.snapshot(history())["totals"]["opened"] == 0
    shared.layer.add(C, report=said(1))
    await take(view, nodes)
    epochs.append(view.snapshot(history())["epoch"])
    assert epochs[0] == epochs[1]
    assert len(set(epochs)) == 3


async def test_the_only_node_of_a_view_may_go(shared: Shared, nodes: Nodes) -> None:
    """Who watches it gets a tick that says so."""
    shared.layer.add(B, report=said(2))
    view = await begun(nodes, B)
    del shared.layer.others[B]
    await take(view, nodes)
    changes: Any = view.changes(1)
    assert changes["nodes"] == [{"id": B, "gone": True}]
    assert changes["totals"]["opened"] == 0
    assert changes["epoch"] == view.snapshot(history())["epoch"]


async def test_the_log_has_each_event_of_each_node_once(shared: Shared, nodes: Nodes) -> None:
    """Reports repeat the last ones; those that have come and gone are counted."""
    neighbour = shared.layer.add(B, report=said(0, event(1), event(2)))
    other = shared.layer.add(C, report=said(0, event(7, 999.0)))
    view = await begun(nodes, past={B: past(event(1, 998.0), event(2))})
    await take(view, nodes)
    log = view.snapshot(history())["lifecycle"]
    assert [(each["n"], each["time"], each["node"]) for each in log] == [
        (1, 998.0, "web2:77"),
        (2, 1000.0, "web2:77"),
        (3, 999.0, "web2:77"),
    ]
    assert view.changes(2) is not None
    neighbour.report = said(0, event(5, 1003.0), event(6, 1005.0))
    other.report = said(0, event(7, 999.0), event(8, 1004.0))
    await take(view, nodes)
    changes: Any = view.changes(2)
    assert [each["time"] for each in changes["lifecycle"]] == [1003.0, 1004.0, 1005.0]
    assert changes["more"] == 2
    assert [each["n"] for each in changes["lifecycle"]] == [6, 7, 8]


async def test_the_history_is_that_of_those_who_told_it(shared: Shared, nodes: Nodes) -> None:
    view = await begun(nodes)
    told = {B: past(events_in=[1, 2]), C: past(events_in=[5])}
    assert view.history(told, "10m")["series"]["events_in"] == [1, 7]
    wrong = {B: past(step_s=60)}
    for nothing in ({}, wrong):
        empty = view.history(nothing, "10m")
        assert (empty["step_s"], set(map(len, empty["series"].values()))) == (1, {0})

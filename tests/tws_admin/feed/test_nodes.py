"""The nodes that are known, and what each has said last."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.tws_admin.conftest import Shared
from tests.tws_admin.neighbours import Neighbour, past, report, server
from tests.tws_admin.snapshots import SERIES, counters
from tws_admin.feed.nodes import PAST, Nodes, row
from tws_admin.feed.observer import Observer

B, C = "b" * 16, "c" * 16
BUSY = report(
    totals=counters(connections=7),
    rates={**dict.fromkeys(SERIES, 0), "events_in": 2.5},
)


@pytest_asyncio.fixture
async def nodes(shared: Shared) -> AsyncIterator[Nodes]:
    observer = Observer()
    observer.tick()
    yield Nodes(observer)


async def test_this_one_comes_first(shared: Shared, nodes: Nodes) -> None:
    shared.layer.add(B, report=BUSY)
    await nodes.read()
    own = shared.layer.node.id
    assert list(nodes.reports) == [own, B]
    here, there = nodes.rows()
    assert (here["id"], here["here"], there["here"]) == (own, True, False)
    assert (there["name"], there["connections"], there["events_in_per_s"]) == ("web2:77", 7, 2.5)
    assert (there["state"], there["trouble"], there["loop_lag_ms"]) == ("serving", "", 0.5)


async def test_who_is_silent_keeps_what_it_has_said_until_it_is_gone(
    shared: Shared, nodes: Nodes
) -> None:
    neighbour = shared.layer.add(B, report=BUSY)
    await nodes.read()
    neighbour.report, neighbour.is_stale = None, True
    await nodes.read()
    _here, there = nodes.rows()
    assert (there["state"], there["connections"], there["events_in_per_s"]) == ("stale", 7, None)
    assert list(nodes.fresh(nodes.reports)) == [nodes.reports[shared.layer.node.id]]
    seen = nodes.reports
    del shared.layer.others[B]
    await nodes.read()
    assert list(nodes.reports) == [shared.layer.node.id]
    # A thread may be at work with what was there before.
    assert nodes.fresh(seen) == list(seen.values())


async def test_a_node_that_has_said_nothing_yet_is_there(shared: Shared, nodes: Nodes) -> None:
    shared.layer.add(B)
    await nodes.read()
    _here, there = nodes.rows()
    assert (there["pid"], there["state"], there["connections"]) == (77, "serving", None)


async def test_a_report_that_is_wrong_is_told_once_and_leaves_the_last_one(
    shared: Shared, nodes: Nodes, caplog: pytest.LogCaptureFixture
) -> None:
    neighbour = shared.layer.add(B, report=BUSY)
    await nodes.read()
    neighbour.report = {"totals": 5}
    for _ in range(3):
        await nodes.read()
    assert nodes.reports[B] == BUSY
    assert caplog.text.count(f"node {B} reports what cannot be used: ") == 1


async def test_reports_that_cannot_be_read_leave_this_node(
    shared: Shared, nodes: Nodes, caplog: pytest.LogCaptureFixture
) -> None:
    shared.layer.add(B, report=BUSY)
    shared.layer.error = OSError("away")
    for _ in range(3):
        await nodes.read()
    assert list(nodes.reports) == [shared.layer.node.id]
    assert caplog.text.count("the monitor goes on without the reports of the other nodes") == 1


async def test_the_past_is_that_of_those_who_tell_it(
    shared: Shared, nodes: Nodes, caplog: pytest.LogCaptureFixture
) -> None:
    own = shared.layer.node.id
    shared.layer.add(B, answers={PAST: past(events_in=[1, 2])})
    shared.layer.add(C, answers={PAST: {"history": 5}})
    found = await nodes.past("10m", None)
    assert set(found) == {own, B}
    history = found[B]["history"]
    assert history["series"]["events_in"] == [1, 2]
    # Its clock is wrong, and told what time it is there.
    assert history["end"] == pytest.approx(time.time(), abs=5)
    assert f"node {C} says what cannot be used of its past" in caplog.text
    assert set(await nodes.past("10m", B)) == {B}
    assert set(await nodes.past("10m", "d" * 16)) == set()
    shared.layer.error = OSError("away")
    assert set(await nodes.past("10m", None)) == {own}


@pytest.mark.parametrize(
    ("more", "is_stale", "state"),
    [
        ({}, False, "serving"),
        ({"state": "stopping", "trouble": "x"}, False, "stopping"),
        ({"trouble": "Redis is away"}, False, "degraded"),
        ({"trouble": "Redis is away"}, True, "stale"),
    ],
)
def test_how_a_node_is(more: Any, is_stale: bool, state: str) -> None:
    neighbour = Neighbour(B, is_stale=is_stale)
    assert row(neighbour.state, report(server=server(**more)))["state"] == state


def test_a_name_can_neither_turn_the_text_around_nor_fill_the_page() -> None:
    state = Neighbour(B).state
    node = dataclasses.replace(state.node, host="\u202eten.live\u0000" + "x" * 500, version="1\n2")
    found = row(state._replace(node=node), report())
    assert found["host"].startswith("\ufffdten.live\ufffdx")
    assert (len(found["host"]), found["version"]) == (64, "1\ufffd2")
    assert found["name"] == f"{found['host']}:77"

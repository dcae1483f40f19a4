"""One run of a server, tick by tick."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio

from tests.tws_admin.feeds import State
from tornado_websockets.modules import ProgressBar
from tornado_websockets.testing import Server
from tornado_websockets.websocket import WebSocket
from tws_admin.feed import observer as module
from tws_admin.feed.observer import Observer
from tws_admin.feed.sampler import SERIES
from tws_admin.progress.live.board import board


@pytest_asyncio.fixture
async def observer(server: Server) -> AsyncIterator[Observer]:
    observer = Observer()
    observer.lifecycle.connect()
    yield observer
    observer.lifecycle.disconnect()


async def test_each_run_has_an_epoch_of_its_own(observer: Observer) -> None:
    assert observer.epoch != Observer().epoch


async def test_a_snapshot_has_all_that_there_is(server: Server, observer: Observer) -> None:
    WebSocket("/chat").bind(ProgressBar("upload"))
    await server.connect("/chat")
    observer.tick()
    snapshot = observer.snapshot("10m")
    assert (snapshot["v"], snapshot["epoch"], snapshot["seq"]) == (1, observer.epoch, 1)
    assert snapshot["server"]["state"] == "serving"
    assert snapshot["totals"]["connections"] == snapshot["totals"]["peak"] == 1
    assert [path["path"] for path in snapshot["paths"]] == ["/chat"]
    assert [bar["name"] for bar in snapshot["bars"]] == ["upload"]
    assert snapshot["tasks"] == []
    kinds = [event["kind"] for event in snapshot["lifecycle"]]
    assert kinds == ["path_registered", "connection_opened"]
    assert snapshot["history"]["series"]["connections"] == [1]


async def test_changes_lead_from_one_snapshot_to_the_next(
    server: Server, observer: Observer
) -> None:
    """With what happened in a real server in between."""
    WebSocket("/chat")
    observer.tick()
    state = State(observer.snapshot("10m"))
    client = await server.connect("/chat")
    observer.tick()
    client.send("{")
    await client.receive()
    WebSocket("/new")
    observer.tick()
    changes: Any = observer.changes(1)
    rates = changes.pop("rates")
    state.apply(changes)
    after = State(observer.snapshot("10m")).data
    after.pop("history")
    state.data.pop("history")
    assert state.data == after
    assert rates.keys() == set(SERIES)


async def test_the_runs_of_the_board_are_in_it(server: Server, observer: Observer) -> None:
    """Each as a row, and then what has changed of it."""
    run = {"id": "a", "state": "running", "attempt": 1, "done": 1, "created": 1.0, "ended": None}
    for done in (1, 2):
        board.tell({**run, "done": done}, done)
        observer.tick()
        if done == 1:
            state = State(observer.snapshot("10m"))
    changes: Any = observer.changes(1)
    assert changes["tasks"] == [{"id": "a", "done": 2}]
    state.apply(changes)
    assert state["tasks"] == [{**run, "done": 2}]
    board.clear()
    observer.tick()
    gone: Any = observer.changes(2)
    assert gone["tasks"] == [{"id": "a", "gone": True}]


async def test_whoever_looks_twice_between_two_ticks_sees_the_same(
    server: Server, observer: Observer
) -> None:
    """A number of a tick stands for one state."""
    WebSocket("/chat")
    observer.tick()
    before = observer.snapshot("10m")
    await server.connect("/chat")
    assert observer.snapshot("10m") == before


async def test_a_range_that_there_is_not_cannot_be_had(observer: Observer) -> None:
    observer.tick()
    with pytest.raises(KeyError):
        observer.snapshot("1y")


async def test_what_is_too_long_ago_cannot_be_told(observer: Observer) -> None:
    for _ in range(700):
        observer.tick()
    assert observer.changes(1) is None


async def test_a_reading_that_fails_is_told_once_and_stops_nothing(
    observer: Observer, caplog: pytest.LogCaptureFixture
) -> None:
    """All the rest is still there, and it comes back when the mistake is over."""
    bar = WebSocket("/work").bind(ProgressBar("upload"))
    bar.current = None  # type: ignore[assignment]
    for _ in range(3):
        observer.tick()
        snapshot = observer.snapshot("10m")
    assert snapshot["bars"] == []
    assert [path["path"] for path in snapshot["paths"]] == ["/work"]
    assert snapshot["totals"]["connections"] == 0
    [record] = [each for each in caplog.records if each.name == "tws_admin"]
    assert record.levelno == logging.ERROR
    assert record.getMessage() == "the monitor goes on without bars"
    bar.current = 5
    observer.tick()
    assert observer.snapshot("10m")["bars"][0]["value"] == 5


async def test_counters_that_cannot_be_read_stop_no_tick(
    observer: Observer, caplog: pytest.LogCaptureFixture
) -> None:
    chat = WebSocket("/chat")
    events, chat.stats.events_in = chat.stats.events_in, None  # type: ignore[assignment]
    observer.tick()
    observer.tick()
    assert observer.seq == 2
    assert caplog.text.count("the monitor goes on without the counters") == 1
    chat.stats.events_in = events
    observer.tick()
    assert observer.history("10m")["series"]["connections"] == [0]


async def test_the_next_tick_is_due_within_a_second(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The test's own clock: a machine may stop between any two lines.
    clock = SimpleNamespace(monotonic=lambda: 1000.0, time=time.time)
    monkeypatch.setattr(module, "time", clock)
    observer = Observer()
    observer.tick()
    assert observer.wait_s == 1
    clock.monotonic = lambda: 1000.5
    assert observer.wait_s == 0.5


class TestReports:
    """What other nodes are told."""

    async def test_a_report_is_the_same_until_the_next_tick(self, observer: Observer) -> None:
        observer.tick()
        first = observer.report()
        assert observer.report() is first
        observer.tick()
        assert observer.report() is not first

    async def test_it_says_what_a_snapshot_does(self, server: Server, observer: Observer) -> None:
        WebSocket("/chat").bind(ProgressBar("upload"))
        await server.connect("/chat")
        observer.tick()
        report, snapshot = observer.report(), observer.snapshot("10m")
        for section in ("server", "totals", "bars"):
            assert report[section] == snapshot[section]
        assert [path["connections"] for path in report["paths"]] == [1]
        assert report["rates"]["connections"] == 1
        kinds = [event["kind"] for event in report["log"]]
        assert kinds == ["path_registered", "connection_opened"]

    async def test_the_log_of_a_report_is_that_of_the_last_seconds(
        self, observer: Observer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(60):
            observer.lifecycle.log("warning")
        observer.tick()
        assert [event["n"] for event in observer.report()["log"]] == list(range(11, 61))
        monkeypatch.setattr(module, "TOLD_S", -1.0)  # times are rounded
        observer.tick()
        assert observer.report()["log"] == []

    async def test_paths_are_read_seldom_while_nobody_looks(
        self, server: Server, observer: Observer
    ) -> None:
        WebSocket("/chat")
        observer.tick()
        observer.report()
        await server.connect("/chat")

        def told() -> int:
            observer.tick()
            return int(observer.report()["paths"][0]["connections"])

        assert [told() for _ in range(11)] == [0] * 9 + [1, 1]
        await server.connect("/chat")
        observer.tick()
        assert observer.report()["paths"][0]["connections"] == 1
        assert observer.report()["totals"]["connections"] == 2
        observer.watch()
        assert observer.report()["paths"][0]["connections"] == 2
        await server.connect("/chat")
        assert told() == 3

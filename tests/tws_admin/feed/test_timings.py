"""How long callbacks took in the last seconds in which there were calls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado_websockets.histogram import Histogram
from tornado_websockets.stats import PathStats
from tws_admin.feed.timings import NONE, PathTimings, Timing, merged

MS = 1_000_000


def call(stats: PathStats, event: str, *durations_ms: float) -> None:
    for duration_ms in durations_ms:
        stats.events[event].latency.add(int(duration_ms * MS))


def events(timings: PathTimings) -> dict[str, dict[str, float | None]]:
    return dict(timings.events())


def second(timings: PathTimings, count: int = 1) -> None:
    """Let seconds pass, every fifth of which is a turn."""
    for number in range(count):
        timings.take()
        if number % 5 == 4:
            timings.turn()


def test_what_is_taken_are_the_calls_since_the_last_time() -> None:
    stats = PathStats()
    timings = PathTimings(stats)
    assert timings.take() == []
    call(stats, "say", 1, 1, 1)
    call(stats, "join", 5)
    assert sorted(each.count for each in timings.take()) == [1, 3]
    assert timings.take() == []


@given(st.lists(st.lists(st.floats(0.001, 1000), max_size=20), max_size=20))
def test_nothing_is_taken_twice_or_lost(seconds: list[list[float]]) -> None:
    """The calls of all seconds together are the calls that there were."""
    stats = PathStats()
    timings = PathTimings(stats)
    total = Histogram()
    for durations_ms in seconds:
        call(stats, "say", *durations_ms)
        total.merge(merged(timings.take()))
    assert total.count == sum(map(len, seconds))
    assert total.as_dict() == stats.latency.as_dict()


def test_calls_from_before_the_monitor_began_are_not_recent() -> None:
    stats = PathStats()
    call(stats, "say", 1)
    timings = PathTimings(stats, is_new=False)
    assert timings.take() == []
    timings.compute()
    assert timings.percentiles == NONE
    assert events(timings)["say"]["calls"] == 1


def test_a_path_that_is_new_begins_with_its_first_call() -> None:
    stats = PathStats()
    call(stats, "say", 1)
    assert [each.count for each in PathTimings(stats).take()] == [1]


def test_percentiles_are_those_of_a_path_and_of_each_event() -> None:
    stats = PathStats()
    timings = PathTimings(stats)
    call(stats, "say", *[1] * 98)
    call(stats, "join", 100, 100)
    second(timings)
    timings.compute()
    found = events(timings)
    assert found["say"]["p99_ms"] == pytest.approx(1, rel=0.07)
    assert found["join"]["p50_ms"] == pytest.approx(100, rel=0.07)
    assert timings.percentiles["p50_ms"] == pytest.approx(1, rel=0.07)
    assert timings.percentiles["p99_ms"] == pytest.approx(100, rel=0.07)


def test_percentiles_follow_what_is_recent() -> None:
    """What was longer than ten seconds ago counts no more."""
    stats = PathStats()
    timings = PathTimings(stats)
    call(stats, "say", *[100] * 50)
    second(timings, 10)
    call(stats, "say", 1)
    second(timings)
    timings.compute()
    assert timings.percentiles["p99_ms"] == pytest.approx(1, rel=0.07)
    assert events(timings)["say"]["calls"] == 51


@pytest.mark.parametrize("is_watched", [True, False])
def test_percentiles_stay_while_there_are_no_calls(is_watched: bool) -> None:
    """Also when nobody looked while there were any."""
    stats = PathStats()
    timings = PathTimings(stats)
    call(stats, "say", 50)
    for _ in range(8):
        second(timings, 5)
        if is_watched:
            timings.compute()
    timings.compute()
    assert timings.percentiles["p50_ms"] == pytest.approx(50, rel=0.07)
    assert events(timings)["say"]["p50_ms"] == pytest.approx(50, rel=0.07)


def test_a_turn_tells_whether_the_percentiles_change() -> None:
    stats = PathStats()
    timings = PathTimings(stats)
    timings.take()
    assert not timings.turn()
    call(stats, "say", 1)
    timings.take()
    assert timings.turn()


def test_a_callback_that_nobody_calls_is_not_copied() -> None:
    stats = PathStats()
    timing = Timing(stats.events["say"])
    assert timing.take() is None
    timing.compute()
    assert timing.recent is None
    assert timing.percentiles == NONE


def test_errors_are_those_of_the_core() -> None:
    stats = PathStats()
    timings = PathTimings(stats)
    stats.events["say"].errors = 3
    second(timings)
    assert events(timings)["say"]["errors"] == 3

"""What a log keeps, and what it knows to be missing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado_websockets.history import UNKNOWN, History, Offset, Position
from tornado_websockets.layers.log import Log, numbered
from tornado_websockets.outgoing import Outgoing


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def outgoing(size: int = 10) -> Outgoing:
    return Outgoing("e", b"x" * size)


def log(clock: Clock | None = None, *, events: int = 3, **bounds: float | None) -> Log:
    found = Log(History(events=events, **bounds), clock or Clock())  # type: ignore[arg-type]
    found.begin("e")
    return found


def offsets(found: Log, offset: Offset, limit: int | None = None) -> list[int] | None:
    entries = found.since("e", offset, limit)
    return None if entries is None else [entry.offset[0] for entry in entries]


def test_a_log_without_epoch_knows_nothing() -> None:
    found = Log(History(), Clock())
    assert found.epoch == ""
    assert found.since("", (0, 0)) is None
    assert found.since("e", (0, 0)) is None


def test_each_beginning_has_a_name_of_its_own() -> None:
    names = set()
    for _ in range(100):
        found = Log(History(), Clock())
        found.begin()
        names.add(found.epoch)
    assert len(names) == 100


def test_a_beginning_forgets_what_was_before() -> None:
    found = log()
    found.append((1, 0), outgoing())
    found.begin("f", (7, 2))
    assert (len(found), found.top, found.floor) == (0, (7, 2), (7, 2))
    assert found.since("e", (1, 0)) is None
    assert found.since("f", (1, 0)) is None
    assert found.since("f", (7, 2)) == []


def test_events_behind_an_offset_come_in_their_order() -> None:
    found = log()
    for number in (1, 5, 6):
        found.append((number, 0), outgoing())
    assert offsets(found, (0, 0)) == [1, 5, 6]
    assert offsets(found, (1, 0)) == [5, 6]
    assert offsets(found, (6, 0)) == []
    assert offsets(found, (0, 0), 2) == [1, 5]
    assert offsets(found, (1, 0), 5) == [5, 6]
    assert [entry.offset for entry in found] == [(1, 0), (5, 0), (6, 0)]


@pytest.mark.parametrize("offset", [(2, 0), (4, 9), (6, 1), (7, 0)])
def test_an_offset_that_is_no_event_is_none_of_the_log(offset: Offset) -> None:
    found = log()
    for number in (1, 5, 6):
        found.append((number, 0), outgoing())
    assert offsets(found, offset) is None


@pytest.mark.parametrize("offset", [(5, 0), (4, 9), (0, 0)])
def test_an_event_comes_behind_all_others(offset: Offset) -> None:
    found = log()
    found.append((5, 0), outgoing())
    with pytest.raises(ValueError, match=r"expected an offset beyond \(5, 0\), got"):
        found.append(offset, outgoing())


def test_the_oldest_go_when_there_are_too_many() -> None:
    found = log(events=2)
    for number in (1, 2, 3):
        found.append((number, 0), outgoing())
    assert offsets(found, (0, 0)) is None
    assert offsets(found, (1, 0)) == [2, 3]
    assert found.floor == (1, 0)


def test_the_oldest_go_when_all_are_too_large() -> None:
    found = log(events=100, bytes=25)
    for number in (1, 2, 3):
        found.append((number, 0), outgoing())
    assert offsets(found, (1, 0)) == [2, 3]
    found.append((4, 0), outgoing(26))
    assert len(found) == 0
    assert offsets(found, (3, 0)) is None
    assert offsets(found, (4, 0)) == []
    found.append((5, 0), outgoing(25))
    assert offsets(found, (4, 0)) == [5]


def test_what_is_too_old_goes_also_when_nothing_comes() -> None:
    clock = Clock()
    found = log(clock, seconds=10)
    found.append((1, 0), outgoing())
    clock.now_s += 5
    found.append((2, 0), outgoing())
    clock.now_s += 6
    assert offsets(found, (0, 0)) is None
    assert offsets(found, (1, 0)) == [2]
    clock.now_s += 60
    assert offsets(found, (2, 0)) == []
    assert offsets(found, (1, 0)) is None
    assert len(found) == 0


def test_without_other_bounds_only_the_number_counts() -> None:
    clock = Clock()
    found = log(clock, seconds=None, bytes=None)
    found.append((1, 0), outgoing(10**6))
    clock.now_s += 10**9
    found.append((2, 0), outgoing(10**8))
    assert offsets(found, (0, 0)) == [1, 2]


def test_a_position_is_covered_up_to_the_top() -> None:
    found = log()
    found.append((5, 0), outgoing())
    assert found.covers(Position("e", (5, 0), frozenset()))
    assert found.covers(Position("e", (1, 0), frozenset()))
    assert not found.covers(Position("e", (5, 1), frozenset()))
    assert not found.covers(Position("f", (5, 0), frozenset()))
    assert not found.covers(UNKNOWN)


STEPS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 30), st.integers(0, 4)), min_size=1, max_size=60
)


@given(STEPS, st.integers(1, 10), st.integers(20, 200), st.integers(1, 20))
def test_what_it_gives_is_whole_or_it_says_so(
    steps: list[tuple[int, int, int]], events: int, size: int, seconds: int
) -> None:
    """Against all that was ever added: no gap, not more than the bounds, not less."""
    clock = Clock()
    found = log(clock, events=events, bytes=size, seconds=seconds)
    added: list[tuple[Offset, int, float]] = []
    for gap, length, pause in steps:
        offset = (found.top[0], found.top[1] + 1) if gap == 0 else (found.top[0] + gap, 0)
        found.append(offset, outgoing(length))
        added.append((offset, length, clock.now_s))
        clock.now_s += pause
    kept: list[Offset] = []
    total = 0
    for offset, length, at_s in reversed(added):
        total += length
        if len(kept) == events or total > size or clock.now_s - at_s > seconds:
            break
        kept.insert(0, offset)
    for index, offset in enumerate([(0, 0), *(each[0] for each in added)]):
        behind = [each[0] for each in added[index:]]
        entries = found.since("e", offset)
        if entries is None:
            assert behind[0] not in kept
        else:
            assert [entry.offset for entry in entries] == behind
            assert behind == [] or behind[0] in kept
    assert [entry.offset for entry in found] == kept
    assert found.since("e", found.floor) == list(found)


def test_an_envelope_is_numbered_at_its_end() -> None:
    envelope = '{"event":"é","data":{"offset":"x"}}'.encode()
    assert numbered(envelope, None) == envelope
    assert json.loads(numbered(envelope, (1763, 2), "ab")) == {
        "event": "é",
        "data": {"offset": "x"},
        "id": "ab",
        "offset": "1763-2",
    }
    assert json.loads(numbered(envelope, None, "ab"))["id"] == "ab"
    assert json.loads(numbered(envelope, (0, 1)))["offset"] == "0-1"

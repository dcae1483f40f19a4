"""What waits is sent in batches, in order, and the same ones again."""

from __future__ import annotations

from tornado_websockets.history import History
from tornado_websockets.layers.event import Event
from tornado_websockets.layers.redis import lane
from tornado_websockets.layers.redis.lane import Lane, Letter, keep_s


def letter(size: int = 2) -> Letter:
    return Letter(Event("e", b"{" + b" " * (size - 2) + b"}"))


def test_a_batch_has_so_many_events_at_most() -> None:
    waiting = Lane("/x", None)
    letters = [letter() for _ in range(lane.MAX_EVENTS + 5)]
    for one in letters:
        waiting.add(one)
    assert waiting.next_batch(1) == (1, letters[: lane.MAX_EVENTS])
    assert len(waiting) == len(waiting.waiting) == lane.MAX_EVENTS + 5
    waiting.batch = None
    assert waiting.next_batch(2) == (2, letters[lane.MAX_EVENTS :])


def test_a_batch_is_the_same_until_it_is_acknowledged() -> None:
    waiting = Lane("/x", None)
    first, second = letter(), letter()
    waiting.add(first)
    assert waiting.next_batch(1) == (1, [first])
    waiting.add(second)
    assert waiting.next_batch(2) == (1, [first])
    assert waiting.waiting == [first, second]
    waiting.batch = None
    assert waiting.next_batch(3) == (3, [second])


def test_a_batch_is_so_large_at_most_unless_it_is_a_single_event() -> None:
    waiting = Lane("/x", None)
    half, huge = lane.MAX_BYTES // 2, lane.MAX_BYTES * 3
    letters = [letter(half), letter(half), letter(huge), letter()]
    for one in letters:
        waiting.add(one)
    for number, taken in enumerate(letters, 1):
        assert 0 <= waiting.next_size - len(taken.packed) < lane.MAX_BYTES
        assert waiting.next_batch(number) == (number, [taken])
        assert waiting.next_size == len(taken.packed)
        waiting.batch = None
    assert len(waiting) == 0


def test_redis_knows_an_idle_path_for_a_day_or_twice_as_long_as_its_events() -> None:
    assert keep_s(History(seconds=None)) == keep_s(History(seconds=60)) == 24 * 3600
    assert keep_s(History(seconds=7 * 24 * 3600)) == 14 * 24 * 3600

"""How long one waits before the next try."""

from __future__ import annotations

from tornado_websockets.layers.redis.backoff import Backoff


def test_waits_grow_are_spread_and_bounded() -> None:
    runs = []
    for _ in range(200):
        backoff = Backoff()
        runs.append([backoff.next_s() for _ in range(20)])
    assert all(0.05 <= run[0] <= 0.1 for run in runs)
    assert all(0.1 <= run[1] <= 0.2 for run in runs)
    assert all(0.5 <= wait_s <= 1 for run in runs for wait_s in run[4:])
    assert len({run[5] for run in runs}) > 190


def test_after_a_success_they_begin_anew() -> None:
    backoff = Backoff()
    for _ in range(2000):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() <= 0.1

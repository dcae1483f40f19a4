"""How often something is said of one run."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tws_admin.progress.live import throttle as module
from tws_admin.progress.live.board import Row
from tws_admin.progress.live.throttle import FRAME_S, Throttle


class Frames:
    """What was sent, and when."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.sent: list[tuple[float, Row]] = []
        self.throttle = Throttle(lambda row: self.sent.append((clock(), row)))

    def offer(self, done: int, *, id: str = "a", state: str = "running", **more: Any) -> None:
        values = {"id": id, "state": state, "wish": "", "attempt": 1, "done": done}
        self.throttle.offer({**values, **more})

    def done(self, id: str = "a") -> list[int]:
        return [row["done"] for _at, row in self.sent if row["id"] == id]


class Loop:
    """The timers of an event loop, by a clock that the test turns: no machine is late for it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Callable[..., None], Any]] = []

    def call_later(self, delay_s: float, callback: Callable[..., None], *args: Any) -> Any:
        timer = (self.now + delay_s, callback, args)
        self.timers.append(timer)
        return SimpleNamespace(cancel=lambda: self.timers.remove(timer))

    def turn(self, to: float) -> None:
        """Let time pass, and call what is due, in its order."""
        while due := [timer for timer in self.timers if timer[0] <= to]:
            timer = min(due, key=lambda timer: timer[0])
            self.timers.remove(timer)
            self.now, callback, args = timer
            callback(*args)
        self.now = to


def test_a_hundred_a_second_are_four_and_the_last_one_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = Loop()
    monkeypatch.setattr(module, "asyncio", SimpleNamespace(get_running_loop=lambda: loop))
    frames = Frames(lambda: loop.now)
    for number in range(1, 201):
        frames.offer(number)
        loop.turn(number / 100)
    loop.turn(3)
    assert (frames.done()[0], frames.done()[-1]) == (1, 200)
    times = [at for at, _row in frames.sent]
    assert times == pytest.approx([FRAME_S * number for number in range(9)])
    assert all(later - earlier >= 0.25 for earlier, later in itertools.pairwise(times))
    assert loop.timers == []


async def test_a_change_of_state_goes_out_at_once_and_nothing_older_follows() -> None:
    frames = Frames()
    frames.offer(1)
    frames.offer(2)
    frames.offer(3, wish="pause")
    frames.offer(3, state="paused")
    frames.offer(3, state="queued")
    frames.offer(3, state="running", attempt=2)
    assert frames.done() == [1, 3, 3, 3, 3]
    await asyncio.sleep(2 * FRAME_S)
    assert frames.done() == [1, 3, 3, 3, 3]


async def test_runs_do_not_wait_for_each_other() -> None:
    frames = Frames()
    for name in "abc":
        frames.offer(1, id=name)
    assert [frames.done(name) for name in "abc"] == [[1], [1], [1]]


async def test_after_a_while_the_next_one_is_the_first_again() -> None:
    frames = Frames()
    frames.offer(1)
    await asyncio.sleep(2 * FRAME_S)
    frames.offer(2)
    assert frames.done() == [1, 2]


async def test_what_is_held_back_may_be_given_up() -> None:
    frames = Frames()
    frames.offer(1)
    frames.offer(2)
    frames.throttle.clear()
    await asyncio.sleep(2 * FRAME_S)
    assert frames.done() == [1]

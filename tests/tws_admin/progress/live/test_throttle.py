"""How often something is said of one run."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any

from tests.tws_admin.operators import until
from tws_admin.progress.live.board import Row
from tws_admin.progress.live.throttle import FRAME_S, Throttle


class Frames:
    """What was sent, and when."""

    def __init__(self) -> None:
        self.sent: list[tuple[float, Row]] = []
        self.throttle = Throttle(lambda row: self.sent.append((time.monotonic(), row)))

    def offer(self, done: int, *, id: str = "a", state: str = "running", **more: Any) -> None:
        values = {"id": id, "state": state, "wish": "", "attempt": 1, "done": done}
        self.throttle.offer({**values, **more})

    def done(self, id: str = "a") -> list[int]:
        return [row["done"] for _at, row in self.sent if row["id"] == id]


async def test_a_hundred_a_second_are_four_and_the_last_one_comes() -> None:
    frames, began = Frames(), time.monotonic()
    number = 0
    while time.monotonic() - began < 2:
        number += 1
        frames.offer(number)
        await asyncio.sleep(0.01)
    assert number > 50
    await until(lambda: frames.done()[-1] == number)
    assert frames.done()[0] == 1
    assert 5 <= len(frames.sent) <= 10
    times = [at for at, _row in frames.sent]
    assert all(later - earlier >= 0.25 for earlier, later in itertools.pairwise(times))


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

"""The time between two tries ends by itself, or when somebody knows better."""

from __future__ import annotations

import asyncio
import time

from tornado_websockets.layers.redis.pause import Pause


async def test_it_gets_longer_with_each_failure() -> None:
    pause = Pause()
    times = []
    for _ in range(4):
        begun = time.monotonic()
        await pause.wait()
        times.append(time.monotonic() - begun)
    assert times[0] < 0.2
    assert times[3] > 0.35
    pause.reset()
    begun = time.monotonic()
    await pause.wait()
    assert time.monotonic() - begun < 0.3


async def test_it_may_be_ended() -> None:
    pause = Pause()
    pause.end()  # nobody waits
    for _ in range(10):
        waiting = asyncio.create_task(pause.wait())
        await asyncio.sleep(0)
        pause.end()
        await asyncio.wait_for(waiting, 0.05)

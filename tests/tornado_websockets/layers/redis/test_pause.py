"""The time between two tries ends by itself, or when somebody knows better."""

from __future__ import annotations

import asyncio
import time

import pytest

from tornado_websockets.layers.redis import backoff
from tornado_websockets.layers.redis.pause import Pause


async def test_it_gets_longer_with_each_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    real = asyncio.timeout

    def timeout(delay_s: float) -> asyncio.Timeout:
        asked.append(delay_s)
        return real(delay_s)

    # What a machine adds to it may be more than all of it.
    monkeypatch.setattr(asyncio, "timeout", timeout)
    pause = Pause()
    for _ in range(4):
        begun = time.monotonic()
        await pause.wait()
        assert time.monotonic() - begun > asked[-1] - 0.01
    assert 0.05 <= asked[0] <= 0.1
    assert 0.4 <= asked[3] <= 0.8
    pause.reset()
    await pause.wait()
    assert 0.05 <= asked[4] <= 0.1
    assert len(asked) == 5


async def test_it_may_be_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_S", "LAST_S"):
        monkeypatch.setattr(backoff, name, 600.0)
    pause = Pause()
    pause.end()  # nobody waits
    for _ in range(10):
        waiting = asyncio.create_task(pause.wait())
        await asyncio.sleep(0)
        pause.end()
        await asyncio.wait_for(waiting, 10)

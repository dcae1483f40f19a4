"""The time between two tries."""

from __future__ import annotations

import asyncio
import contextlib

from tornado_websockets.layers.redis.backoff import Backoff

__all__ = ["Pause"]


class Pause:
    """Waits longer after each failure, unless somebody knows that it may work now."""

    def __init__(self) -> None:
        self._backoff = Backoff()
        self._end: asyncio.Event | None = None

    def reset(self) -> None:
        """Begin anew, after a success."""
        self._backoff.reset()

    def end(self) -> None:
        """Let who waits go on."""
        if self._end is not None:
            self._end.set()

    async def wait(self) -> None:
        """Wait after one more failure."""
        self._end = asyncio.Event()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._backoff.next_s()):
                await self._end.wait()
        self._end = None

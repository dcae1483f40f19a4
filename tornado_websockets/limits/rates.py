"""How much is too much: rates, and mistakes in a row.

Pure: no I/O, and the clock, in seconds, is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable

__all__ = ["Bucket", "Clock", "Quota", "Rates", "Window"]

Clock = Callable[[], float]


class Bucket:
    """A token bucket: so much a second, and a burst at once.

    Args:
        rate: tokens that it gets in a second.
        burst: tokens that it holds, and has at the start.
        clock: tells the time.
    """

    __slots__ = ("_at", "_clock", "_left", "burst", "rate")

    def __init__(self, rate: float, burst: float, clock: Clock) -> None:
        self.rate = rate
        self.burst = burst
        self._clock = clock
        self._left = float(burst)
        self._at = clock()

    def take(self, tokens: float = 1) -> float:
        """Take tokens, also those that are not there, and return how many are left.

        Below 0 they were not there: the bucket has to earn them before there are others.
        """
        now = self._clock()
        left = self._left + (now - self._at) * self.rate
        self._at = now
        if left > self.burst:
            left = self.burst
        self._left = left = left - tokens
        return left


class Quota:
    """What one client may send: messages and bytes.

    Args:
        messages: a bucket of messages, None for any number.
        size: a bucket of bytes, None for any number.
    """

    __slots__ = ("_messages", "_size")

    def __init__(self, messages: Bucket | None, size: Bucket | None) -> None:
        self._messages = messages
        self._size = size

    def take(self, message: str | bytes) -> float:
        """Count a message, and return what is left as a share of the burst.

        Below 0 it is one too many; below -1 the client has gone on for another burst.
        """
        left = 1.0
        bucket = self._messages
        if bucket is not None:
            left = bucket.take() / bucket.burst
        bucket = self._size
        if bucket is not None:
            left = min(left, bucket.take(_size(message)) / bucket.burst)
        return left


def _size(message: str | bytes) -> int:
    if isinstance(message, bytes) or message.isascii():  # a str knows whether it is
        return len(message)
    return len(message.encode())


class Window:
    """Counts what happens, up to a limit in a period that begins with the first of it."""

    __slots__ = ("_began_at", "_clock", "_count", "_limit", "_period_s")

    def __init__(self, limit: int, period_s: float, clock: Clock) -> None:
        self._limit = limit
        self._period_s = period_s
        self._clock = clock
        self._began_at = -math.inf
        self._count = 0

    def take(self) -> bool:
        """Count one, and return False when it is one too many."""
        now = self._clock()
        if now - self._began_at >= self._period_s:
            self._began_at, self._count = now, 0
        self._count += 1
        return self._count <= self._limit


class Rates:
    """So many a second of each key; one that has been idle is forgotten.

    Args:
        rate: how many a second, and how many at once.
        clock: tells the time.
    """

    # A bucket is full again after a second, and then as good as a new one. So those that were
    # used in neither this second nor the one before need not be kept, and need not be searched.

    __slots__ = ("_clock", "_earlier", "_latest", "_since", "rate")

    def __init__(self, rate: int, clock: Clock) -> None:
        self.rate = rate
        self._clock = clock
        self._since = clock()
        self._latest: dict[str, Bucket] = {}
        self._earlier: dict[str, Bucket] = {}

    def __len__(self) -> int:
        return len(self._latest) + len(self._earlier)

    def wait_s(self, key: str) -> float:
        """Count one of a key, or return for how many seconds it is one too many."""
        elapsed = self._clock() - self._since
        if elapsed >= 1:
            self._earlier = self._latest if elapsed < 2 else {}
            self._latest = {}
            self._since += elapsed
        bucket = self._latest.get(key)
        if bucket is None:
            bucket = self._earlier.pop(key, None) or Bucket(self.rate, self.rate, self._clock)
            self._latest[key] = bucket
        left = bucket.take()
        if left >= 0:
            return 0.0
        bucket.take(-1)  # what is refused is not counted, or who insists would never get in
        return -left / self.rate

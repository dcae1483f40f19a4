"""How much is too much: rates, mistakes in a row, connections of one user or address.

Pure: no I/O, and the clock, in seconds, is given.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable
from typing import Final

__all__ = ["Bucket", "Census", "LogGate", "Quota", "Rates", "Seat", "Window", "network"]

Clock = Callable[[], float]

IPV6_SITE: Final = 64
"""Bits of an IPv6 address that stand for one customer, who chooses the others (RFC 6177)."""


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


class Census:
    """Counts the connections there are, for each limit and whom it is about."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def count(self, limit: str, key: str = "") -> int:
        """Return how many there are."""
        return self._counts.get((limit, key), 0)

    def add(self, limit: str, key: str) -> None:
        """Count one more."""
        self._counts[limit, key] = self.count(limit, key) + 1

    def remove(self, limit: str, key: str) -> None:
        """Count one less, and forget whom nothing is left of."""
        left = self._counts.pop((limit, key)) - 1
        if left:
            self._counts[limit, key] = left


class Seat:
    """What one connection counts as, from its handshake to its end."""

    __slots__ = ("_taken",)

    def __init__(self) -> None:
        self._taken: list[tuple[Census, str, str]] = []

    def take(self, census: Census, limit: str, key: str, maximum: int) -> bool:
        """Count the connection, and return False when there are as many as may be."""
        if census.count(limit, key) >= maximum:
            return False
        census.add(limit, key)
        self._taken.append((census, limit, key))
        return True

    def leave(self) -> None:
        """Count the connection no more; doing it twice is no error."""
        while self._taken:
            census, limit, key = self._taken.pop()
            census.remove(limit, key)


class LogGate:
    """Lets one line a second through for each subject.

    Subjects are names that the program knows, so that there are few.
    """

    def __init__(self, clock: Clock, *, period_s: float = 1.0) -> None:
        self._clock = clock
        self._period_s = period_s
        self._subjects: dict[str, tuple[float, int]] = {}

    def count(self, subject: str) -> int:
        """Return how many lines this one stands for, itself included; 0 is not to be written."""
        now = self._clock()
        written_at, held_back = self._subjects.get(subject, (-math.inf, 0))
        if now - written_at < self._period_s:
            self._subjects[subject] = (written_at, held_back + 1)
            return 0
        self._subjects[subject] = (now, 0)
        return held_back + 1


def network(address: str) -> str:
    """Return what counts as one address: an IPv4 address, or the /64 of an IPv6 one.

    Empty for what is no address of a client, such as the end of a unix socket.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if found.is_unspecified:
        return ""
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found), IPV6_SITE), strict=False))

"""What is counted on each path: connections, events, bytes, mistakes, the time of callbacks.

Pure. Counters only ever grow, so that a reader gets a rate from two readings, and any number of
readers do not disturb each other. They change on the event loop's thread alone and need no lock;
a reader in another thread sees each number whole, though not all of one moment. How many
connections are open now is not counted: that is the size of the registry of connections.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from tornado_websockets.histogram import Histogram

__all__ = ["OTHER", "Counts", "EventStats", "EventTable", "Histogram", "PathStats", "totals"]

MAX_KEYS: Final = 100
"""How many names or codes are told apart, since clients and callbacks may make up new ones."""

OTHER: Final = "other"
"""The name under which all further ones are counted together."""


class Counts(dict[str | int, int]):
    """How often each of a bounded number of things happened; the rest counts as `OTHER`."""

    __slots__ = ()

    @property
    def total(self) -> int:
        """How often any of them happened."""
        return sum(self.values())

    def add(self, key: str | int) -> None:
        """Count a thing once."""
        if key not in self and len(self) >= MAX_KEYS:
            key = OTHER
        self[key] = self.get(key, 0) + 1

    def as_dict(self) -> dict[str, int]:
        """Return a copy whose keys are strings, as JSON has them."""
        return {str(key): count for key, count in self.items()}


class EventStats:
    """The callback of one event on one path.

    Attributes:
        errors: how many of its calls raised an exception.
        latency: how long its calls took, from start to end; ``latency.count`` tells how many.
    """

    __slots__ = ("errors", "latency")

    def __init__(self) -> None:
        self.errors = 0
        self.latency = Histogram()

    def as_dict(self) -> dict[str, Any]:
        """Return the counters and percentiles under the keys of the monitoring feed."""
        return {"calls": self.latency.count, "errors": self.errors, **self.latency.as_dict()}


class EventTable(dict[str, EventStats]):
    """The `EventStats` of each event; asking for one makes it, until there are too many."""

    __slots__ = ()

    def __missing__(self, event: str) -> EventStats:
        if event != OTHER and len(self) >= MAX_KEYS:
            return self[OTHER]
        return self.setdefault(event, EventStats())


class PathStats:
    """What is counted on one path, on the event loop's thread.

    Attributes:
        opened: connections opened.
        peak: the most connections that were open at a time.
        closed: connections closed, by close code.
        rejected: handshakes refused, by reason.
        events_in: messages received that had a callback; others are warnings, or pings of pages.
        events_out: messages sent, one for each client that a broadcast went to.
        bytes_in: bytes received, frames and all.
        bytes_out: bytes of the messages sent, frames and all.
        warnings: messages that could not be used, by warning code.
        slow: what was done about clients that read too slowly: closed or dropped.
        events: callbacks, by event.
    """

    __slots__ = (
        "bytes_in",
        "bytes_out",
        "closed",
        "events",
        "events_in",
        "events_out",
        "opened",
        "peak",
        "rejected",
        "slow",
        "warnings",
    )

    def __init__(self) -> None:
        self.opened = 0
        self.peak = 0
        self.closed = Counts()
        self.rejected = Counts()
        self.events_in = 0
        self.events_out = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.warnings = Counts()
        self.slow = Counts()
        self.events = EventTable()

    @property
    def errors(self) -> int:
        """How many calls of callbacks raised an exception."""
        return sum(event.errors for event in self.events.values())

    @property
    def latency(self) -> Histogram:
        """How long the callbacks of all events took: merged when asked for, not kept twice."""
        merged = Histogram()
        for event in self.events.values():
            merged.merge(event.latency)
        return merged

    def open(self, connections: int) -> None:
        """Count a connection that opened, and with which so many are open now."""
        self.opened += 1
        self.peak = max(self.peak, connections)

    def counters(self) -> dict[str, int]:
        """Return the counters alone, each a number: what adds up over paths and gives rates."""
        return {
            "opened": self.opened,
            "closed": self.closed.total,
            "rejected": self.rejected.total,
            "events_in": self.events_in,
            "events_out": self.events_out,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "errors": self.errors,
            "warnings": self.warnings.total,
            "slow": self.slow.total,
        }

    def as_dict(self) -> dict[str, Any]:
        """Return everything under the keys of the monitoring feed, ready for JSON."""
        return {
            **self.counters(),
            "peak": self.peak,
            "closed_by_code": self.closed.as_dict(),
            "rejected_by_reason": self.rejected.as_dict(),
            "warnings_by_code": self.warnings.as_dict(),
            "slow_by_action": self.slow.as_dict(),
            **self.latency.as_dict(),
            "events": [{"event": name, **event.as_dict()} for name, event in self.events.items()],
        }


def totals(stats: Iterable[PathStats]) -> dict[str, int]:
    """Add up the `PathStats.counters` of all paths.

    There is no total peak: the paths had theirs at different times.
    """
    sums = PathStats().counters()
    for path in stats:
        for name, count in path.counters().items():
            sums[name] += count
    return sums

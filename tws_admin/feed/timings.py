"""How long the callbacks of a path took lately.

Pure. The core keeps one histogram of each event for as long as the process runs; here are copies
of it, whose differences are the last second and the last few of them. Nothing is copied for a
callback that nobody calls.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from tornado_websockets.histogram import Histogram
from tornado_websockets.stats import EventStats, PathStats

__all__ = ["NONE", "PathTimings", "Timing", "merged"]

NONE: Final = Histogram().as_dict()
"""The percentiles of no call."""


class Timing:
    """The calls of one event's callback.

    Args:
        stats: what the core counts of them.
        is_new: False when it has counted before this began to look.

    Attributes:
        calls: how many there were at the last `take`.
        recent: those between the last `turn` but one and the last `take`; None when there were
            none.
        percentiles: of `recent`, or of the last that there were.
    """

    __slots__ = ("_before", "_latest", "_middle", "_stats", "calls", "percentiles", "recent")

    def __init__(self, stats: EventStats, *, is_new: bool = True) -> None:
        self._stats = stats
        self._latest = Histogram() if is_new else stats.latency.snapshot()
        self._middle = self._before = self._latest
        self.calls = self._latest.count
        self.recent: Histogram | None = None
        self.percentiles = NONE

    @property
    def errors(self) -> int:
        """How many calls raised an exception."""
        return self._stats.errors

    def take(self) -> Histogram | None:
        """Return the calls since this was last called, None when there were none."""
        calls = self._stats.latency.count
        if calls == self.calls:
            return None
        earlier, self._latest = self._latest, self._stats.latency.snapshot()
        self.calls = calls
        return self._latest.since(earlier)

    @property
    def is_ending(self) -> bool:
        """Whether the next turn lets go of the last calls that there were."""
        return self._middle is self._latest and self._before is not self._latest

    def turn(self) -> None:
        """Let go of what was before the last turn."""
        self._before, self._middle = self._middle, self._latest

    def compute(self) -> None:
        """Bring `recent` and `percentiles` up to date."""
        if self._latest is self._before:
            self.recent = None
            return
        self.recent = self._latest.since(self._before)
        self.percentiles = self.recent.as_dict()


class PathTimings:
    """The calls of all callbacks of a path.

    Percentiles are those of the last five to ten seconds in which there were calls, when `turn` is
    called every five.

    Args:
        stats: what the core counts of the path.
        is_new: False when it has counted before this began to look.

    Attributes:
        percentiles: of all events together; up to date after `compute`.
    """

    def __init__(self, stats: PathStats, *, is_new: bool = True) -> None:
        self._stats = stats
        self._timings: dict[str, Timing] = {}
        self._is_stale = False
        self.percentiles = NONE
        self._find(is_new=is_new)

    def take(self) -> list[Histogram]:
        """Return the calls since this was last called, by event; none of those without any."""
        if len(self._timings) != len(self._stats.events):
            self._find(is_new=True)
        taken = [timing.take() for timing in self._timings.values()]
        found = [calls for calls in taken if calls is not None]
        self._is_stale = self._is_stale or bool(found)
        return found

    def turn(self) -> bool:
        """Let go of what was before the last turn, and return whether the percentiles change."""
        timings = self._timings.values()
        if any(timing.is_ending for timing in timings):
            self.compute()  # who looks later sees the last calls that there were
        for timing in timings:
            timing.turn()
        was_called = any(timing.recent is not None for timing in timings)
        self._is_stale = self._is_stale or was_called
        return self._is_stale

    def compute(self) -> None:
        """Bring the percentiles up to date, when there is anything new."""
        if not self._is_stale:
            return
        self._is_stale = False
        for timing in self._timings.values():
            timing.compute()
        called = [timing for timing in self._timings.values() if timing.recent is not None]
        if len(called) == 1:  # as on most paths
            self.percentiles = called[0].percentiles
        elif called:
            self.percentiles = merged(each.recent for each in called if each.recent).as_dict()

    def events(self) -> Iterable[tuple[str, dict[str, Any]]]:
        """Yield the counters and percentiles of each event."""
        for event, timing in self._timings.items():
            yield event, {"calls": timing.calls, "errors": timing.errors, **timing.percentiles}

    def _find(self, *, is_new: bool) -> None:
        for event, stats in self._stats.events.items():
            if event not in self._timings:
                self._timings[event] = Timing(stats, is_new=is_new)


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """Return the sum of histograms."""
    total = Histogram()
    for histogram in histograms:
        total.merge(histogram)
    return total

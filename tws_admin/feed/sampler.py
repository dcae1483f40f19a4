"""The history: what was measured each second, kept in rings that are always full of something.

Pure; the clock is the caller's. All of it has a fixed size, about 400 KiB, however long the server
runs: arrays of floating-point numbers, in which NaN stands for a time without a measurement.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping
from typing import Any, Final

__all__ = ["GREATEST", "RANGES", "RATES", "SERIES", "Ring", "Sampler", "shown"]

SERIES: Final = (
    "connections", "opened", "closed", "rejected", "events_in", "events_out", "bytes_in",
    "bytes_out", "errors", "warnings", "p50_ms", "p95_ms", "p99_ms", "loop_lag_ms", "cpu",
    "rss_bytes", "threads_busy", "threads_queued",
)  # fmt: skip
"""What is kept, in this order."""

RATES: Final = (
    "opened", "closed", "rejected", "events_in", "events_out", "bytes_in", "bytes_out", "errors",
    "warnings", "cpu",
)  # fmt: skip
"""Those that are measured as a counter that grows, and kept as how much it did per second."""

GREATEST: Final = frozenset(SERIES) - frozenset(RATES)
"""Those of which a longer step keeps the greatest value, and not the mean."""

RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "10m": (1, 600),
    "2h": (10, 720),
    "24h": (60, 1440),
}
"""Seconds of a step, and how many are kept."""

DIGITS: Final = 4
"""Decimals that readers get."""

Point = list[float]
"""One number for each of `SERIES`, NaN for none."""


class Ring:
    """The last points of all series, one for each step.

    Args:
        step_s: seconds that a point stands for.
        size: how many are kept.
    """

    def __init__(self, step_s: int, size: int) -> None:
        self.step_s = step_s
        self._size = size
        self._columns = [array("d", [math.nan]) * size for _ in SERIES]
        self._next = 0  # where the next point goes
        self._first = 0  # the step that the oldest one measured since the start belongs to
        self._last: int | None = None  # the step that the newest one belongs to
        self._open: int | None = None  # the step that is being measured
        self._points: list[Point] = []

    @property
    def last_second(self) -> int | None:
        """The last second of the newest point, None when there is none."""
        return None if self._last is None else (self._last + 1) * self.step_s - 1

    def add(self, second: int, point: Point) -> None:
        """Add the point of a second, which is later than all before."""
        step = second // self.step_s
        if step != self._open:
            self._close()
            self._open = step
        self._points.append(point)
        if second % self.step_s == self.step_s - 1:
            self._close()

    def columns(self) -> dict[str, list[float | int | None]]:
        """Return the points from the first to the last one, by series."""
        if self._last is None:
            return {name: [] for name in SERIES}
        count = min(self._last - self._first + 1, self._size)
        return {
            name: [shown(value) for value in self._newest(column, count)]
            for name, column in zip(SERIES, self._columns, strict=True)
        }

    def newest(self, count: int) -> Point:
        """Return one point for several of the newest."""
        return _fold(self._newest(column, count) for column in self._columns)

    # Private.

    def _newest(self, column: array[float], count: int) -> array[float]:
        start = self._next - min(count, self._size)
        return column[start : self._next] if start >= 0 else column[start:] + column[: self._next]

    def _close(self) -> None:
        if self._open is None or not self._points:
            return
        if self._last is None:
            self._first = self._open
        else:
            for _ in range(min(self._open - self._last - 1, self._size)):
                self._write([math.nan] * len(SERIES))
        self._write(
            self._points[0] if len(self._points) == 1 else _fold(zip(*self._points, strict=True))
        )
        self._last, self._points = self._open, []

    def _write(self, point: Point) -> None:
        for column, value in zip(self._columns, point, strict=True):
            column[self._next] = value
        self._next = (self._next + 1) % self._size


class Sampler:
    """Keeps the history of one server.

    A counter's rate comes from two measurements. Where the process slept for longer than a step
    there is a gap, and behind it the rate of the whole time; where the server is another one, or
    a counter is less than it was, there is no rate.

    Args:
        start_s: where its seconds begin, on a clock that never goes back.
    """

    def __init__(self, start_s: float) -> None:
        self._rings = {name: Ring(*each) for name, each in RANGES.items()}
        self._start_s = start_s
        self._second = -1
        self._time = 0.0
        self._epoch: str | None = None
        self._at_s = 0.0
        self._counters: Mapping[str, float] = {}

    def add(
        self, measured: Mapping[str, float | None], *, at_s: float, time: float, epoch: str
    ) -> bool:
        """Keep a measurement, and return whether: no second takes two.

        Args:
            measured: by series, of `RATES` the counter; None is no measurement.
            at_s: when, on the clock of ``start_s``.
            time: when, as others know it.
            epoch: the server, whose counters began at 0.
        """
        second = self._second_of(at_s)
        if second <= self._second:
            return False
        counters = {name: _number(measured[name]) for name in RATES}
        point = [
            self._rate(name, counters[name], at_s, epoch)
            if name in counters
            else _number(measured[name])
            for name in SERIES
        ]
        for ring in self._rings.values():
            ring.add(second, point)
        self._second, self._time, self._at_s = second, time, at_s
        self._counters, self._epoch = counters, epoch
        return True

    def due_s(self, at_s: float) -> float:
        """Return when the next measurement is due after one that is made now."""
        return self._start_s + self._second_of(at_s) + 1

    def history(self, name: str) -> dict[str, Any]:
        """Return one of `RANGES` as the feed has it.

        Raises:
            KeyError: there is no such range.
        """
        ring = self._rings[name]
        last = self._second if ring.last_second is None else ring.last_second
        return {
            "step_s": ring.step_s,
            "end": round(self._time - (self._second - last), 3),
            "series": ring.columns(),
        }

    def newest(self, seconds: int = 1) -> dict[str, float | int | None]:
        """Return one point for the last seconds, by series."""
        point = self._rings["10m"].newest(seconds)
        return {name: shown(value) for name, value in zip(SERIES, point, strict=True)}

    # Private.

    def _second_of(self, at_s: float) -> int:
        # A timer may be a little too early, and more often is too late.
        return math.floor(at_s - self._start_s + 0.25)

    def _rate(self, name: str, counter: float, at_s: float, epoch: str) -> float:
        if epoch != self._epoch or counter < self._counters[name]:
            return math.nan
        return (counter - self._counters[name]) / (at_s - self._at_s)


def _fold(columns: Iterable[Iterable[float]]) -> Point:
    """Return the mean or the greatest of what was measured of each series."""
    point = []
    for name, column in zip(SERIES, columns, strict=True):
        values = [value for value in column if value == value]  # NaN is unlike itself
        if not values:
            point.append(math.nan)
        else:
            point.append(max(values) if name in GREATEST else math.fsum(values) / len(values))
    return point


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def shown(value: float) -> float | int | None:
    """Return a number as readers get it, None for none."""
    if value != value:
        return None
    return int(value) if value.is_integer() else round(value, DIGITS)

"""How fast the work goes that progress bars show.

Pure; the clock is the caller's.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

__all__ = ["WINDOW_S", "Bar", "Pace", "as_dict"]

WINDOW_S: Final = 10.0
"""Seconds that a rate looks back on, at least once there are so many, and at most twice."""


class Bar(Protocol):
    """What a `ProgressBar` is to this module."""

    name: str
    label: str | None
    current: int
    min: int
    max: int
    indeterminate: bool

    def is_done(self) -> bool: ...


class Pace:
    """When a bar moved.

    Args:
        bar: the bar.
        now: time at which its work begins.

    Attributes:
        started: that time.
        updated: when it was last heard of.
    """

    __slots__ = ("_bar", "_earlier", "_later", "started", "updated")

    def __init__(self, bar: Bar, now: float) -> None:
        self._bar = bar
        self.started = self.updated = now
        # Two moments with the value that the bar had: the rate is counted from the earlier one.
        self._earlier = self._later = (now, bar.current)

    def step(self, now: float) -> None:
        """Note that the bar has been updated; takes the same short time at each step."""
        self.updated = now
        if now - self._later[0] >= WINDOW_S:
            self._earlier, self._later = self._later, (now, self._bar.current)

    def rate(self, now: float) -> float | None:
        """Return the steps per second; None when there is nothing to count."""
        since, value = self._earlier
        if self._bar.indeterminate or self._bar.is_done() or now <= since:
            return None
        return max(0.0, (self._bar.current - value) / (now - since))


def as_dict(bar: Bar, pace: Pace | None, now: float) -> dict[str, Any]:
    """Return what the feed has of a bar, but for its path and watchers.

    Args:
        bar: the bar.
        pace: when it moved, None when it never did.
        now: the time.
    """
    rate = pace.rate(now) if pace else None
    left = bar.max - bar.current
    return {
        "name": bar.name,
        "label": None if bar.label is None else str(bar.label)[:200],
        "value": bar.current,
        "min": bar.min,
        "max": bar.max,
        "indeterminate": bar.indeterminate,
        "done": bar.is_done(),
        "rate": None if rate is None else round(rate, 2),
        "eta_s": round(left / rate, 1) if rate else None,
        "started": round(pace.started, 3) if pace else None,
        "updated": round(pace.updated, 3) if pace else None,
    }

"""Lines in a log that a client can cause: so many, and no more. Pure: no I/O."""

from __future__ import annotations

import math

from tornado_websockets.limits.rates import Clock

__all__ = ["LogGate"]


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

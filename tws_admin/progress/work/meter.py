"""How far some work is, and how fast it goes.

Pure; the clock is the caller's, and is to be monotonic.
"""

from __future__ import annotations

import math
from typing import Any, Final

__all__ = ["TAU_S", "Meter", "amount"]

TAU_S: Final = 10.0
"""Seconds after which what was weighs only a third of what is now."""

ENOUGH_S: Final = 0.5
"""Seconds that a rate needs at least to be one."""


class Meter:
    """Counts what the work tells; any thread may read it while one writes.

    Args:
        total: what there is to do; None is not known.
        done: of it, by earlier attempts.

    Attributes:
        label: what is worked on now.
        rate: what is done per second, lately; None when that is not known.
    """

    __slots__ = ("_at", "_seen", "_sum", "_weight", "done", "label", "rate", "total")

    def __init__(self, total: float | None = None, done: float = 0) -> None:
        self.done = done
        self.total = total
        self.label = ""
        self.rate: float | None = None
        self._at: float | None = None
        self._seen = done
        self._sum = self._weight = 0.0

    def sample(self, now: float) -> None:
        """Look how far it is, at a time in seconds, now and then."""
        if self._at is None:
            self._at, self._seen = now, self.done
            return
        elapsed_s = now - self._at
        if elapsed_s < ENOUGH_S:
            return
        speed = max(0.0, self.done - self._seen) / elapsed_s
        keep = math.exp(-elapsed_s / TAU_S)
        # With the sum of the weights the first seconds count as they are, not as if after zeros.
        self._sum = keep * self._sum + (1 - keep) * speed
        self._weight = keep * self._weight + (1 - keep)
        self.rate = self._sum / self._weight
        self._at, self._seen = now, self.done

    def rest(self) -> None:
        """Forget how fast it was: the work does something else than work."""
        self.rate = self._at = None
        self._sum = self._weight = 0.0


def amount(name: str, value: Any) -> float:
    """Return a number that can be an amount of work.

    Raises:
        ValueError: it is no number, not finite or negative; names the argument.
    """
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and math.isfinite(value) and value >= 0:
        return value  # type: ignore[no-any-return]
    raise ValueError(f"{name} should be a finite number of at least 0, got {value!r}")

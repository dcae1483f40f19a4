"""How long to wait before something is tried again. Pure: no I/O."""

from __future__ import annotations

import random
from typing import Final

__all__ = ["Backoff"]

FIRST_S: Final = 0.1
LAST_S: Final = 1.0


class Backoff:
    """Grows with each failure, and spreads those who failed together."""

    def __init__(self) -> None:
        self._failures = 0

    def reset(self) -> None:
        """Begin anew, after a success."""
        self._failures = 0

    def next_s(self) -> float:
        """Return how many seconds to wait after one more failure."""
        most_s = min(LAST_S, FIRST_S * 2 ** min(self._failures, 10))
        self._failures += 1
        return random.uniform(most_s / 2, most_s)  # noqa: S311  nobody is to guess anything

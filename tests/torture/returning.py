"""When a client comes back, by the rules of client.js."""

from __future__ import annotations

import random
import re
from typing import Final

__all__ = ["DIALS", "delay_s", "hint_s"]

HINT: Final = re.compile(rb"\bretry in (\d{1,9}) ms\b")
DELAY_S: Final = 0.5
DELAY_MAX_S: Final = 30.0
DIALS: Final = 64
"""Handshakes under way at a time, below any backlog."""


def delay_s(attempt: int, chance: random.Random) -> float:
    """Return how long a client waits that was told nothing, in seconds.

    Args:
        attempt: how often it has tried already.
    """
    return chance.uniform(0, min(DELAY_MAX_S, DELAY_S * 2**attempt))


def hint_s(close: bytes) -> float | None:
    """Return when a server has told its client to come back, with the frame that ends it."""
    found = HINT.search(close)
    return int(found[1]) / 1000 if found else None

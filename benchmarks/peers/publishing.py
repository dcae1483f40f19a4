"""What a publisher is told by its standard input, and answers: the same for all peers.

A line ``first count rate`` asks for events of these numbers, at so many a second, 0 for at once.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

__all__ = ["EVENT", "events"]

EVENT = "shout"
TEXT = "sixty-four bytes of text, as a line in a chat would have them, ok"[:64]


def events() -> Iterator[dict[str, Any]]:
    """Yield the data of each event when it is due, which it says itself."""
    _answer("ready")
    for line in sys.stdin:
        first, count, rate = map(float, line.split())
        started = time.monotonic()
        for number in range(int(count)):
            due = started + number / rate if rate else time.monotonic()
            time.sleep(max(0.0, due - time.monotonic()))
            yield {"text": TEXT, "number": int(first) + number, "at": due}
        _answer("done")


def _answer(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()

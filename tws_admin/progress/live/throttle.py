"""At most four frames a second for one run; what counts goes out at once."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Final

from tws_admin.progress.live.board import Row

__all__ = ["FRAME_S", "Throttle"]

FRAME_S: Final = 0.26
"""Seconds between two frames of a run; a little more than a quarter, as timers may be early."""


@dataclasses.dataclass(slots=True)
class Run:
    """A run of which a frame was sent a moment ago.

    Attributes:
        sent: what was in it.
        held: what the next one is to have, None for nothing.
        timer: ends the moment.
    """

    sent: Row
    held: Row | None
    timer: asyncio.TimerHandle


class Throttle:
    """Holds rows back until they are due, the newest of each run; for the event loop alone.

    Args:
        send: is called with each row that is due.
    """

    def __init__(self, send: Callable[[Row], None]) -> None:
        self._send = send
        self._runs: dict[str, Run] = {}

    def offer(self, row: Row) -> None:
        """Send a row: at once when it is the first for a while, or its state is another one."""
        run = self._runs.get(row["id"])
        if run is None:
            self._go(row)
        elif _standing(run.sent) == _standing(row):
            run.held = row
        else:
            run.timer.cancel()
            self._go(row)

    def clear(self) -> None:
        """Send nothing of what is held back."""
        for run in self._runs.values():
            run.timer.cancel()
        self._runs.clear()

    # Private.

    def _go(self, row: Row) -> None:
        timer = asyncio.get_running_loop().call_later(FRAME_S, self._due, row["id"])
        self._runs[row["id"]] = Run(row, None, timer)
        self._send(row)

    def _due(self, key: str) -> None:
        run = self._runs.pop(key)
        if run.held is not None:
            self._go(run.held)


def _standing(row: Row) -> tuple[object, ...]:
    return row["attempt"], row["state"], row["wish"]

"""One of the workers that there are to be, and when another one comes for it."""

from __future__ import annotations

import time
from typing import Final

from tornado_websockets.server.workerprocess import WorkerProcess

__all__ = ["Place"]

LONG_S: Final = 10.0
"""Seconds after which the end of a worker is an accident, and no trouble with its start."""

BACKOFF_S: Final = 0.5
"""Seconds before the next one starts when one has ended early; twice as many each time."""

BACKOFF_MAX_S: Final = 30.0
"""The most of these."""


class Place:
    """Has one worker, or waits for the next one.

    Attributes:
        number: of the place, and of each worker that takes it.
        worker: serves, or is about to; None while nobody is there.
        due: when the next one starts, by `time.monotonic`.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.worker: WorkerProcess | None = None
        self.due = 0.0
        self._failures = 0

    def vacate(self) -> float:
        """Forget the worker, which has ended, and return the seconds until the next one starts."""
        worker, self.worker = self.worker, None
        if worker is not None and worker.is_ready and worker.age_s >= LONG_S:
            self._failures = 0
            return self._wait(0.0)
        return self.fail()

    def fail(self) -> float:
        """Note that no worker could be had, and return the seconds until the next attempt."""
        wait_s = min(BACKOFF_MAX_S, BACKOFF_S * 2.0**self._failures)
        self._failures += wait_s < BACKOFF_MAX_S
        return self._wait(wait_s)

    def _wait(self, seconds: float) -> float:
        self.due = time.monotonic() + seconds
        return seconds

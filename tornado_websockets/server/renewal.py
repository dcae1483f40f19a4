"""New workers for old ones, which serve until the new ones do."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from tornado_websockets.server import systemd
from tornado_websockets.server.place import Place
from tornado_websockets.server.workerprocess import WorkerProcess

__all__ = ["Renewal"]

logger = logging.getLogger("tornado_websockets")

READY_TIMEOUT_S: Final = 120.0
"""Seconds that a new worker has to serve."""


class Renewal:
    """Replaces all workers by others that load the code anew, or none.

    The new ones start one by one. When all serve, the old ones are told to end: before that, a
    client that is sent away by one old worker would come back to another, to be sent away again.
    When one does not come to serve, it and those before it end, and the old ones go on.

    Args:
        places: of all workers.
        start: starts a worker for a place, which runs the system checks when it is told to; returns
            None when it cannot.
        within_s: seconds that a worker has to end.

    Attributes:
        successors: the new ones, of which the last one may not serve yet.
        leaving: those that have been told to end.
    """

    def __init__(
        self,
        places: Sequence[Place],
        start: Callable[[Place, bool], WorkerProcess | None],
        *,
        within_s: float,
    ) -> None:
        self._places = places
        self._start = start
        self._within_s = within_s
        self._runs = False
        self.successors: list[WorkerProcess] = []
        self.leaving: list[WorkerProcess] = []

    @property
    def due(self) -> float | None:
        """When there is something to do at the latest, by `time.monotonic`."""
        return self.successors[-1].started + READY_TIMEOUT_S if self.successors else None

    def begin(self) -> None:
        """Begin, or begin again: what is new may be old by now."""
        logger.info("the workers are to be replaced")
        systemd.notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        self._dismiss(self.successors)
        self._runs = True

    def cancel(self) -> None:
        """Go no further; whoever is there is to be ended, and to be buried."""
        self._runs = False

    def act(self) -> None:
        """Do what there is to do now."""
        if not self._runs:
            return
        newest = self.successors[-1] if self.successors else None
        if newest is not None and not newest.is_ready:
            if newest.age_s > READY_TIMEOUT_S:
                self._give_up(f"{newest} does not serve after {READY_TIMEOUT_S:.0f} s")
        elif len(self.successors) < len(self._places):
            self._bring()
        else:
            self._replace()

    def bury(self, worker: WorkerProcess) -> None:
        """Forget a worker that has ended."""
        if worker in self.leaving:
            self.leaving.remove(worker)
            if worker.status:
                logger.warning("%s, which was replaced, ended with %s", worker, worker.ending)
        else:
            self.successors.remove(worker)
            if self._runs:
                self._give_up(f"{worker} ended with {worker.ending}")

    # Private.

    def _bring(self) -> None:
        # One that runs the checks is enough; the parent has run those of the old code.
        worker = self._start(self._places[len(self.successors)], not self.successors)
        if worker is None:
            self._give_up("no process can be started")
        else:
            self.successors.append(worker)

    def _replace(self) -> None:
        old = [place.worker for place in self._places if place.worker is not None]
        for place, worker in zip(self._places, self.successors, strict=True):
            place.worker = worker
        self.successors = []
        self._dismiss(old)
        logger.info("the workers have been replaced")
        self._end()

    def _give_up(self, reason: str) -> None:
        logger.error("no worker is replaced, the old ones go on: %s", reason)
        self._dismiss(self.successors)
        self._end()

    def _dismiss(self, workers: list[WorkerProcess]) -> None:
        for worker in workers:
            worker.stop(self._within_s, is_replaced=True)
        self.leaving += workers
        self.successors = []

    def _end(self) -> None:
        self._runs = False
        systemd.notify("READY=1")

"""The parent of several processes that serve: keeps up their number.

It has no event loop and no threads, serves nobody, and does one thing after another.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from typing import Final

from tornado_websockets.server import systemd
from tornado_websockets.server.place import Place
from tornado_websockets.server.renewal import READY_TIMEOUT_S, Renewal
from tornado_websockets.server.signalqueue import SignalQueue
from tornado_websockets.server.termination import OVERTIME_S, SIGNALED, SIGNALS
from tornado_websockets.server.workerprocess import WorkerProcess

__all__ = ["CannotStartError", "Workers"]

logger = logging.getLogger("tornado_websockets")

PATIENCE_S: Final = OVERTIME_S + 1.0
"""Seconds beyond the time that a worker has to end, after which its parent ends it."""


class CannotStartError(Exception):
    """The first worker ended before it served, and the others would do so as well."""


class Workers:
    """Starts workers, and others for those that end; ends them all.

    The first one starts alone, so that a mistake is told once. SIGTERM and SIGINT end all workers,
    and a second one at once. SIGHUP replaces them, see `Renewal`.

    Args:
        count: how many there are to be.
        sockets: listening; each worker inherits them, and here they are closed at the end.
        within_s: seconds that a worker has to end.
        delay_s: seconds of these for which connections are still taken.
        ready: called once, when all serve.
    """

    def __init__(
        self,
        count: int,
        sockets: Sequence[socket.socket],
        *,
        within_s: float,
        delay_s: float,
        ready: Callable[[], None],
    ) -> None:
        self._sockets = list(sockets)
        self._within_s = within_s + PATIENCE_S
        self._delay_s = delay_s
        self._ready: Callable[[], None] | None = ready
        self._places = [Place(number) for number in range(1, count + 1)]
        self._renewal = Renewal(self._places, self._start, within_s=self._within_s)
        self._has_served = False
        self._has_terminal = os.isatty(0)
        self._is_stopping = False
        self._close_at = math.inf
        self._status = 0

    def run(self) -> int:
        """Serve until a signal comes, and return the exit status.

        Raises:
            CannotStartError: no worker came to serve.
        """
        # What the queue gives back when it is left: from there to the end of the process a hangup
        # neither reloads anything nor is what ended it.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        # SIGCHLD does no more than end a wait.
        with SignalQueue((*SIGNALS, signal.SIGHUP, signal.SIGCHLD)) as queue:
            try:
                while not self._is_stopping or self._workers():
                    self._act()
                    lines = {each.line: each for each in self._workers() if each.line is not None}
                    numbers, heard = queue.wait(self._timeout_s(), lines)
                    for line in heard:
                        lines[line].hear()
                    for number in numbers:
                        self._heed(number)
                    self._bury()
            finally:
                for worker in self._workers():
                    worker.kill()
                self._close()
        return self._status

    # Private.

    def _workers(self) -> list[WorkerProcess]:
        """Return all that run, and those that ended a moment ago."""
        mine = [place.worker for place in self._places]
        return [*filter(None, mine), *self._renewal.successors, *self._renewal.leaving]

    def _timeout_s(self) -> float | None:
        dues = [worker.deadline for worker in self._workers()]
        if self._is_stopping:
            dues.append(self._close_at if self._sockets else None)
        else:
            dues += [self._renewal.due, *(place.due for place in self._vacant())]
        first = min((due for due in dues if due is not None), default=math.inf)
        return None if first == math.inf else max(0.0, first - time.monotonic())

    def _act(self) -> None:
        """Do what is due."""
        now = time.monotonic()
        for worker in self._workers():
            if worker.deadline is not None and worker.deadline <= now:
                late = "did not end" if worker.is_ending else "does not serve"
                logger.error("%s %s in time, and is killed", worker, late)
                worker.kill()
        if self._is_stopping:
            if self._close_at <= now:
                self._close()
            return
        for place in self._vacant():
            if place.due <= now:
                place.worker = self._start(place)
                # The first one may take as long as it likes: nobody knows yet how long that is.
                if place.worker is not None and self._has_served:
                    place.worker.deadline = place.worker.started + READY_TIMEOUT_S
        self._greet()
        self._renewal.act()

    def _vacant(self) -> list[Place]:
        places = self._places if self._has_served else self._places[:1]
        return [place for place in places if place.worker is None]

    def _start(self, place: Place, checks: bool = False) -> WorkerProcess | None:
        try:
            worker = WorkerProcess(place.number, self._sockets, checks=checks)
        except (OSError, RuntimeError) as error:
            wait_s = place.fail()
            logger.error("worker %d cannot be started for %.1f s: %s", place.number, wait_s, error)
            return None
        logger.info("%s starts", worker)
        return worker

    def _greet(self) -> None:
        are_ready = [place.worker is not None and place.worker.is_ready for place in self._places]
        self._has_served |= any(are_ready)
        if all(are_ready) and self._ready is not None:
            self._ready()
            self._ready = None
            systemd.notify("READY=1")

    def _heed(self, number: int) -> None:
        # It also says that the terminal has been closed, which ends what runs there: once, although
        # both its shell and the kernel say so.
        is_reload = number == signal.SIGHUP and not (self._has_terminal and not os.isatty(0))
        if self._is_stopping:
            if number in SIGNALS:
                self._status = SIGNALED + number
                for worker in self._workers():
                    worker.kill()
        elif is_reload:
            self._renewal.begin()
        elif number != signal.SIGCHLD:
            self._stop()

    def _stop(self) -> None:
        systemd.notify("STOPPING=1")
        self._is_stopping = True
        self._renewal.cancel()
        self._close_at = time.monotonic() + self._delay_s
        if not self._delay_s:
            # Before the workers: the last one that closes would reset who has come meanwhile.
            self._close()
        for worker in self._workers():
            worker.stop(self._within_s)

    def _close(self) -> None:
        while self._sockets:
            self._sockets.pop().close()

    def _bury(self) -> None:
        """Forget those who have ended."""
        for worker in self._workers():
            if worker.status is None:
                continue
            place = self._places[worker.number - 1]
            if place.worker is not worker:
                self._renewal.bury(worker)
            elif self._is_stopping:
                place.worker = None
                # One that did not serve yet may end as it likes, for instance by the signal that a
                # terminal sends to all, unless it had to be killed.
                if worker.status and (worker.is_ready or worker.status == -signal.SIGKILL):
                    logger.error("%s ended with %s", worker, worker.ending)
                    self._status = self._status or 1
            elif not self._has_served:
                raise CannotStartError(f"{worker} ended with {worker.ending} before it served")
            else:
                wait_s = place.vacate()
                logger.error(
                    "%s ended with %s, another one starts in %.1f s", worker, worker.ending, wait_s
                )

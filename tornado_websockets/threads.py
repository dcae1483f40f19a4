"""The threads that run callbacks which are no coroutines.

`concurrent.futures` would take 30 µs for what takes 10 here: it makes a future with a lock of its
own for each call, and wakes the event loop for each. Its threads also hold up the end of the
process for as long as one of them runs.
"""

from __future__ import annotations

import logging
import queue
import sys
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from django.db import close_old_connections

__all__ = ["Threads", "take_turns"]

logger = logging.getLogger("tornado_websockets")

Job = tuple[Callable[[], Any], Callable[[Any, BaseException | None], None]]

FRESH_S: Final = 1.0
"""Seconds for which a database connection is taken for good after it was looked at."""


TURN_S: Final = 0.001
"""Seconds that a thread may compute while others wait to, a fifth of what Python gives it.

Beside four views that compute, the worst of 200 echoes took 84 to 104 ms, and 470 to 1546 before.
"""


def take_turns() -> None:
    """Let the event loop of this process have its turn soon, whatever threads compute."""
    sys.setswitchinterval(TURN_S)


class Threads:
    """A number of threads that take jobs from one queue, with Django's connection hygiene.

    Database connections that are too old or broken are closed between two jobs, as Django does
    between two requests, and again before a job when the thread was idle for longer than `FRESH_S`.

    Args:
        size: how many threads.
        name: what the names of the threads begin with.
    """

    def __init__(self, size: int, name: str) -> None:
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        # As daemons they do not hold up the end of the process when a job never ends.
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True)
            for number in range(size)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self, function: Callable[[], Any], settle: Callable[[Any, BaseException | None], None]
    ) -> None:
        """Run a function in one of the threads, after those that were submitted before.

        Args:
            function: what to run.
            settle: is told, in the thread, what it returned, or raised. It must not raise.
        """
        self._jobs.put((function, settle))

    def stop(self) -> None:
        """End each thread when it is done with its job; jobs that nobody has begun are dropped."""
        try:
            while True:
                self._jobs.get_nowait()
        except queue.Empty:
            pass
        for _ in self._threads:
            self._jobs.put(None)

    def join(self, timeout_s: float) -> bool:
        """Wait for the threads to end, and return whether all have."""
        deadline = monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        looked = monotonic()
        while (job := self._jobs.get()) is not None:
            if monotonic() - looked > FRESH_S:
                _close_old_connections()
            _run(*job)
            looked = monotonic()


def _run(function: Callable[[], Any], settle: Callable[[Any, BaseException | None], None]) -> None:
    result, failure = None, None
    try:
        result = function()
    except BaseException as error:  # noqa: BLE001  of a user, be it sys.exit()
        failure = error
    _close_old_connections()
    settle(result, failure)


def _close_old_connections() -> None:
    try:
        close_old_connections()
    except Exception:
        logger.exception("a database connection could not be closed")

"""Runs in threads of the server's process: the engine that needs nothing else.

In a process without a server a run stays queued until a server takes it up, which looks for such
runs every few seconds (`housekeeping`).
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Iterator
from typing import Any, Final

from tornado_websockets.rules import Problem
from tornado_websockets.threads import Threads
from tws_admin import conf
from tws_admin.progress.runner import execute

__all__ = ["ThreadEngine", "engine"]

logger = logging.getLogger("tws_admin")


class ThreadEngine:
    """A bounded number of threads, open from the start of the server to its end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads: Threads | None = None
        self._taken: set[str] = set()
        self._at_work: set[str] = set()

    @property
    def is_busy(self) -> bool:
        """Whether any run is at work."""
        return bool(self._at_work)

    def open(self) -> None:
        """Take runs from now on."""
        with self._lock:
            self._taken = set()
            self._threads = Threads(conf.get().task_threads, "tws_admin-task")

    def close(self) -> None:
        """Take no more runs; those that wait stay queued, those that are at work go on."""
        with self._lock:
            threads, self._threads = self._threads, None
            if threads is not None:
                threads.stop()

    def submit(self, run_id: str) -> None:
        """Execute a run in one of the threads, after those that were submitted before."""
        with self._lock:
            if self._threads is not None and run_id not in self._taken:
                self._taken.add(run_id)
                self._threads.submit(functools.partial(self._execute, run_id), _nothing)

    def problems(self) -> Iterator[Problem]:
        """Yield nothing: it needs nothing."""
        return iter(())

    def _execute(self, run_id: str) -> None:
        with self._lock:
            if self._threads is None:
                return
            self._at_work.add(run_id)
        try:
            execute(run_id)
        except Exception:
            logger.exception("progress task %s could not be executed", run_id)
        finally:
            self._at_work.discard(run_id)
            self._taken.discard(run_id)


def _nothing(_result: Any, _error: BaseException | None) -> None:
    """Take what `execute` returns, which is nothing."""


engine: Final = ThreadEngine()
"""That of this process."""

"""What a server does for runs every few seconds, while it serves.

It takes up those that are queued for its threads, finds those whose process has died, and prunes
the history. At the end of the server its works have as long as callbacks have; then they are lost,
and say so.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from typing import Any, Final

from django.db import connections
from django.utils.translation import gettext as _

from tornado_websockets import signals
from tornado_websockets.runtime import runtime
from tws_admin import conf
from tws_admin.attempts import Attempts
from tws_admin.models import ProgressTask
from tws_admin.progress import actions, transitions
from tws_admin.progress.engines.thread import engine
from tws_admin.progress.history import prune
from tws_admin.progress.live import channels
from tws_admin.progress.states import State
from tws_admin.progress.work.report import tell
from tws_admin.progress.work.reporter import reporter

__all__ = ["Housekeeping", "housekeeping", "lose"]

logger = logging.getLogger("tws_admin")

ROUND_S: Final = 5.0
"""Seconds between two rounds."""

PRUNE_S: Final = 3600.0
"""Seconds between two prunings of the history."""

MANY: Final = 100
"""Runs that are taken up in one round."""


class Housekeeping:
    """The thread of one server; there is one in a process, `housekeeping`."""

    def __init__(self) -> None:
        self._end = threading.Event()
        self._suspects: set[Any] = set()
        self._pruned_at = -math.inf  # a clock may begin at 0 with the machine
        self._attempts = Attempts("progress tasks go on without %s, for now")

    def attend(self) -> None:
        """Begin and end with the server."""
        signals.server_started.connect(self._server_started, dispatch_uid=self)
        signals.server_stopping.connect(self._server_stopping, dispatch_uid=self)

    def round(self) -> None:
        """Do what is to be done now and then; blocks, as it asks the database."""
        self._attempts.make("the runs that are queued", self._take_up)
        self._attempts.make("the runs that are lost", self._find_lost)
        if time.monotonic() - self._pruned_at >= PRUNE_S:
            self._pruned_at = time.monotonic()
            self._attempts.make("the history", self._prune)

    # Private.

    def _server_started(self, **kwargs: Any) -> None:
        if not (actions.any_registered() and channels.is_registered()):
            return
        self._end = threading.Event()
        self._pruned_at = time.monotonic()
        engine.open()
        threading.Thread(
            target=self._work, args=(self._end,), name="tws_admin-housekeeping", daemon=True
        ).start()

    def _server_stopping(self, **kwargs: Any) -> None:
        self._end.set()
        engine.close()
        if engine.is_busy and runtime.loop is not None:
            runtime.keep(runtime.loop.create_task(_wait_for_works()))

    def _work(self, end: threading.Event) -> None:
        while True:
            self.round()
            connections.close_all()
            if end.wait(ROUND_S):
                return

    def _take_up(self) -> None:
        found = ProgressTask.objects.filter(state=str(State.QUEUED), engine="thread")
        for pk in found.order_by("created_at").values_list("pk", flat=True)[:MANY]:
            engine.submit(str(pk))

    def _find_lost(self) -> None:
        """Give up the runs that were without a heartbeat in the last round as well.

        Once is not enough: where a database was locked for long, nobody could write one.
        """
        stale = {run.pk: run for run in transitions.stale() if run.pk not in reporter}
        for pk in stale.keys() & self._suspects:
            lose(stale[pk], _("Its process has ended, or was stopped."))
        self._suspects = set(stale)

    def _prune(self) -> None:
        history = conf.get().history
        prune(days=history["days"], count=history["count"])


def lose(run: ProgressTask, failure: str) -> None:
    """Write down that nobody knows how far a run has come; blocks."""
    if transitions.become(run, State.LOST, failure=failure):
        logger.warning("progress task %s is lost: %s", run.pk, failure)
        tell(run)


async def _wait_for_works() -> None:
    """Wait until the works of this process have ended; when time is over, they are lost."""
    try:
        while engine.is_busy:  # noqa: ASYNC110  a thread ends, which tells no loop
            await asyncio.sleep(0.05)
    except asyncio.CancelledError:
        await asyncio.to_thread(_lose_all)
        raise


def _lose_all() -> None:
    try:
        for report in reporter.reports():
            report.task.ask("lost")
            run = ProgressTask.objects.get(pk=report.run.pk)
            lose(run, _("The server was stopped before it ended."))
    finally:
        connections.close_all()


housekeeping: Final = Housekeeping()
"""That of this process."""

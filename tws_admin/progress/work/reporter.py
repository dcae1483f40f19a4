"""Tells what the works of this process have done, and brings them what is asked of them.

One thread for all of them, while there are any: it reads the numbers of each `Task`, sends them to
who watches four times a second at most, saves them once a second, lets the run's heart beat, and
looks whether somebody wants it to pause or end. Where the database does not answer, the works go
on, and it tries again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final

from django.db import connections

from tws_admin.attempts import Attempts
from tws_admin.models import ProgressTask
from tws_admin.progress.work.report import Report

__all__ = ["Reporter", "reporter"]

PASS_S: Final = 0.25
"""Seconds between two looks at the numbers."""

SAVE_S: Final = 1.0
"""Seconds between two looks at the database."""


class Reporter:
    """The thread; there is one in a process, `reporter`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reports: dict[Any, Report] = {}
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._attempts = Attempts("progress is not %s for now; the works go on")

    def __contains__(self, pk: Any) -> bool:
        return pk in self._reports

    def add(self, report: Report) -> None:
        """Begin to tell of a run."""
        with self._lock:
            self._reports[report.run.pk] = report
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="tws_admin-reporter", daemon=True
                )
                self._thread.start()

    def remove(self, report: Report) -> None:
        """Tell no more of a run."""
        with self._lock:
            self._reports.pop(report.run.pk, None)

    def reports(self) -> list[Report]:
        """Return those of the works that go on in this process."""
        with self._lock:
            return list(self._reports.values())

    def look(self) -> None:
        """Look at the database at once: something was asked of a run."""
        self._wake.set()

    def _work(self) -> None:
        saved_at = time.monotonic()
        while self._goes_on():
            is_asked = self._wake.wait(PASS_S)
            self._wake.clear()
            for report in self.reports():
                self._attempt("told", report.tell)
            is_due = time.monotonic() - saved_at >= SAVE_S
            if is_asked or is_due:
                self._attempt("asked for", self._listen)
            if is_due:
                saved_at = time.monotonic()
                for report in self.reports():
                    self._attempt("saved", report.save)
        connections.close_all()

    def _goes_on(self) -> bool:
        with self._lock:
            if not self._reports:
                self._thread = None
                return False
            return True

    def _listen(self) -> None:
        reports = {report.run.pk: report for report in self.reports()}
        found = ProgressTask.objects.filter(pk__in=list(reports)).values_list("pk", "state", "wish")
        known = {pk: (state, wish) for pk, state, wish in found}
        for pk, report in reports.items():
            report.listen(known.get(pk))

    def _attempt(self, what: str, function: Callable[[], None]) -> None:
        """Call a function that asks the database, which may be locked or away for a while."""
        if not self._attempts.make(what, function):
            connections.close_all()


reporter: Final = Reporter()
"""That of this process."""

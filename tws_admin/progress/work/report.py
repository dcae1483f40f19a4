"""What was told of one work, and what there is to tell: to who watches, and to the database."""

from __future__ import annotations

import threading
import time
from typing import Any, Final

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import ngettext

from tornado_websockets.layers import layer
from tornado_websockets.runtime import runtime
from tws_admin.models import ProgressTask, TaskNote, TaskSelection
from tws_admin.progress.live import channels
from tws_admin.progress.live.hearing import TOLD
from tws_admin.progress.rows import as_row
from tws_admin.progress.states import State
from tws_admin.progress.transitions import BEAT_S, become
from tws_admin.progress.work.task import MAX_NOTES, Task, clean

__all__ = ["Report", "tell"]

AT_WORK: Final = [str(State.RUNNING), str(State.PAUSED), str(State.CANCELLING)]


def tell(run: ProgressTask) -> None:
    """Tell those who watch how a run is now; blocks, from any thread but the loop.

    In a process without a server nobody watches. Those who do elsewhere are told by the layer, if
    that is shared; else they read the database.
    """
    if runtime.is_running:
        runtime.call(channels.publish, as_row(run))
    elif layer().is_shared:
        layer().tell(TOLD, {"row": as_row(run)})


class Report:
    """What was told of one run, and what there is to tell.

    Args:
        run: its row; brought up to date here alone while the work goes on.
        task: the handle of its body.
    """

    def __init__(self, run: ProgressTask, task: Task) -> None:
        self.run = run
        self.task = task
        self._lock = threading.Lock()
        self._is_over = False
        self._was_seen = False
        self._told: tuple[Any, ...] = ()
        self._saved: tuple[Any, ...] = ()
        self._saved_errors = run.error_count
        self._saved_failures: int | None = None
        self._beat_at = time.monotonic()

    def tell(self) -> None:
        """Send the numbers, when they differ from those that were sent."""
        with self._lock:
            self._read()
            if not self._is_over and self._numbers != self._told:
                self._told = self._numbers
                tell(self.run)

    def save(self) -> None:
        """Save the numbers, when they differ from those that were saved, and let the heart beat."""
        with self._lock:
            if not self._is_over:
                self._read()
                self._save()

    def listen(self, found: tuple[str, str] | None) -> None:
        """Take what the database says of the run: its state and what is wished, None for no run.

        One that was never seen is not yet committed, as in a test that is rolled back.
        """
        with self._lock:
            if self._is_over:
                return
            if found is not None:
                self._was_seen = True
                self._listen(*found)
            elif self._was_seen:
                self.task.ask("lost")

    def close(self) -> dict[str, Any]:
        """Tell and save no more, and return the last numbers, to be saved with the run's end.

        The log and the failed keys are saved here.
        """
        with self._lock:
            self._is_over = True
            self._read()
            self._save_notes()
            if self.task.note_count > MAX_NOTES:
                self._note_left_out(self.task.note_count - MAX_NOTES)
            self._save_failures()
            return {
                **self._position,
                "error_count": self.run.error_count,
                "errors": self.run.errors,
            }

    # Private.

    @property
    def _numbers(self) -> tuple[Any, ...]:
        run = self.run
        return (run.done, run.total, run.label, run.error_count, run.rate, run.cursor)

    @property
    def _position(self) -> dict[str, Any]:
        run = self.run
        return {
            "done": run.done,
            "total": run.total,
            "label": run.label,
            "rate": run.rate,
            "cursor": run.cursor,
        }

    def _read(self) -> None:
        """Read the numbers of the work."""
        run, task = self.run, self.task
        meter = task.meter
        meter.sample(time.monotonic())
        run.cursor = task.cursor
        run.done = int(meter.done)
        run.total = None if meter.total is None else int(meter.total)
        run.label = clean(meter.label)
        run.rate = None if meter.rate is None else round(meter.rate, 3)
        run.error_count = task.error_count
        run.errors = list(task.errors)

    def _save(self) -> None:
        now = time.monotonic()
        numbers = self._numbers
        # First: a cursor in the database that is ahead of them would lose those between.
        self._save_failures()
        if numbers != self._saved or now - self._beat_at >= BEAT_S:
            self._update(self._changes(numbers))
            self._beat_at = now
            self._saved = numbers
        self._save_notes()

    def _changes(self, numbers: tuple[Any, ...]) -> dict[str, Any]:
        values: dict[str, Any] = {"heartbeat": Now()}
        if numbers == self._saved:
            return values
        values |= self._position
        # A rate sinks by itself: it is no progress.
        if not self._saved or numbers[:4] != self._saved[:4]:
            values["progressed_at"] = Now()
        if self.run.error_count != self._saved_errors:
            self._saved_errors = self.run.error_count
            values |= {"error_count": self.run.error_count, "errors": self.run.errors}
        return values

    def _update(self, values: dict[str, Any]) -> None:
        run = self.run
        found = ProgressTask.objects.filter(pk=run.pk, attempt=run.attempt, state__in=AT_WORK)
        if not found.update(**values):
            if self._was_seen:
                self.task.ask("lost")
        elif "progressed_at" in values:
            run.refresh_from_db(fields=["progressed_at"])

    def _listen(self, state: str, wish: str) -> None:
        run, task = self.run, self.task
        is_new = (run.state, run.wish) != (state, wish)
        run.state, run.wish = state, wish
        if state == State.CANCELLING:
            task.ask("cancel")
        elif state == State.RUNNING:
            task.ask(wish or None)
        elif state != State.PAUSED:
            task.ask("lost")
        if state == State.RUNNING and wish and task.is_waiting:
            become(run, State.PAUSED, where=Q(wish=wish))
            self._read()
            tell(run)
        elif is_new:
            run.refresh_from_db(fields=["wished_at"])
            tell(run)

    def _save_notes(self) -> None:
        notes = self.task.notes
        lines = [notes.popleft() for _ in range(len(notes))]
        if lines:
            TaskNote.objects.bulk_create(
                TaskNote(task_id=self.run.pk, time=moment, text=text) for moment, text in lines
            )

    def _note_left_out(self, count: int) -> None:
        text = ngettext("… and %(count)d more line", "… and %(count)d more lines", count)
        TaskNote.objects.create(
            task_id=self.run.pk, time=timezone.now(), text=text % {"count": count}
        )

    def _save_failures(self) -> None:
        failed = list(self.task.failed)
        if len(failed) != self._saved_failures:
            self._saved_failures = len(failed)
            TaskSelection.objects.filter(pk=self.run.pk).update(failed=failed)

"""The handle that the body of an action gets: it tells how far the work is, and hears when to end.

What the body calls only changes numbers here. The thread of `reporter` reads them, asks the
database and tells those who watch, so that a call costs next to nothing, and works as well where
Django allows no database: in a coroutine.
"""

from __future__ import annotations

import collections
import logging
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from tws_admin.models import TEXT_MAX_LENGTH, ProgressTask
from tws_admin.progress.files import ResultFile, open_file
from tws_admin.progress.work.meter import Meter, amount
from tws_admin.progress.work.track import Track

__all__ = ["MAX_ERRORS", "MAX_NOTES", "Task", "TaskCancelled", "TaskPaused", "clean"]

logger = logging.getLogger("tws_admin")

MAX_ERRORS: Final = 100
"""Item errors that are kept; all are counted."""

MAX_NOTES: Final = 1000
"""Lines that one attempt may log; of others is told how many there were."""

MAX_LINE: Final = 2000
"""Characters of a line of the log."""


KEYS: Final = (int, uuid.UUID)
"""What a primary key is; anything else becomes a text where failures are kept."""

KEEP: Final[Any] = object()
"""What stands for an argument that is left out; None is a mistake."""


class TaskCancelled(BaseException):
    """The work is to end; no Exception, so that bodies do not catch it with their own errors."""


class TaskPaused(BaseException):
    """The work is to leave its worker, and goes on later behind the last object."""


class Task:
    """One run, as its body sees it.

    Args:
        run: its row.
        user: who has started it, None for the program itself.
        params: what the form of the action has asked for.
        leaves: whether it can go on elsewhere when it was paused, or has to wait in its worker.

    Attributes:
        id: of the run, a UUID.
        user: see above.
        params: see above.
        attempt: 1, and one more with each Retry.
    """

    def __init__(
        self, run: ProgressTask, *, user: Any, params: Mapping[str, Any], leaves: bool
    ) -> None:
        self.id = run.pk
        self.user = user
        self.params = params
        self.attempt = run.attempt
        self.meter = Meter(run.total, run.done)
        self.cursor = run.cursor
        self.error_count = run.error_count
        self.errors: list[dict[str, Any]] = list(run.errors)
        self.failed: list[Any] = []
        self.notes: collections.deque[tuple[datetime, str]] = collections.deque()
        self.note_count = 0
        self.asked: str | None = None  # by another thread
        self.is_waiting = False
        self._leaves = leaves
        self._goes_on = threading.Event()

    def __repr__(self) -> str:
        return f"<Task {self.id}>"

    def track(
        self,
        iterable: Any,
        *,
        label: Callable[[Any], Any] | None = None,
        total: float | None = None,
    ) -> Track:
        """Return what yields the items one by one, and counts them, for ``for`` or ``async for``.

        Args:
            iterable: a queryset is read in portions.
            label: makes the words of an item that is worked on.
            total: how many there are; None asks the iterable, which may not know.
        """
        return Track(self, iterable, label, None if total is None else amount("total", total))

    def advance(self, n: Any = 1) -> None:
        """Count what is done.

        Raises:
            ValueError: n is no finite number of at least 0.
        """
        if type(n) is not int or n < 0:
            n = amount("n", n)
        self.meter.done += n
        if self.asked is not None:
            self._obey()

    def update(self, done: float = KEEP, total: float = KEEP, label: Any = KEEP) -> None:
        """Say how far the work is; what is left out stays.

        Raises:
            ValueError: done or total is no finite number of at least 0, or label is None.
        """
        if done is not KEEP:
            self.meter.done = amount("done", done)
        if total is not KEEP:
            self.meter.total = amount("total", total)
        if label is None:
            raise ValueError("label should be a text, got None")
        if label is not KEEP:
            self.meter.label = str(label)
        self.check()

    def check(self) -> None:
        """End or pause here, if that is asked for; the methods above do it, too."""
        if self.asked is not None:
            self._obey()

    def error(self, obj: Any, exc: BaseException | str) -> None:
        """Count an object on which the work failed; the run then succeeds in part.

        The first hundred are shown; the traceback goes to the log alone.

        Args:
            obj: the object, or its primary key.
            exc: what went wrong.
        """
        pk = getattr(obj, "pk", obj)
        error = exc if isinstance(exc, BaseException) else None
        logger.error("progress task %s failed on %r", self.id, pk, exc_info=error)
        self.failed.append(pk if isinstance(pk, KEYS) else clean(pk, MAX_LINE))
        self.error_count += 1
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(
                {
                    "pk": clean(pk),
                    "text": clean(obj),
                    "class": "" if error is None else type(error).__name__,
                    "message": clean(exc),
                }
            )

    def log(self, text: Any) -> None:
        """Add a line to the log on the task's page."""
        self.note_count += 1
        if self.note_count <= MAX_NOTES:
            self.notes.append((timezone.now(), clean(text, MAX_LINE)))

    def result_file(self, name: str, mode: str = "w") -> ResultFile:
        """Open a file that is kept with the run, for those who may see it.

        Args:
            name: without a folder.
            mode: ``w`` for text in UTF-8, ``wb`` for bytes.

        Raises:
            ValueError: it is no name of a file, or no such mode.
        """
        return open_file(self.id, name, mode)

    # For `items`, `runner` and `reporter`.

    def take_up(self, keys: Sequence[Any], failed: Iterable[Any]) -> None:
        """Go on with objects where an earlier attempt was.

        Whatever that said of an object at the cursor or behind it is forgotten: it is worked on
        again.

        Args:
            keys: of all objects.
            failed: keys of those that have failed.
        """
        again = set(map(str, keys[self.cursor :]))
        self.failed = [key for key in failed if str(key) not in again]
        self.errors = [error for error in self.errors if error["pk"] not in again]
        self.error_count = len(self.failed)

    def ask(self, wish: str | None) -> None:
        """Let the body hear what is asked of it: ``cancel``, ``pause`` or nothing."""
        self.asked = wish
        if wish != ProgressTask.PAUSE:
            self._goes_on.set()

    # Private.

    def _obey(self) -> None:
        while self.asked is not None:
            if self.asked != ProgressTask.PAUSE:
                raise TaskCancelled
            if self._leaves:
                raise TaskPaused
            self._wait()

    def _wait(self) -> None:
        self._goes_on.clear()
        self.is_waiting = True
        try:
            while self.asked == ProgressTask.PAUSE:
                self._goes_on.wait(1.0)
        finally:
            self.is_waiting = False
            self.meter.rest()


def clean(text: Any, limit: int = TEXT_MAX_LENGTH) -> str:
    """Return a text that every database takes: so long, without the NUL that PostgreSQL refuses."""
    try:
        return str(text)[:limit].replace("\0", "\N{REPLACEMENT CHARACTER}")
    except Exception:  # noqa: BLE001  of a __str__ of the project, perhaps what has failed
        return f"<{type(text).__name__}>"

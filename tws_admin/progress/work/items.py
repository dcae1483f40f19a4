"""The work on one object after the other, each in its own transaction."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from django.db import router, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from tws_admin.progress.options import Options
from tws_admin.progress.selection import portions
from tws_admin.progress.work.courtesy import Courtesy
from tws_admin.progress.work.task import Task

__all__ = ["GoneError", "StoppedError", "work_through"]


class GoneError(Exception):
    """An object that was selected is no more."""


class StoppedError(Exception):
    """The work ends at the first object that fails.

    Args:
        pk: of the object.
        error: what went wrong.
    """

    def __init__(self, pk: Any, error: Exception) -> None:
        super().__init__(pk, error)
        self.pk = pk
        self.error = error

    def __str__(self) -> str:
        sentence = _("It stopped at the first error, on %(pk)s: %(error)s")
        shown = f"{type(self.error).__name__}: {self.error}"
        return sentence % {"pk": self.pk, "error": shown}


def work_through(
    task: Task,
    queryset: QuerySet[Any],
    keys: Sequence[Any],
    work: Callable[[Any], Any],
    options: Options,
) -> None:
    """Do the work on each object from the cursor on.

    Args:
        task: is told; its cursor moves behind each object that is finished.
        queryset: where the objects are.
        keys: their primary keys.
        work: is called with each object.
        options: of the action.

    Raises:
        StoppedError: an object failed, and options say to stop.
        TaskCancelled, TaskPaused: that was asked for.
    """
    task.meter.total = len(keys)
    using = router.db_for_write(queryset.model)
    courtesy = Courtesy(using)
    for portion in portions(queryset, keys[task.cursor :], options.chunk_size):
        for key, obj in portion:
            courtesy.show()
            task.check()
            try:
                if obj is None:
                    raise GoneError(_("It is not there any more."))
                task.meter.label = str(obj)
                # What the body does of an object that fails is undone.
                with transaction.atomic(using) if options.is_atomic else contextlib.nullcontext():
                    work(obj)
            except Exception as error:
                task.error(key if obj is None else obj, error)
                if options.on_error == "stop":
                    raise StoppedError(key, error) from error
            task.cursor += 1
            task.meter.done = task.cursor
    task.meter.label = ""  # nothing is worked on any more

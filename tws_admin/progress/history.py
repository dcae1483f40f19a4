"""What is kept of runs that have ended: so many days, so many of them."""

from __future__ import annotations

import datetime
from typing import Any, Final

from django.db import router, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from tws_admin.models import ProgressTask, TaskFile, TaskSelection
from tws_admin.progress.states import ENDED

__all__ = ["BATCH", "expired", "prune"]

BATCH: Final = 500
"""Runs that one transaction deletes."""

MAX_DAYS: Final = 100_000
"""No run is older, and a calendar begins somewhere."""

ABANDONED_AFTER: Final = datetime.timedelta(days=1)
"""What was selected is given up when no run came of it for so long."""


def prune(*, days: int, count: int, batch: int = BATCH) -> int:
    """Delete runs that have ended, with all that belongs to them; blocks.

    Args:
        days: those that ended longer ago are deleted.
        count: so many, the newest, are left of the others.
        batch: runs that one transaction deletes; nobody waits for longer than that takes.

    Returns:
        How many runs were deleted.

    Raises:
        ValueError: days or count is negative.
    """
    old = expired(days=days, count=count).order_by("ended_at")
    found = old.using(router.db_for_write(ProgressTask)).values_list("pk", flat=True)
    deleted = 0
    while keys := list(found[:batch]):
        deleted += _delete(keys)
    _delete_abandoned(batch)
    return deleted


def expired(*, days: int, count: int) -> QuerySet[ProgressTask]:
    """Return the runs that `prune` deletes.

    Raises:
        ValueError: days or count is negative.
    """
    for name, value in {"days": days, "count": count}.items():
        if value < 0:
            raise ValueError(f"{name} should be at least 0, got {value}")
    ended = _ended()
    is_old = Q(ended_at__lt=timezone.now() - datetime.timedelta(days=min(days, MAX_DAYS)))
    newest_first = ended.order_by("-ended_at", "-pk").values_list("ended_at", "pk")
    for ended_at, pk in newest_first[count : count + 1]:
        is_old |= Q(ended_at__lt=ended_at) | Q(ended_at=ended_at, pk__lte=pk)
    return ended.filter(is_old)


def _ended() -> QuerySet[ProgressTask]:
    states = [str(state) for state in ENDED]
    return ProgressTask.objects.filter(state__in=states, ended_at__isnull=False)


def _delete(keys: list[Any]) -> int:
    using = router.db_for_write(ProgressTask)
    with transaction.atomic(using=using):
        ended = _ended().using(using).filter(pk__in=keys)
        # It changes nothing. But the rows, on SQLite the database, are locked from here on: no run
        # is retried between the look at its state and its end.
        ended.update(single_key=None)
        keys = list(ended.values_list("pk", flat=True))
        # None of the columns that may be large is read.
        TaskFile.objects.using(using).filter(task_id__in=keys).only("stored").delete()
        TaskSelection.objects.using(using).filter(pk__in=keys).delete()
        ProgressTask.objects.using(using).filter(pk__in=keys).only("pk").delete()
    return len(keys)


def _delete_abandoned(batch: int) -> None:
    runs = ProgressTask.objects.filter(pk=OuterRef("pk"))
    limit = timezone.now() - ABANDONED_AFTER
    selections = TaskSelection.objects.using(router.db_for_write(TaskSelection))
    found = selections.filter(~Exists(runs), created_at__lt=limit)
    while keys := list(found.values_list("pk", flat=True)[:batch]):
        # A run may have come of it meanwhile.
        selections.filter(~Exists(runs), pk__in=keys).delete()

"""How the state of a run changes: by an update that holds only where the state still fits.

So two processes that want different things of one run never both get them, and a message that is
delivered twice starts nothing twice.
"""

from __future__ import annotations

import contextlib
import datetime
import logging
from collections.abc import Iterable
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from tws_admin.models import ProgressTask, TaskNote
from tws_admin.progress.states import ENDED, RETRIABLE, SOURCES, State

__all__ = ["BEAT_S", "LOST_AFTER_S", "Conflict", "become", "cancel", "claim", "pause", "resume"]
__all__ += ["retry", "stale"]

logger = logging.getLogger("tws_admin")

BEAT_S: Final = 3.0
"""Seconds between two heartbeats of a run."""

LOST_AFTER_S: Final = 15.0
"""Seconds without one after which its process is taken for dead."""


ANYWHERE: Final = Q()


class Conflict(Exception):
    """What is asked of a run does not fit its state.

    Args:
        run: as it was looked at last.
        wanted: what was asked.
    """

    def __init__(self, run: ProgressTask, wanted: str) -> None:
        super().__init__(run, wanted)
        self.run = run
        self.wanted = wanted

    def __str__(self) -> str:
        return f"{self.wanted} does not fit run {self.run.pk}, which is {self.run.state}"


def become(
    run: ProgressTask,
    target: State,
    *,
    sources: Iterable[State] | None = None,
    where: Q = ANYWHERE,
    by: Any = None,
    text: str = "",
    **values: Any,
) -> bool:
    """Give a run a state, if it has one that may precede it, and this attempt is the last.

    Args:
        run: is brought up to date.
        target: the state.
        sources: states that it may have, of those that may precede it; None is all.
        where: what else has to hold of it by then.
        by: the user who wants it, None for the work itself.
        text: what the timeline says of it.
        values: of other fields.

    Returns:
        False when it has another state by now, which is left alone.
    """
    allowed = SOURCES[target] if sources is None else SOURCES[target] & frozenset(sources)
    values = {"state": str(target), "wish": "", "wished_at": None, **values}
    if target in ENDED:
        values |= {"ended_at": Now(), "single_key": None, "worker": ""}
    found = ProgressTask.objects.filter(
        pk=run.pk, attempt=run.attempt, state__in=[str(state) for state in allowed]
    ).filter(where)
    with transaction.atomic():
        changed = found.update(**values)
        if changed:
            _note(run, target, by, text)
    with contextlib.suppress(ProgressTask.DoesNotExist):  # it was deleted meanwhile
        run.refresh_from_db()
    return bool(changed)


def claim(run: ProgressTask, worker: str) -> bool:
    """Take a run that is queued for this process; False when somebody else has it."""
    return become(
        run,
        State.RUNNING,
        sources=(State.QUEUED,),
        text=worker,
        worker=worker,
        attempt=F("attempt") + 1,
        started_at=Now(),
        heartbeat=Now(),
        progressed_at=Now(),
        ended_at=None,
        failure="",
    )


def cancel(run: ProgressTask, by: Any = None) -> State:
    """Cancel a run that is not at work, or ask its work to end.

    Returns:
        The state that it has now.

    Raises:
        Conflict: its work is over, or has been asked already.
    """
    idle = (State.QUEUED, State.PAUSED)
    if become(run, State.CANCELLED, sources=idle, where=Q(worker=""), by=by):
        return State.CANCELLED
    if become(run, State.CANCELLING, where=~Q(worker=""), by=by, wished_at=Now()):
        return State.CANCELLING
    raise _conflict(run, "cancel")


def pause(run: ProgressTask) -> None:
    """Ask the work of a run to pause.

    Raises:
        Conflict: it is not at work.
    """
    found = ProgressTask.objects.filter(pk=run.pk, state=str(State.RUNNING), wish="")
    changed = found.update(wish=ProgressTask.PAUSE, wished_at=Now())
    run.refresh_from_db()
    if not changed:
        raise _conflict(run, "pause")


def resume(run: ProgressTask, by: Any = None) -> bool:
    """Let a run that is paused go on, or take back the wish to pause.

    Returns:
        Whether it has left its worker, and is to be submitted again.

    Raises:
        Conflict: it is not paused.
    """
    if run.state == State.RUNNING and run.wish:
        found = ProgressTask.objects.filter(pk=run.pk, state=str(State.RUNNING), wish=run.wish)
        if found.update(wish="", wished_at=None):
            run.refresh_from_db()
            return False
    idle = Q(worker="")
    if become(run, State.QUEUED, sources=(State.PAUSED,), where=idle, by=by, wished_at=Now()):
        return True
    if become(run, State.RUNNING, sources=(State.PAUSED,), where=~Q(worker=""), by=by):
        return False
    raise _conflict(run, "resume")


def retry(run: ProgressTask, by: Any = None, **values: Any) -> None:
    """Queue a run again that has failed, was cancelled or lost.

    Raises:
        Conflict: it has not, or succeeded in part, or an action of one run has another.
    """
    values |= {"worker": "", "heartbeat": None, "wished_at": Now()}
    if not become(run, State.QUEUED, sources=RETRIABLE, by=by, **values):
        raise _conflict(run, "retry")


def stale() -> list[ProgressTask]:
    """Return the runs whose process has not been heard of for `LOST_AFTER_S`."""
    # By the clock of the database: those of machines differ.
    limit = Now() - datetime.timedelta(seconds=LOST_AFTER_S)
    at_work = [str(State.RUNNING), str(State.PAUSED), str(State.CANCELLING)]
    found = ProgressTask.objects.filter(state__in=at_work, heartbeat__lt=limit).exclude(worker="")
    return list(found)


def _note(run: ProgressTask, state: State, by: Any, text: str) -> None:
    TaskNote.objects.create(task_id=run.pk, time=timezone.now(), state=str(state), by=by, text=text)


def _conflict(run: ProgressTask, wanted: str) -> Conflict:
    conflict = Conflict(run, wanted)
    logger.warning("refused: %s", conflict)
    return conflict

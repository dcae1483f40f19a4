"""What staff ask of a run: to cancel it, to pause, to go on, and to try again."""

from __future__ import annotations

import functools
from typing import Any, Final

from django.db import IntegrityError, transaction

from tws_admin.models import ProgressTask, TaskSelection
from tws_admin.progress import log, submission, transitions
from tws_admin.progress.actions import ProgressAction, find
from tws_admin.progress.work.report import tell
from tws_admin.progress.work.reporter import reporter

__all__ = ["ask"]


def ask(run: ProgressTask, verb: str, by: Any) -> ProgressTask:
    """Do what somebody asks of a run, who may.

    Args:
        run: its row.
        verb: ``cancel``, ``pause``, ``resume``, ``retry`` or ``retry_failed``.
        by: the user who asks.

    Returns:
        The run, or the one that takes up its failures.

    Raises:
        Conflict: it does not fit the state of the run.
        ValueError: there is no such verb.
    """
    if verb not in VERBS:
        raise ValueError(f"expected one of {', '.join(VERBS)}, got {verb!r}")
    if verb == "retry_failed":  # which is a transaction already
        result = _retry_failed(run, by)
        log.asked(run, verb, by)
    else:
        with transaction.atomic():
            result = VERBS[verb](run, by)
            log.asked(run, verb, by)
    reporter.look()
    tell(result)
    return result


def _cancel(run: ProgressTask, by: Any) -> ProgressTask:
    transitions.cancel(run, by)
    return run


def _pause(run: ProgressTask, _by: Any) -> ProgressTask:
    transitions.pause(run)
    return run


def _resume(run: ProgressTask, by: Any) -> ProgressTask:
    if transitions.resume(run, by):
        transaction.on_commit(functools.partial(submission.send, run))
    return run


def _retry(run: ProgressTask, by: Any) -> ProgressTask:
    _model_admin, action = _found(run, "retry")
    key = f"{run.site} {run.model} {run.action}"
    try:
        with transaction.atomic():
            transitions.retry(run, by, single_key=key if action.options.single else None)
    except IntegrityError:
        raise transitions.Conflict(run, "retry") from None
    transaction.on_commit(functools.partial(submission.send, run))
    return run


def _retry_failed(run: ProgressTask, by: Any) -> ProgressTask:
    selection = TaskSelection.objects.filter(pk=run.pk).first()
    if run.is_active or selection is None or not selection.failed:
        raise transitions.Conflict(run, "retry_failed")
    model_admin, _action = _found(run, "retry_failed")
    again = submission.select(
        model_admin, run.action, selection.failed, user=run.user, sent=f"failed of {run.pk}"
    )
    try:
        return submission.submit(again, user=run.user, params=run.params, retry_of=run, by=by)[0]
    except submission.AlreadyActiveError:
        raise transitions.Conflict(run, "retry_failed") from None


VERBS: Final = {
    "cancel": _cancel,
    "pause": _pause,
    "resume": _resume,
    "retry": _retry,
    "retry_failed": _retry_failed,
}


def _found(run: ProgressTask, verb: str) -> tuple[Any, ProgressAction]:
    try:
        return find(run.site, run.model, run.action)
    except LookupError:
        raise transitions.Conflict(run, verb) from None

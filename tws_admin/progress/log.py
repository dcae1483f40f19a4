"""Django's log of admin actions: who has started a run, and what was asked of it."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from tws_admin.models import ProgressTask

__all__ = ["asked", "started"]

SENTENCES: Final = {
    "cancel": gettext_noop("Cancelled."),
    "pause": gettext_noop("Paused."),
    "resume": gettext_noop("Resumed."),
    "retry": gettext_noop("Tried again."),
    "retry_failed": gettext_noop("Tried the failed objects again."),
}


def started(run: ProgressTask, by: Any) -> None:
    """Write that a run was started; nothing when no user has."""
    sentence = ngettext(
        "Started for %(count)d object.", "Started for %(count)d objects.", run.selected
    )
    _write(run, by, ADDITION, sentence % {"count": run.selected})


def asked(run: ProgressTask, verb: str, by: Any) -> None:
    """Write what a user has asked of a run."""
    _write(run, by, CHANGE, _(SENTENCES[verb]))


def _write(run: ProgressTask, by: Any, flag: int, sentence: str) -> None:
    if by is None:
        return
    LogEntry.objects.create(
        user_id=by.pk,
        content_type=ContentType.objects.get_for_model(ProgressTask),
        object_id=str(run.pk),
        object_repr=run.title,
        action_flag=flag,
        change_message=sentence,
    )

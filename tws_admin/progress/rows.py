"""A run as pages see it: the row of the feed, of the task sockets, and of the first paint."""

from __future__ import annotations

import datetime
from typing import Any, Final

from django.urls import NoReverseMatch, reverse

from tws_admin.models import ProgressTask

__all__ = ["HEAVY", "as_row", "url"]

HEAVY: Final = ("errors", "params", "result", "failure")
"""Fields that no row has, and that may be large."""


def as_row(run: ProgressTask) -> dict[str, Any]:
    """Return the row of a run, in JSON's types; blocks when its user is not loaded yet."""
    user = run.user
    return {
        "id": str(run.pk),
        "state": run.state,
        "wish": run.wish,
        "title": run.title,
        "site": run.site,
        "model": run.model,
        "action": run.action,
        "user": None if run.user_id is None else str(run.user_id),
        "username": None if user is None else str(user.get_username()),
        "engine": run.engine,
        "attempt": run.attempt,
        "done": run.done,
        "total": run.total,
        "label": run.label,
        "rate": run.rate,
        "eta_s": eta_s(run),
        "errors": run.error_count,
        "created": _time(run.created_at),
        "started": _time(run.started_at),
        "progressed": _time(run.progressed_at),
        "wished": _time(run.wished_at),
        "ended": _time(run.ended_at),
        "url": url(run),
    }


def eta_s(run: ProgressTask) -> float | None:
    """Return in how many seconds it will have ended, None when that is not known."""
    if not run.rate or run.total is None or run.ended_at is not None:
        return None
    return round(max(0, run.total - run.done) / run.rate, 1)


def url(run: ProgressTask) -> str:
    """Return the path of its page, on the admin site that it belongs to; empty without one."""
    try:
        return reverse("admin:tws_admin_progresstask_change", args=[run.pk], current_app=run.site)
    except NoReverseMatch:
        return ""


def _time(value: datetime.datetime | None) -> float | None:
    return None if value is None else round(value.timestamp(), 3)

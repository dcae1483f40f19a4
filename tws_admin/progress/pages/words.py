"""What a run says of itself in words, from its row.

The pages' scripts (``tasks/words.js``) say the same, so that nothing changes when they take over.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tws_admin.models import ProgressTask
from tws_admin.page.figures import write
from tws_admin.progress.states import ACTIVE, RETRIABLE, State

__all__ = ["VERBS", "Bar", "bar", "count", "duration_s", "errors", "notice", "refusal", "state"]
__all__ += ["verbs"]

Row = Mapping[str, Any]

WAITS_AFTER_S: Final = 10
STALLED_AFTER_S: Final = 60
UNANSWERED_AFTER_S: Final = 30

VERBS: Final[Mapping[str, str | Promise]] = {
    "pause": gettext_lazy("Pause"),
    "resume": gettext_lazy("Resume"),
    "cancel": gettext_lazy("Cancel"),
    "retry": gettext_lazy("Retry"),
    "retry_failed": gettext_lazy("Retry failed"),
}
"""What can be asked of a run, as its buttons say it."""

_REFUSALS: Final[Mapping[str, str | Promise]] = {
    "pause": gettext_lazy("It is not at work, and cannot be paused: %(state)s."),
    "resume": gettext_lazy("It is not paused, and cannot be resumed: %(state)s."),
    "cancel": gettext_lazy("It cannot be cancelled any more: %(state)s."),
    "retry": gettext_lazy("It cannot be tried again now: %(state)s."),
    "retry_failed": gettext_lazy("There is nothing of it to be tried again: %(state)s."),
}


class Bar(NamedTuple):
    """The attributes of a ``<progress>``, as HTML writes numbers.

    Attributes:
        value: None as long as nobody knows how far the work is.
        max: as of HTML.
    """

    value: str | None
    max: str


def state(row: Row, now: float) -> str:
    """Return the state of a run; `now` is a Unix time."""
    if row["state"] == State.RUNNING and row["wish"]:
        return _("pausing…")
    if row["state"] == State.CANCELLING:
        return _("cancelling…")
    # One that is queued again was so when it had ended, or later.
    queued = row["wished"] or row["created"] or now
    if row["state"] == State.QUEUED and now - queued > WAITS_AFTER_S:
        return _("waits for a worker")
    return str(ProgressTask.STATES[State(row["state"])])


def count(row: Row) -> str:
    """Return how far a run is."""
    done, total = row["done"], row["total"]
    if total is None:
        return write(done, "number")
    text = _("%(value)s (expected %(max)s)") if done > total else _("%(value)s of %(max)s")
    return text % {"value": write(done, "number"), "max": write(total, "number")}


def errors(row: Row) -> str:
    """Return how many objects failed; empty for none."""
    number = row["errors"]
    if not number:
        return ""
    text = ngettext("%(count)s error", "%(count)s errors", number)
    return text % {"count": write(number, "number")}


def bar(row: Row) -> Bar:
    """Return what the bar shows, which ends with the work, or where that was left."""
    done, total = row["done"], row["total"]
    if total:
        return Bar(str(min(done, total)), str(total))
    if total is None and row["state"] in (State.RUNNING, State.CANCELLING):
        return Bar(None, "1")
    return Bar("1" if row["state"] in (State.SUCCEEDED, State.PARTIAL) else "0", "1")


def notice(row: Row, now: float) -> str:
    """Return what is to be said of a run that does not get on; empty when there is nothing."""
    is_running = row["state"] == State.RUNNING
    if row["state"] == State.CANCELLING or (is_running and row["wish"]):
        seconds = now - (row["wished"] or now)
        if seconds <= UNANSWERED_AFTER_S:
            return ""
        text = _("not acknowledged for %(duration)s: the work does not ask")
        return text % {"duration": write(seconds, "duration")}
    if not is_running or row["progressed"] is None or now - row["progressed"] < STALLED_AFTER_S:
        return ""
    moment = datetime.datetime.fromtimestamp(row["progressed"], tz=datetime.UTC)
    clock = f"{moment.astimezone(timezone.get_current_timezone()):%H:%M}"
    return _("stalled since %(time)s") % {"time": clock}


def duration_s(row: Row, now: float) -> float | None:
    """Return how many seconds a run has taken, None before it begins."""
    if row["started"] is None:
        return None
    end: float = now if row["state"] in ACTIVE else (row["ended"] or now)
    return max(0.0, end - float(row["started"]))


def verbs(row: Row) -> frozenset[str]:
    """Return what can be asked of a run, whoever asks."""
    at = State(row["state"])
    if at in RETRIABLE:
        return frozenset({"retry"})
    if at == State.RUNNING:
        return frozenset({"resume" if row["wish"] else "pause", "cancel"})
    known = {
        State.QUEUED: frozenset({"cancel"}),
        State.PAUSED: frozenset({"resume", "cancel"}),
        State.PARTIAL: frozenset({"retry_failed"}),
    }
    return known.get(at, frozenset())


def refusal(verb: str, row: Row, now: float) -> str:
    """Return the sentence for somebody whose wish does not fit the state."""
    return str(_REFUSALS[verb]) % {"state": state(row, now)}

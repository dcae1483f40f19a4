"""What the templates show of a run: its card, and its line in a table."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from django.urls import reverse
from django.utils.functional import Promise

from tws_admin.models import ProgressTask
from tws_admin.page.figures import write
from tws_admin.progress import access
from tws_admin.progress.pages import words
from tws_admin.progress.rows import as_row
from tws_admin.progress.states import ACTIVE

__all__ = ["BLANK", "Button", "blank", "card", "line", "url"]

BLANK: Final = uuid.UUID(int=0)
"""Stands for the id of a run in the empty card, which scripts copy for a new one."""


class Button(NamedTuple):
    """Something that can be asked of a run.

    Attributes:
        verb: as it is sent.
        name: as it is written.
        is_shown: whether it fits the state.
    """

    verb: str
    name: str | Promise
    is_shown: bool


def line(row: Mapping[str, Any], now: float | None = None) -> dict[str, Any]:
    """Return the texts of a run, from its row."""
    moment = time.time() if now is None else now
    return {
        "row": row,
        "state": words.state(row, moment),
        "count": words.count(row),
        "errors": words.errors(row),
        "notice": words.notice(row, moment),
        "bar": words.bar(row),
        "is_active": row["state"] in ACTIVE,
        "rate": "" if row["rate"] is None or row["ended"] else write(row["rate"], "rate"),
        "eta": "" if row["eta_s"] is None else write(row["eta_s"], "duration"),
    }


def card(run: ProgressTask, user: Any, site: str) -> dict[str, Any]:
    """Return the card of a run; blocks.

    Args:
        run: with its user loaded.
        user: who looks at it.
        site: name of the admin site of the page.
    """
    return _card(as_row(run), access.may_change(user, run), site)


def blank(site: str) -> dict[str, Any]:
    """Return a card without a run, with all its buttons, for scripts to copy."""
    row = as_row(ProgressTask(pk=BLANK))
    return {**_card(row, True, site), "is_blank": True}


def _card(row: Mapping[str, Any], may_change: bool, site: str) -> dict[str, Any]:
    fitting = words.verbs(row) if may_change else frozenset[str]()
    return {
        **line(row),
        "may_change": may_change,
        "buttons": [Button(verb, name, verb in fitting) for verb, name in words.VERBS.items()],
        "url": url("change", row["id"], site),
        "control_url": url("control", row["id"], site),
        "state_url": url("state", row["id"], site),
    }


def url(page: str, pk: Any, site: str) -> str:
    """Return the path of a page of a run on an admin site, by the page's name."""
    return reverse(f"admin:tws_admin_progresstask_{page}", args=[pk], current_app=site)

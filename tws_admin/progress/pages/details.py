"""What the page of a run shows besides its card."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.apps import apps
from django.contrib.admin.sites import AdminSite
from django.contrib.admin.utils import quote
from django.http import HttpRequest, JsonResponse
from django.urls import NoReverseMatch, reverse
from django.utils.text import Truncator

from tws_admin.control.masking import MAX_DEPTH, Masker
from tws_admin.models import ProgressTask, TaskFile, TaskNote
from tws_admin.page.figures import write
from tws_admin.progress import access
from tws_admin.progress.pages import words
from tws_admin.progress.pages.cards import url
from tws_admin.progress.rows import HEAVY, as_row
from tws_admin.progress.states import State

__all__ = ["MAX_TEXT", "as_text", "details"]

MAX_TEXT: Final = 50_000
"""Characters of a result that are shown."""

MAX_LINES: Final = 1000
"""Lines of the log that are shown, the last ones."""


def details(site: AdminSite, request: HttpRequest, run: ProgressTask) -> dict[str, Any]:
    """Return what the page of a run shows; asks the database a fixed number of times.

    Args:
        site: whose page it is.
        request: of somebody who may see the run.
        run: whole, with its user.
    """
    notes = list(run.notes.select_related("by").order_by("-pk")[:MAX_LINES])[::-1]
    retries = run.retries.defer(*HEAVY)
    before = run.retry_of
    return {
        "errors": list(_errors(site, request, run)),
        "log": [note for note in notes if not note.state],
        "timeline": [_moment(note) for note in notes if note.state],
        "params": _params(run.params),
        "result": "" if run.result is None else as_text(run.result),
        "files": [_file(file, site) for file in run.files.defer("content")],
        "retry_of": _link(before, request, site) if before else None,
        "retries": [link for each in retries if (link := _link(each, request, site))],
        "duration": write(words.duration_s(as_row(run), time.time()), "duration"),
    }


def as_text(value: Any) -> str:
    """Return JSON as people read it, cut at `MAX_TEXT`."""
    layout = {"indent": 2, "ensure_ascii": False}
    text = JsonResponse(value, safe=False, json_dumps_params=layout).content.decode()
    return Truncator(text).chars(MAX_TEXT)


def _errors(site: AdminSite, request: HttpRequest, run: ProgressTask) -> Iterator[dict[str, Any]]:
    """Yield the errors that are kept, with the pages of their objects for who may see those."""
    page = _page_of_objects(site, request, run.model)
    for error in run.errors:
        known = {key: error.get(key, "") for key in ("pk", "text", "class", "message")}
        yield {**known, "name": known["class"], "url": _reverse(page, known["pk"], site)}


def _page_of_objects(site: AdminSite, request: HttpRequest, label: str) -> str | None:
    """Return the name of the page of a model's objects; None for who may not see it."""
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        return None
    if not site.is_registered(model):
        return None
    if not site.get_model_admin(model).has_view_or_change_permission(request):
        return None
    return f"admin:{model._meta.app_label}_{model._meta.model_name}_change"


def _reverse(page: str | None, pk: Any, site: AdminSite) -> str:
    if page is None or pk in (None, ""):
        return ""
    try:
        return reverse(page, args=[quote(str(pk))], current_app=site.name)
    except NoReverseMatch:
        return ""


def _params(params: Any) -> list[tuple[str, str]]:
    """Return what the form has asked for, by name, without secrets."""
    if not isinstance(params, Mapping):
        return []
    masked: Mapping[str, Any] = Masker().mask(params, MAX_DEPTH)
    return [(name, _value(value)) for name, value in masked.items()]


def _value(value: Any) -> str:
    """Return what a field was filled in with: forms have lists of texts."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return value if isinstance(value, str) else as_text(value)


def _moment(note: TaskNote) -> dict[str, Any]:
    name = ProgressTask.STATES[State(note.state)]
    return {"time": note.time, "state": note.state, "name": name, "by": note.by, "text": note.text}


def _file(file: TaskFile, site: AdminSite) -> dict[str, Any]:
    path = reverse(
        "admin:tws_admin_progresstask_file", args=[file.task_id, file.name], current_app=site.name
    )
    return {"name": file.name, "size": write(file.size, "bytes"), "url": path}


def _link(run: ProgressTask, request: HttpRequest, site: AdminSite) -> dict[str, Any] | None:
    """Return the link to another run; None for who may not see it."""
    if not access.may_view(request.user, run):
        return None
    return {"title": run.title, "created": run.created_at, "url": url("change", run.pk, site.name)}

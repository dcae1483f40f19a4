"""What is asked of runs over HTTP: control, state, files, the translations of the scripts.

`ProgressTaskAdmin` puts them behind the admin's login; here is checked whose run it is. Somebody
who may not see a run is answered as if there were none.
"""

from __future__ import annotations

import datetime
import mimetypes
import time
import uuid
from http import HTTPStatus
from typing import Any, Final

from django.contrib import messages
from django.contrib.admin.sites import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.i18n import JavaScriptCatalog

from tws_admin.models import ProgressTask
from tws_admin.progress import access, files
from tws_admin.progress.control import ask
from tws_admin.progress.pages import words
from tws_admin.progress.pages.cards import url
from tws_admin.progress.pages.frame import newest
from tws_admin.progress.rows import as_row
from tws_admin.progress.states import ACTIVE
from tws_admin.progress.transitions import Conflict

__all__ = ["SeeOther", "asked_next", "control", "file", "jsi18n", "state", "states", "visible"]

LISTED_FOR: Final = datetime.timedelta(hours=1)
"""How long what has ended stays among the runs that scripts know."""

MAX_ROWS: Final = 200

_catalog: Final = JavaScriptCatalog.as_view(packages=["tws_admin"])


class SeeOther(HttpResponseRedirect):
    """Where to go after a POST."""

    status_code = HTTPStatus.SEE_OTHER


def visible(user: Any, pk: uuid.UUID) -> ProgressTask:
    """Return a run that a user may see.

    Raises:
        Http404: there is none, for this user.
    """
    run = _found(pk)
    if not access.may_view(user, run):
        raise _missing()
    return run


def asked_next(request: HttpRequest, default: str) -> str:
    """Return where a form wants to go next, when that is on this site."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_here = url_has_allowed_host_and_scheme(
        wanted, {request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_here else default


@require_POST
def control(request: HttpRequest, pk: uuid.UUID, *, site: AdminSite) -> HttpResponseBase:
    """Do what is asked of a run by ``verb``.

    Answers with its row where JSON is accepted, and otherwise leads back to ``next``.
    """
    user: Any = request.user
    run = _found(pk)
    if not access.may_change(user, run):
        if not access.may_view(user, run):
            raise _missing()
        return _answer(site, request, run, HTTPStatus.FORBIDDEN, _("You may only watch this task."))
    verb = request.POST.get("verb", "")
    if verb not in words.VERBS:
        sentence = _("expected one of %(verbs)s as the verb, got %(got)s")
        given = {"verbs": ", ".join(words.VERBS), "got": repr(verb[:20])}
        return _answer(site, request, run, HTTPStatus.BAD_REQUEST, sentence % given)
    try:
        run = ask(run, verb, user)
    except Conflict as conflict:
        run = conflict.run
        error = words.refusal(verb, as_row(run), time.time())
        return _answer(site, request, run, HTTPStatus.CONFLICT, error)
    return _answer(site, request, run)


@require_safe
def state(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """Answer with the row of a run."""
    return JsonResponse({"task": as_row(visible(request.user, pk))})


@require_safe
def states(request: HttpRequest) -> HttpResponseBase:
    """Answer with the rows that the visitor's WebSocket sends first; ``?all=1``: everybody's."""
    found = newest(request.user)
    if request.GET.get("all") != "1":
        found = found.filter(user=request.user.pk)
    elif not access.may_view_all(request.user):
        raise PermissionDenied
    is_recent = Q(ended_at__gte=timezone.now() - LISTED_FOR)
    is_active = Q(state__in=[str(state) for state in ACTIVE])
    rows = [as_row(run) for run in found.filter(is_active | is_recent)[:MAX_ROWS]]
    return JsonResponse({"time": time.time(), "tasks": rows})


@require_safe
def file(request: HttpRequest, pk: uuid.UUID, name: str) -> HttpResponseBase:
    """Answer with a file that a run has left, to be saved: never as a page of this site."""
    run = visible(request.user, pk)
    # No name has one, and PostgreSQL takes none.
    found = None if "\0" in name else run.files.filter(name=name).first()
    if found is None:
        raise Http404(_("This task has no such file."))
    try:
        content = files.read(found)
    except FileNotFoundError:
        raise Http404(_("The storage does not have this file any more.")) from None
    guessed = mimetypes.guess_type(name)[0] or ""
    is_text = guessed.startswith("text/")
    response = FileResponse(
        content,
        as_attachment=True,
        filename=name,
        content_type="text/plain; charset=utf-8" if is_text else "application/octet-stream",
    )
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_safe
def jsi18n(request: HttpRequest) -> HttpResponseBase:
    """Answer with the translations of the scripts, for all staff."""
    return _catalog(request)


def _found(pk: uuid.UUID) -> ProgressTask:
    run = ProgressTask.objects.select_related("user").filter(pk=pk).first()
    if run is None:
        raise _missing()
    return run


def _missing() -> Http404:
    return Http404(_("There is no such task."))


def _answer(
    site: AdminSite,
    request: HttpRequest,
    run: ProgressTask,
    status: HTTPStatus = HTTPStatus.OK,
    error: str = "",
) -> HttpResponseBase:
    row = as_row(run)
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        return JsonResponse({"task": row, **({"error": error} if error else {})}, status=status)
    if status == HTTPStatus.FORBIDDEN:
        raise PermissionDenied(error)
    level = messages.ERROR if error else messages.INFO
    messages.add_message(request, level, error or f"{run.title}: {words.state(row, time.time())}")
    return SeeOther(asked_next(request, url("change", run.pk, site.name)))

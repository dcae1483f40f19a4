"""Pages of the admin, of this package or not, with what they need to show progress tasks.

On the changelist of a model that has actions of this kind stand the cards of its runs; on other
pages nothing is seen, but the end of somebody's own run is told there.
"""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import Iterable
from typing import Any, Final

from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.sites import AdminSite
from django.db import DatabaseError
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.template.backends.django import Template
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from tws_admin import conf
from tws_admin.models import ProgressTask
from tws_admin.progress import access, actions
from tws_admin.progress.pages import cards
from tws_admin.progress.rows import HEAVY, as_row
from tws_admin.progress.states import ACTIVE

__all__ = ["MAX_CARDS", "SOCKET", "SOCKET_OF_ALL", "frame", "newest", "parts"]

logger = logging.getLogger("tws_admin")

TEMPLATE: Final = "tws_admin/tasks/frame.html"
SOCKET: Final = "/tornado_websockets/tasks"
SOCKET_OF_ALL: Final = f"{SOCKET}/all"

MAX_CARDS: Final = 5
"""Cards above the results; the list has the others."""

CARD_FOR: Final = datetime.timedelta(minutes=10)
"""How long the card of somebody's own run stays when that has ended."""

TOLD_FOR: Final = datetime.timedelta(minutes=1)
"""How long ago a run may have ended of which other pages tell."""


def frame(site: AdminSite, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Return the answer of an admin page, with the template around its own that shows tasks.

    Whatever is no page, or has nothing to show, is left as it is.
    """
    if not isinstance(response, TemplateResponse) or not _is_framed(site, request, response):
        return response
    context = response.context_data or {}
    try:
        template = response.resolve_template(response.template_name)
        found = _content(site, request, context)
    except (TemplateDoesNotExist, TemplateSyntaxError):
        # Told where it is rendered, as ever.
        return response
    except DatabaseError:
        logger.exception("the runs were not read: a page of the admin does without them")
        return response
    if found is not None and isinstance(template, Template):
        response.template_name = TEMPLATE
        response.context_data = {**context, "tws_frame": template, "tws_tasks": found}
    return response


def newest(user: Any) -> QuerySet[ProgressTask]:
    """Return the runs that a user may see, the newest first, without what rows do not have."""
    found = ProgressTask.objects.select_related("user").defer(*HEAVY).order_by("-created_at")
    if access.may_view_all(user):
        return found
    return found.filter(user=user.pk) if access.attends(user) else found.none()


def parts(
    site: AdminSite,
    request: HttpRequest,
    page: str,
    runs: Iterable[ProgressTask],
    *,
    follows_all: bool = False,
    **more: Any,
) -> dict[str, Any]:
    """Return what the templates of a page show of progress tasks, as ``tws_tasks``.

    Args:
        site: whose page it is.
        request: of the page.
        page: its kind: changelist, task, list or other.
        runs: what its scripts know at first.
        follows_all: whether it follows everybody's runs, for whoever may.
        more: of the page alone.
    """
    is_all = follows_all and access.may_view_all(request.user)
    here = request.get_full_path()
    return {
        "page": page,
        "here": here,
        "socket": SOCKET_OF_ALL if is_all else SOCKET,
        "states_url": _url(site, "states") + ("?all=1" if is_all else ""),
        "jsi18n_url": _url(site, "jsi18n"),
        "list_url": _url(site, "changelist"),
        "login_url": _login_url(site, here),
        "site": site.name,
        "user": str(request.user.pk),
        "may": "change" if request.user.has_perm(access.CHANGE) else "",
        "toasts": "yes" if conf.get().toasts else "no",
        "rows": {"time": time.time(), "tasks": [as_row(run) for run in runs]},
        **more,
    }


def _is_framed(site: AdminSite, request: HttpRequest, response: TemplateResponse) -> bool:
    """Return whether an answer is a page that progress tasks may be shown on."""
    context = response.context_data or {}
    return (
        actions.any_registered()
        and not response.is_rendered
        and response.headers.get("Content-Type", "").startswith("text/html")
        and "tws_tasks" not in context
        and IS_POPUP_VAR not in request.GET
        and not context.get("is_popup")
        and access.attends(request.user)
        and site.is_registered(ProgressTask)
    )


def _content(
    site: AdminSite, request: HttpRequest, context: dict[str, Any]
) -> dict[str, Any] | None:
    changelist: Any = context.get("cl")
    model_admin = getattr(changelist, "model_admin", None)
    if model_admin is None:
        return _other(site, request)
    if model_admin.model is ProgressTask:
        is_active = any(run.is_active for run in changelist.result_list)
        return parts(site, request, "list", [], follows_all=True, refresh=is_active)
    if actions.of(model_admin):
        return _changelist(site, request, model_admin.opts.label)
    return _other(site, request)


def _changelist(site: AdminSite, request: HttpRequest, model: str) -> dict[str, Any]:
    recent = Q(user=request.user.pk, ended_at__gte=timezone.now() - CARD_FOR)
    found = newest(request.user).filter(Q(state__in=_ACTIVE) | recent, site=site.name, model=model)
    runs = list(found[:MAX_CARDS])
    return parts(
        site,
        request,
        "changelist",
        runs,
        follows_all=True,
        model=model,
        has_root=True,
        refresh=any(run.is_active for run in runs),
        cards=[cards.card(run, request.user, site.name) for run in runs],
        blank=cards.blank(site.name),
    )


def _other(site: AdminSite, request: HttpRequest) -> dict[str, Any] | None:
    if not conf.get().toasts:
        return None
    own = ProgressTask.objects.filter(user=request.user.pk)
    is_recent = Q(ended_at__gte=timezone.now() - TOLD_FOR)
    found = own.filter(Q(state__in=_ACTIVE) | is_recent).select_related("user").defer(*HEAVY)
    runs = list(found.order_by("-created_at")[:MAX_CARDS])
    return parts(site, request, "other", runs) if runs else None


def _url(site: AdminSite, page: str) -> str:
    return reverse(f"admin:tws_admin_progresstask_{page}", current_app=site.name)


def _login_url(site: AdminSite, here: str) -> str:
    return f"{reverse('admin:login', current_app=site.name)}?{urlencode({'next': here})}"


_ACTIVE: Final = [str(state) for state in ACTIVE]

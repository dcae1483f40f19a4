"""What the page loads over HTTP: a snapshot where WebSockets are blocked, and translations.

`DashboardAdmin` puts them behind the admin's login; here the permission is checked.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django.views.i18n import JavaScriptCatalog

from tws_admin.monitor import monitor
from tws_admin.page.context import RANGES
from tws_admin.permissions import may_watch

__all__ = ["jsi18n", "snapshot"]

View = Callable[[HttpRequest], HttpResponseBase]

_catalog: Final = JavaScriptCatalog.as_view(packages=["tws_admin"])


def for_viewers(view: View) -> View:
    """Refuse with 403 whoever may not see the monitor."""

    @functools.wraps(view)
    def inner(request: HttpRequest) -> HttpResponseBase:
        if not may_watch(request.user):
            raise PermissionDenied
        return view(request)

    return inner


@require_safe
@for_viewers
def snapshot(request: HttpRequest) -> HttpResponseBase:
    """Answer with ``{"data": …}``, what the feed's event ``snapshot`` has.

    Of the query, ``range`` is that of the history, and ``node`` the only node that is meant.
    """
    chosen = request.GET.get("range", next(iter(RANGES)))
    if chosen not in RANGES:
        message = _("expected one of %(ranges)s as the range, got %(got)s")
        words = {"ranges": ", ".join(RANGES), "got": repr(chosen[:20])}
        return JsonResponse({"error": message % words}, status=400)
    node = request.GET.get("node") or None
    return JsonResponse({"data": monitor.snapshot(range=chosen, user=request.user, node=node)})


@require_safe
@for_viewers
def jsi18n(request: HttpRequest) -> HttpResponseBase:
    """Answer with the translations of the page's scripts."""
    return _catalog(request)

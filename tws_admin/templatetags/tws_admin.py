"""What the page asks for in its templates, as the admin's own view gives it nothing."""

from __future__ import annotations

import re
from typing import Any, Final

from django import template
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tws_admin.control.connections import newest_connections
from tws_admin.monitor import monitor
from tws_admin.page.context import RANGES, page, words
from tws_admin.permissions import may_watch

__all__ = ["register"]

register = template.Library()

NODE_ID: Final = re.compile("[0-9a-f]{16}")

PATIENCE_S: Final = 0.3
"""Seconds that the page waits for other nodes before it shows this one alone."""


@register.simple_tag(takes_context=True)
def tws_dashboard(context: Context) -> dict[str, Any]:
    """Return what the page shows, read now.

    Raises:
        PermissionDenied: the visitor may not see it, whoever renders this template.
    """
    # The attribute is there without the context processor as well.
    request: HttpRequest = getattr(context, "request", None) or context["request"]
    if not may_watch(request.user):
        raise PermissionDenied
    chosen = request.GET.get("range")
    chosen = chosen if chosen in RANGES else next(iter(RANGES))
    node = request.GET.get("node")
    node = node if node and NODE_ID.fullmatch(node) else None
    snapshot = monitor.snapshot(range=chosen, user=request.user, node=node, within_s=PATIENCE_S)
    shown = snapshot["node"]
    newest = newest_connections(shown, within_s=PATIENCE_S)
    return {
        "here": request.get_full_path(),
        "snapshot": snapshot,
        "range": chosen,
        "ranges": RANGES,
        "is_running": monitor.is_running,
        "words": words(),
        "node": shown,
        "asked": node,
        "is_sum": shown is None and len(snapshot["nodes"]) > 1,
        # The others have not answered in time, or there is nobody to ask.
        "is_alone": shown not in (None, node),
        "connection_count": newest["count"],
        **page(snapshot, newest["rows"]),
    }


@register.simple_tag(takes_context=True)
def tws_nonce(context: Context) -> SafeString | str:
    """Return the attribute ``nonce`` for a script or style sheet, where Django's CSP has one.

    Django 6.1 has such a tag, 6.0 the nonce alone, 5.2 neither.
    """
    # Not for its truth: Django's nonce is false until it is used.
    nonce = context.get("csp_nonce")
    return "" if nonce is None else format_html('nonce="{}"', nonce)

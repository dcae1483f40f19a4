"""Who is connected: one page of them, one of them, and how many an event would reach.

Nothing here runs on the event loop: what has to look at each of 50 000 connections does so in a
thread, see `tws_admin.control.rows`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from django.utils.translation import gettext as _

from tornado_websockets import gate
from tornado_websockets.layers import audience
from tornado_websockets.websocket import WebSocket, registry
from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin.control.requests import (
    MAX_LENGTH,
    Refusal,
    authorise,
    one_of,
    reference,
    refusing,
    text,
    watched_path,
)
from tws_admin.control.rows import COLUMNS, page_of, row

__all__ = ["attach", "find", "sockets_of"]

MAX_PAGE: Final = 1_000_000


def attach(websocket: WebSocket) -> None:
    """Answer these queries on the WebSocket of the monitor."""
    for callback in (connections, connection, recipients):
        websocket.on(callback)


# The callbacks, in a thread each.


def connections(socket: WebSocketHandler, data: Mapping[str, Any]) -> None:
    """Answer with a page of the connections."""
    with refusing(socket, data):
        answer: dict[str, Any] = {"id": reference(data)}
        found = page_of(
            sockets_of(text(data, "path")),
            search=_search(data),
            sort=_sort(data),
            number=_page(data),
        )
        answer |= {"count": found.total, "page": found.number, "pages": found.pages}
        socket.emit("connections", {**answer, "rows": [row(each) for each in found.sockets]})


def connection(socket: WebSocketHandler, data: Mapping[str, Any]) -> None:
    """Answer with all that is shown of one connection."""
    with refusing(socket, data):
        answer = {"id": reference(data)}
        one_of(data, "connection")
        found = find(text(data, "connection"))
        headers = found.request.headers
        more = {
            "agent": headers.get("User-Agent", "")[:MAX_LENGTH],
            "origin": headers.get("Origin", "")[:MAX_LENGTH],
            "subprotocol": (found.wire.selected_subprotocol or "")[:MAX_LENGTH],
            "secure": gate.scheme(found.request) == "https",
        }
        socket.emit("connection", {**answer, "connection": {**row(found), **more}})


def recipients(socket: WebSocketHandler, data: Mapping[str, Any]) -> None:
    """Answer how many connections `tws_admin.control.actions.send` would reach."""
    with refusing(socket, data):
        answer = {"id": reference(data)}
        authorise(socket, "send")
        if one_of(data, "connection", "path") == "connection":
            find(text(data, "connection"))
            count = 1
        else:
            count = len(watched_path(text(data, "path") or ""))
        socket.emit("recipients", {**answer, "count": count})


# What is known of connections; for any thread.


def sockets_of(path: str | None) -> Sequence[WebSocketHandler]:
    """Return the connections of a path that the monitor shows, None is all such paths.

    Raises:
        Refusal: there is no such path.
    """
    if path is not None:
        return watched_path(path).handlers
    watched = [each for each in list(registry.values()) if each.monitored]
    return [socket for websocket in watched for socket in websocket.handlers]


def find(identity: str | None) -> WebSocketHandler:
    """Return the connection of an id.

    Raises:
        Refusal: it has gone, or watches others.
    """
    found = cast("Sequence[WebSocketHandler]", audience.connections(None))
    for socket in found:
        if socket.id == identity and socket.websocket.monitored:
            return socket
    raise Refusal("not_found", _("There is no connection %(id)s any more.") % {"id": identity})


# Private.


def _search(data: Mapping[str, Any]) -> str:
    value = data.get("search") or ""
    if not isinstance(value, str) or len(value) > MAX_LENGTH:
        expected = _("a text of at most %(limit)d characters") % {"limit": MAX_LENGTH}
        raise Refusal.of_field("search", expected, value)
    return value.strip()


def _sort(data: Mapping[str, Any]) -> str:
    value = data.get("sort") or ""
    if isinstance(value, str) and (not value or value.removeprefix("-") in COLUMNS):
        return value
    expected = _("one of %(columns)s, with - before it for descending") % {
        "columns": ", ".join(COLUMNS)
    }
    raise Refusal.of_field("sort", expected, value)


def _page(data: Mapping[str, Any]) -> int:
    value = data.get("page", 1)
    if type(value) is int and 1 <= value <= MAX_PAGE:
        return value
    expected = _("a whole number from 1 to %(limit)d") % {"limit": MAX_PAGE}
    raise Refusal.of_field("page", expected, value)

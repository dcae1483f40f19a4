"""Who is connected: one page of them, one of them, and how many an event would reach.

What has to look at each of 50 000 connections does so in a thread, see `tws_admin.control.rows`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from contextvars import copy_context
from typing import Any, Final

from django.utils.translation import gettext as _

from tornado_websockets import gate
from tornado_websockets.layers import layer
from tornado_websockets.runtime import runtime
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin.asking import ask_loop
from tws_admin.control.answers import answers, attend, gather, node_of
from tws_admin.control.requests import MAX_LENGTH, Refusal, authorise, reference, refusing, text
from tws_admin.control.rows import COLUMNS, MOST_TOGETHER, PAGE, is_row, merged, page_of, row
from tws_admin.control.targets import COUNTED, TARGET, find, sockets_of, target_of
from tws_admin.feed.nodes import name_of
from tws_admin.values import Holds, is_count, is_list

__all__ = ["attach", "newest_connections"]

LIST: Final = "tws_admin.connections"
ONE: Final = "tws_admin.connection"

LISTED: Final[Mapping[str, Holds]] = {
    **dict.fromkeys(("count", "page", "pages"), is_count),
    "rows": lambda rows: is_list(rows) and all(map(is_row, rows)),
}
"""What a node answers to the former."""

MAX_PAGE: Final = 1_000_000


def attach(websocket: WebSocket) -> None:
    """Answer these queries on the WebSocket of the monitor."""
    for callback in (connections, connection, recipients):
        websocket.on(callback)
    attend()


# The callbacks.


async def connections(socket: WebSocketHandler, data: Mapping[str, Any]) -> None:
    """Answer with a page of the connections of all nodes, or of one."""
    with refusing(socket, data):
        answer = {"id": reference(data)}
        node, number, sort = node_of(data), _page(data), _sort(data)
        is_together = layer().is_shared and node is None
        question = {
            "path": text(data, "path"),
            "search": _search(data),
            "sort": sort,
            "page": number,
            "from_start": is_together,
        }
        found = await gather(LIST, question, node, shape=LISTED)
        parts = list(found.answers.values())
        if is_together:
            page = merged([part["rows"] for part in parts], found.sum("count"), sort, number)
        else:
            page = {name: parts[0][name] for name in ("count", "page", "pages", "rows")}
        socket.emit("connections", {**answer, **page, **found.told})


async def connection(socket: WebSocketHandler, data: Mapping[str, Any]) -> None:
    """Answer with all that is shown of one connection, on whatever node it is."""
    with refusing(socket, data):
        answer = {"id": reference(data)}
        found = await gather(ONE, target_of(data, "connection"), shape={"connection": is_row})
        [(node, told)] = list(found.answers.items())[:1]
        names = {each.node.id: name_of(each) for each in layer().nodes()}
        where = {"node": names.get(node, node)} if layer().is_shared else {}
        socket.emit(
            "connection", {**answer, "connection": {**told["connection"], **where}, **found.told}
        )


async def recipients(socket: WebSocketHandler, data: Mapping[str, Any]) -> None:
    """Answer how many connections `tws_admin.control.actions.send` would reach."""
    with refusing(socket, data):
        answer = {"id": reference(data)}
        await runtime.in_thread(authorise, socket, "send", context=copy_context())
        target = target_of(data, "connection", "path")
        found = await gather(TARGET, target, node_of(data), shape=COUNTED)
        socket.emit("recipients", {**answer, "count": found.sum("count"), **found.told})


def newest_connections(node: str | None, *, within_s: float) -> dict[str, Any]:
    """Return the first page of the connections, the newest first; blocks, from any thread.

    Missing is what those have who take too long.

    Args:
        node: the id of the only one that is meant; None is all.
        within_s: how long other nodes may take.
    """
    question = {"path": None, "search": "", "sort": "-connected_at", "page": 1, "from_start": False}
    is_elsewhere = layer().is_shared and node != layer().node.id
    found: dict[str, Any] | None = None
    if is_elsewhere and runtime.is_running and not runtime.is_here:
        with contextlib.suppress(Refusal):
            found = ask_loop(_page_of_nodes, question, node, within_s)
    return found or dict(listed(question))


# Of this node alone, in a thread each.


@answers(LIST)
def listed(question: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of connections; or all pages up to it, for whoever merges several nodes'."""
    number, sort, search = _page(question), _sort(question), _search(question)
    sockets = sockets_of(text(question, "path"))
    if question.get("from_start"):
        size = min(number * PAGE, MOST_TOGETHER)
        found = page_of(sockets, search=search, sort=sort, size=size)
    else:
        found = page_of(sockets, search=search, sort=sort, number=number)
    return {
        "count": found.total,
        "page": found.number,
        "pages": found.pages,
        "rows": [row(each) for each in found.sockets],
    }


@answers(ONE)
def shown(question: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that is shown of one connection."""
    found = find(text(question, "connection"))
    headers = found.request.headers
    more = {
        "agent": headers.get("User-Agent", "")[:MAX_LENGTH],
        "origin": headers.get("Origin", "")[:MAX_LENGTH],
        "subprotocol": (found.wire.selected_subprotocol or "")[:MAX_LENGTH],
        "secure": gate.scheme(found.request) == "https",
    }
    return {"connection": {**row(found), **more}}


# Private.


async def _page_of_nodes(
    question: Mapping[str, Any], node: str | None, within_s: float
) -> dict[str, Any]:
    found = await gather(LIST, question, node, shape=LISTED, within_s=within_s)
    parts = [answer["rows"] for answer in found.answers.values()]
    return merged(parts, found.sum("count"), question["sort"], 1)


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

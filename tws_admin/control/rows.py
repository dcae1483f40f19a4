"""The rows of a list of connections: which of them a page has, and what is shown of each.

Pure. What has to look at each of 50 000 connections gives way to other threads all the while, and
rows are made of those alone that are shown.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tws_admin.values import Holds, is_count, is_text, is_text_or_none, is_time

if TYPE_CHECKING:
    from tornado_websockets.websockethandler import WebSocketHandler

__all__ = ["COLUMNS", "MOST_TOGETHER", "PAGE", "Page", "is_row", "merged", "page_of", "row"]
__all__ += ["user_id", "username"]

PAGE: Final = 50
"""Rows of a page."""

MOST_TOGETHER: Final = 1000
"""Rows that can be paged through, those of several nodes being merged."""

MAX_LENGTH: Final = 200
"""Characters of a name that are shown."""

SHARE: Final = 1000
"""Connections that are sorted at once; then the event loop has its turn."""

COLUMNS: Final[Mapping[str, Callable[[WebSocketHandler], Any]]] = {
    "id": lambda socket: socket.id,
    "path": lambda socket: socket.websocket.path,
    "user": lambda socket: username(socket),
    "user_id": lambda socket: user_id(socket),
    "ip": lambda socket: socket.ip,
    "connected_at": lambda socket: socket.connected_at.timestamp(),
    "unsent_bytes": lambda socket: socket.unsent_bytes,
}
"""What a row has, each computed from a connection."""

VALUES: Final[Mapping[str, Holds]] = {
    "id": is_text,
    "path": is_text,
    "user": is_text_or_none,
    "user_id": is_text_or_none,
    "ip": is_text_or_none,
    "connected_at": is_time,
    "unsent_bytes": is_count,
}
"""What these may be in the row of another node."""


class Page(NamedTuple):
    """Some of the connections that were found.

    Attributes:
        total: how many were found.
        number: of the page, from 1; the last one when there are not so many.
        pages: how many there are, 1 at least.
        sockets: those of the page.
    """

    total: int
    number: int
    pages: int
    sockets: Sequence[WebSocketHandler]


def page_of(
    sockets: Sequence[WebSocketHandler],
    *,
    search: str = "",
    sort: str = "",
    number: int = 1,
    size: int = PAGE,
) -> Page:
    """Return one page of connections.

    Args:
        sockets: all of them.
        search: those that have this in their user, address, path or id, in any case.
        sort: one of `COLUMNS`, with ``-`` before it for descending; empty for the order given.
        number: of the page, from 1.
        size: rows of a page.
    """
    if search:
        wanted = search.casefold()
        sockets = [socket for socket in sockets if _matches(socket, wanted)]
    total = len(sockets)
    pages = max(1, -(-total // size))
    number = min(number, pages)
    start = (number - 1) * size
    if sort:
        part = _sorted_part(sockets, sort, start, min(start + size, total))
    else:
        part = sockets[start : start + size]
    return Page(total, number, pages, part)


def merged(
    parts: Iterable[Sequence[Mapping[str, Any]]], total: int, sort: str, number: int
) -> dict[str, Any]:
    """Return one page of the connections of several nodes, as the feed has it.

    Args:
        parts: the first rows of each, as many as all pages up to this one have.
        total: how many connections were found.
        sort: see `page_of`.
        number: of the page, from 1; there are no more pages than `MOST_TOGETHER` fills.
    """
    pages = max(1, -(-min(total, MOST_TOGETHER) // PAGE))
    number = min(number, pages)
    rows = [row for part in parts for row in part]
    if sort:
        name = sort.removeprefix("-")
        rows.sort(key=lambda row: _key_of(row, name), reverse=sort.startswith("-"))
    start = (number - 1) * PAGE
    return {"count": total, "page": number, "pages": pages, "rows": rows[start : start + PAGE]}


def row(socket: WebSocketHandler) -> dict[str, Any]:
    """Return what is shown of a connection."""
    values = {name: column(socket) for name, column in COLUMNS.items()}
    # As a text: JavaScript would round a large number.
    known = values["user_id"]
    return {**values, "user_id": None if known is None else str(known)}


def is_row(value: Any) -> bool:
    """Return whether this is the row of a connection, whatever another node has sent."""
    return isinstance(value, dict) and all(holds(value.get(name)) for name, holds in VALUES.items())


def username(socket: WebSocketHandler) -> str | None:
    """Return the name of a user who is known already; nobody is looked up for a list."""
    user = socket.known_user
    return None if user is None else user.get_username()[:MAX_LENGTH] or None


def user_id(socket: WebSocketHandler) -> Any:
    """Return the primary key of a user who is known already."""
    return None if socket.known_user is None else socket.known_user.pk


# Private.


def _key_of(row: Mapping[str, Any], name: str) -> tuple[Any, ...]:
    """Return what a row of another node is sorted by, whatever that node has sent."""
    value, identity = row.get(name), str(row.get("id"))
    if value is None:
        return True, False, 0, "", identity
    if isinstance(value, int | float):
        return False, False, value, "", identity
    # Of numbers as texts, which primary keys are, those with fewer digits come first.
    return False, True, len(str(value)) if name == "user_id" else 0, str(value).casefold(), identity


def _sorted_part(
    sockets: Sequence[WebSocketHandler], sort: str, start: int, end: int
) -> Sequence[WebSocketHandler]:
    """Return a slice of what these would be when sorted.

    Sorting all of them at once would keep the interpreter, and with it the event loop, for a tenth
    of a second: they are sorted share by share, and merged as far as is asked for.
    """
    column = COLUMNS[sort.removeprefix("-")]

    def key(socket: WebSocketHandler) -> tuple[bool, Any, str]:
        value = column(socket)
        if isinstance(value, str):
            value = value.casefold()
        return value is None, value, socket.id

    descending = sort.startswith("-")
    first = heapq.nlargest if descending else heapq.nsmallest
    shares = (sockets[begin : begin + SHARE] for begin in range(0, len(sockets), SHARE))
    parts = [first(end, share, key) for share in shares]
    return list(itertools.islice(heapq.merge(*parts, key=key, reverse=descending), start, end))


def _matches(socket: WebSocketHandler, wanted: str) -> bool:
    return (
        wanted in socket.id
        or wanted in socket.ip
        or wanted in socket.websocket.path.casefold()
        or wanted in (username(socket) or "").casefold()
    )

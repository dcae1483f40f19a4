"""What a viewer asks of the feed: its fields, whether it may ask, and why it is refused."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from tornado_websockets.auth import accounts
from tornado_websockets.websocket import WebSocket, registry
from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin import conf
from tws_admin.permissions import ABILITIES, CHANGING, may_watch

__all__ = [
    "MAX_LENGTH",
    "Refusal",
    "authorise",
    "no_such_node",
    "one_of",
    "reference",
    "refusing",
    "text",
    "watched_path",
]

MAX_LENGTH: Final = 200
"""Characters of a field, and of what is shown of what a client has chosen."""

MAX_SHOWN: Final = 100
"""Characters of a wrong value that its refusal repeats."""


class Refusal(Exception):
    """Why something asked for is not done.

    Args:
        code: ``forbidden``, ``read_only``, ``not_found`` or ``invalid``.
        message: the sentence for whoever has asked.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    @classmethod
    def of_field(cls, name: str, expected: str, value: Any) -> Refusal:
        """Return the refusal of a field that is something else than expected."""
        shown = repr(value)
        if len(shown) > MAX_SHOWN:
            shown = shown[:MAX_SHOWN] + "…"
        sentence = _("%(field)s must be %(expected)s, got %(value)s.")
        return cls("invalid", sentence % {"field": name, "expected": expected, "value": shown})


@contextlib.contextmanager
def refusing(socket: WebSocketHandler, data: Mapping[str, Any]) -> Iterator[None]:
    """Answer a `Refusal` with ``refused``."""
    try:
        yield
    except Refusal as refusal:
        given = data.get("id")
        answer = {
            "id": given if _is_reference(given) else None,
            "code": refusal.code,
            "message": refusal.message,
        }
        socket.emit("refused", answer)


def reference(data: Mapping[str, Any]) -> str | int | None:
    """Return the reader's ``id`` of what it asks, which the answer repeats.

    Raises:
        Refusal: it is neither a number nor a short text.
    """
    given: str | int | None = data.get("id")
    if _is_reference(given):
        return given
    raise Refusal.of_field("id", _("a number or a short text"), given)


def authorise(socket: WebSocketHandler, ability: str) -> Any:
    """Return the user behind a connection as the database has it now; blocks.

    Args:
        socket: of a viewer.
        ability: one of `ABILITIES`.

    Raises:
        Refusal: the session has ended, the user may not watch any more or has not got the
            permission, or the monitor is read-only.
    """
    if ability in CHANGING and conf.get().read_only:
        raise Refusal("read_only", _("This monitor is read-only: it only shows."))
    user = accounts.load(socket.session_key)
    permission = ABILITIES[ability]
    is_same = user.is_authenticated and user.pk == socket.known_user.pk
    if not (is_same and may_watch(user) and user.has_perm(permission)):
        sentence = _("You need the permission %(permission)s for this.")
        raise Refusal("forbidden", sentence % {"permission": permission})
    return user


def text(data: Mapping[str, Any], name: str, *, limit: int = MAX_LENGTH) -> str | None:
    """Return a field that is a text with something in it, None when there is none.

    Raises:
        Refusal: it is something else, or longer than limit (in characters).
    """
    value = data.get(name)
    if value is None or (isinstance(value, str) and 0 < len(value) <= limit):
        return value
    raise Refusal.of_field(name, _at_most(limit), value)


def one_of(data: Mapping[str, Any], *names: str) -> str:
    """Return which of some fields there is.

    Raises:
        Refusal: there is none, or more than one.
    """
    given = [name for name in names if data.get(name) is not None]
    if len(given) == 1:
        return given[0]
    sentence = _("Exactly one of %(names)s must be there, got %(given)s.")
    got = ", ".join(given) or _("none")
    raise Refusal("invalid", sentence % {"names": ", ".join(names), "given": got})


def watched_path(path: str) -> WebSocket:
    """Return the WebSocket of a path that the monitor shows.

    Raises:
        Refusal: there is no such path, or it is one that watches others.
    """
    websocket = registry.get(path)
    if websocket is None:
        raise Refusal("not_found", _("There is no path %(path)s.") % {"path": path})
    if not websocket.monitored:
        sentence = _("The path %(path)s watches others and is not watched itself.")
        raise Refusal("invalid", sentence % {"path": path})
    return websocket


def no_such_node(node: str) -> Refusal:
    """Return the refusal of what is about a node that is not there."""
    return Refusal("not_found", _("There is no node %(node)s any more.") % {"node": node})


def _is_reference(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_LENGTH
    return value is None or type(value) is int


def _at_most(limit: int) -> str:
    return _("a text of 1 to %(limit)d characters") % {"limit": limit}

"""Whom something is done to: a connection, all of a user, or all of a path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from django.utils.translation import gettext as _

from tornado_websockets.layers import audience
from tornado_websockets.websocket import registry
from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin.control.answers import answers
from tws_admin.control.requests import MAX_LENGTH, Refusal, one_of, text, watched_path
from tws_admin.control.rows import user_id, username
from tws_admin.values import Holds, is_count, is_text_or_none

__all__ = ["COUNTED", "TARGET", "find", "sockets_of", "target_of", "targets", "whom"]

TARGET: Final = "tws_admin.target"
"""How many are meant, and who that is; see `counted`."""

COUNTED: Final[Mapping[str, Holds]] = {
    "count": is_count,
    "who": is_text_or_none,
    "path": is_text_or_none,
}
"""What the answer has."""

KINDS: Final = ("connection", "user", "path")


def target_of(data: Mapping[str, Any], *kinds: str) -> dict[str, Any]:
    """Return the field that says who is meant.

    Args:
        data: what is asked.
        kinds: the fields of which there is to be one.

    Raises:
        Refusal: there is none, or more than one, or it is something else.
    """
    kind = one_of(data, *kinds)
    if kind != "user":
        return {kind: text(data, kind)}
    pk = data["user"]
    if isinstance(pk, bool) or not isinstance(pk, str | int) or len(str(pk)) > MAX_LENGTH:
        raise Refusal.of_field("user", _("the primary key of a user"), pk)
    return {"user": pk}


def whom(target: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    """Return in words who is meant.

    Args:
        target: of `target_of`.
        told: of `counted`.
    """
    if "path" in target:
        return _("path %(path)s") % {"path": target["path"]}
    if "user" in target:
        return _("user %(name)s (%(pk)s)") % {"name": told["who"], "pk": target["user"]}
    return _("connection %(id)s of %(who)s on %(path)s") % {
        "id": target["connection"],
        "who": told["who"],
        "path": told["path"],
    }


# Of this node alone, in any thread.


@answers(TARGET)
def counted(target: Mapping[str, Any]) -> dict[str, Any]:
    """Return how many connections are meant, and of one or of a user whose they are."""
    found = targets(target)
    first = found[0] if found and "path" not in target else None
    return {
        "count": len(found),
        "who": None if first is None else username(first) or first.ip,
        "path": None if first is None or "user" in target else first.websocket.path,
    }


def targets(target: Mapping[str, Any]) -> Sequence[WebSocketHandler]:
    """Return the connections that are meant.

    Raises:
        Refusal: there is no such path, connection, or user that is known.
    """
    checked = target_of(target, *KINDS)
    if "path" in checked:
        return sockets_of(checked["path"])
    if "connection" in checked:
        return [find(checked["connection"])]
    pk = checked["user"]
    found = [socket for socket in sockets_of(None) if _is_of(socket, str(pk))]
    if not found:
        raise Refusal("not_found", _("No connection is known to be of user %(pk)s.") % {"pk": pk})
    return found


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


def _is_of(socket: WebSocketHandler, pk: str) -> bool:
    known = user_id(socket)
    return known is not None and str(known) == pk

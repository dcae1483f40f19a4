"""What an operator does to others: closing connections and sending events.

Each call asks the database for the permission, and is written to Django's log of admin actions
before it is done: what cannot be written is not done.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tornado_websockets.layers import audience
from tornado_websockets.runtime import runtime
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin.control.connections import find, sockets_of
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
from tws_admin.control.rows import user_id, username

__all__ = ["DISCONNECTED", "Log", "attach"]

DISCONNECTED: Final = 4500
"""Close code that tells a client not to come back."""

REASON: Final = "disconnected by an administrator"
"""What a client is told when the operator gives no reason."""

MAX_REASON: Final = 120
"""Characters of a reason; a close frame has room for 123 bytes, RFC 6455 section 5.5."""

RESERVED: Final = frozenset({"open", "close", "warning"})
"""Events that clients know to be the server's own."""

SHARE: Final = 100
"""Connections that are closed at once; then messages have their turn."""

TURN_TIMEOUT_S: Final = 1.0
"""Seconds that the next share waits for an event loop that is late, or ends."""

Log = Callable[..., None]
"""Adds to the log that viewers see: kind, path, and what more there is to tell."""


class Target(NamedTuple):
    """Whom something is done to.

    Attributes:
        whom: what the log of admin actions calls it.
        path: None when there may be several.
        is_path: whether it is everybody on the path.
        sockets: its connections.
    """

    whom: str
    path: str | None
    is_path: bool
    sockets: Sequence[WebSocketHandler]


def attach(websocket: WebSocket, log: Log) -> None:
    """Do these things when they are asked for on the WebSocket of the monitor.

    Args:
        websocket: that of the monitor.
        log: is told of each.
    """

    def disconnect(socket: WebSocketHandler, data: Mapping[str, Any]) -> None:
        with refusing(socket, data):
            answer = {"id": reference(data)}
            socket.emit("done", {**answer, "count": _disconnect(socket, data, log)})

    def send(socket: WebSocketHandler, data: Mapping[str, Any]) -> None:
        with refusing(socket, data):
            answer = {"id": reference(data)}
            socket.emit("done", {**answer, "count": _send(socket, data, log)})

    websocket.on(disconnect)
    websocket.on(send)


# In a thread each.


def _disconnect(socket: WebSocketHandler, data: Mapping[str, Any], log: Log) -> int:
    operator = authorise(socket, "disconnect")
    reason = text(data, "reason", limit=MAX_REASON) or REASON
    target = _target(data, one_of(data, "connection", "user", "path"))
    count = len(target.sockets)
    sentence = ngettext(
        "Disconnected %(count)d connection (%(whom)s): %(reason)s",
        "Disconnected %(count)d connections (%(whom)s): %(reason)s",
        count,
    )
    _write(operator, target, sentence, count=count, reason=reason)
    log("action", target.path, by=operator.get_username(), what="disconnect", count=count)
    _close(target.sockets, reason)
    return count


def _send(socket: WebSocketHandler, data: Mapping[str, Any], log: Log) -> int:
    operator = authorise(socket, "send")
    event = _event(data)
    payload = data.get("payload", {})
    if not isinstance(payload, dict):
        raise Refusal.of_field("payload", _("an object"), payload)
    target = _target(data, one_of(data, "connection", "path"))
    count = len(target.sockets)
    sentence = ngettext(
        "Sent the event %(event)s to %(count)d connection (%(whom)s)",
        "Sent the event %(event)s to %(count)d connections (%(whom)s)",
        count,
    )
    _write(operator, target, sentence, count=count, event=event)
    log("action", target.path, by=operator.get_username(), what="send", count=count)
    to = None if target.is_path else target.sockets
    watched_path(str(target.path)).broadcast(event, payload, to=to)
    return count


def _target(data: Mapping[str, Any], kind: str) -> Target:
    if kind == "user":
        return _target_user(data["user"])
    if kind == "path":
        path = text(data, "path") or ""
        return Target(_("path %(path)s") % {"path": path}, path, True, sockets_of(path))
    socket = find(text(data, "connection"))
    whom = _("connection %(id)s of %(who)s on %(path)s") % {
        "id": socket.id,
        "who": username(socket) or socket.ip,
        "path": socket.websocket.path,
    }
    return Target(whom, socket.websocket.path, False, [socket])


def _target_user(pk: Any) -> Target:
    if isinstance(pk, bool) or not isinstance(pk, str | int) or len(str(pk)) > MAX_LENGTH:
        raise Refusal.of_field("user", _("the primary key of a user"), pk)
    found = [socket for socket in sockets_of(None) if _is_of(socket, str(pk))]
    if not found:
        raise Refusal("not_found", _("No connection is known to be of user %(pk)s.") % {"pk": pk})
    whom = _("user %(name)s (%(pk)s)") % {"name": username(found[0]), "pk": pk}
    return Target(whom, None, False, found)


def _is_of(socket: WebSocketHandler, pk: str) -> bool:
    known = user_id(socket)
    return known is not None and str(known) == pk


def _event(data: Mapping[str, Any]) -> str:
    name = text(data, "name")
    if name is None:
        raise Refusal.of_field("name", _("the name of an event"), name)
    if name in RESERVED:
        sentence = _("The event %(event)s belongs to the server: choose another name.")
        raise Refusal("invalid", sentence % {"event": name})
    return name


def _close(sockets: Sequence[WebSocketHandler], reason: str) -> None:
    """Close connections, share by share, so that the event loop does other things between."""
    for start in range(0, len(sockets), SHARE):
        turn = threading.Event()
        audience.close_each(sockets[start : start + SHARE], DISCONNECTED, reason)
        runtime.call(turn.set)
        turn.wait(TURN_TIMEOUT_S)


def _write(operator: Any, target: Target, sentence: str, **values: Any) -> None:
    """Write to Django's log of admin actions who does what to whom."""
    # Models: their modules can be imported when the apps are loaded.
    from django.contrib.admin.models import CHANGE, LogEntry
    from django.contrib.contenttypes.models import ContentType

    # The same.
    from tornado_websockets.models import Dashboard

    LogEntry.objects.create(
        user_id=operator.pk,
        content_type=ContentType.objects.get_for_model(Dashboard),
        object_repr=target.whom[:MAX_LENGTH],
        action_flag=CHANGE,
        change_message=sentence % {"whom": target.whom, **values},
    )

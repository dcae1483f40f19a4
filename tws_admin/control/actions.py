"""What an operator does to others: closing connections and sending events.

Each call asks the database for the permission, and is written to Django's log of admin actions
before it is done: what cannot be written is not done.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import copy_context
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tornado_websockets.exceptions import LayerUnavailableError
from tornado_websockets.layers import audience, layer
from tornado_websockets.runtime import runtime
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin.control.answers import Gathered, answers, attend, gather, node_of
from tws_admin.control.requests import (
    MAX_LENGTH,
    Refusal,
    authorise,
    reference,
    refusing,
    text,
    watched_path,
)
from tws_admin.control.targets import COUNTED, TARGET, target_of, targets, whom
from tws_admin.values import is_count

__all__ = ["DISCONNECTED", "Log", "attach"]

CLOSE: Final = "tws_admin.close"
SEND: Final = "tws_admin.send"

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

LONG_S: Final = 8.0
"""Seconds that closing many connections may take; the page waits for ten."""

Log = Callable[..., None]
"""Adds to the log that viewers see: kind, path, and what more there is to tell."""


def attach(websocket: WebSocket, log: Log) -> None:
    """Do these things when they are asked for on the WebSocket of the monitor.

    Args:
        websocket: that of the monitor.
        log: is told of each.
    """

    async def disconnect(socket: WebSocketHandler, data: Mapping[str, Any]) -> None:
        with refusing(socket, data):
            answer = {"id": reference(data)}
            socket.emit("done", {**answer, **await _disconnect(socket, data, log)})

    async def send(socket: WebSocketHandler, data: Mapping[str, Any]) -> None:
        with refusing(socket, data):
            answer = {"id": reference(data)}
            socket.emit("done", {**answer, **await _send(socket, data, log)})

    websocket.on(disconnect)
    websocket.on(send)
    attend()


async def _disconnect(
    socket: WebSocketHandler, data: Mapping[str, Any], log: Log
) -> dict[str, Any]:
    operator = await _in_thread(authorise, socket, "disconnect")
    reason = text(data, "reason", limit=MAX_REASON) or REASON
    target, node = target_of(data, "connection", "user", "path"), node_of(data)
    found = await gather(TARGET, target, node, shape=COUNTED)
    count, told = found.sum("count"), _told(found)
    sentence = ngettext(
        "Disconnected %(count)d connection (%(whom)s): %(reason)s",
        "Disconnected %(count)d connections (%(whom)s): %(reason)s",
        count,
    )
    await _in_thread(_write, operator, whom(target, told), sentence, count=count, reason=reason)
    log(
        "action",
        target.get("path") or told.get("path"),
        by=operator.get_username(),
        what="disconnect",
        count=count,
    )
    question = {**target, "reason": reason}
    done = await gather(CLOSE, question, node, shape={"count": is_count}, within_s=LONG_S)
    return {"count": done.sum("count"), **done.told}


async def _send(socket: WebSocketHandler, data: Mapping[str, Any], log: Log) -> dict[str, Any]:
    operator = await _in_thread(authorise, socket, "send")
    what = {"name": _event(data), "payload": _payload(data)}
    target, node = target_of(data, "connection", "path"), node_of(data)
    found = await gather(TARGET, target, node, shape=COUNTED)
    count, told = found.sum("count"), _told(found)
    sentence = ngettext(
        "Sent the event %(event)s to %(count)d connection (%(whom)s)",
        "Sent the event %(event)s to %(count)d connections (%(whom)s)",
        count,
    )
    event = what["name"]
    await _in_thread(_write, operator, whom(target, told), sentence, count=count, event=event)
    path = target.get("path") or told.get("path")
    log("action", path, by=operator.get_username(), what="send", count=count)
    is_everywhere = "path" in target and node is None
    if is_everywhere:  # one node is enough: the layer brings it to all
        node = layer().node.id if layer().node.id in found.answers else next(iter(found.answers))
    await gather(
        SEND, {**target, **what, "everywhere": is_everywhere}, node, shape={}, within_s=LONG_S
    )
    return {"count": count, **found.told}


# Of this node alone, in a thread each.


@answers(CLOSE)
def closed(question: Mapping[str, Any]) -> dict[str, Any]:
    """Close connections, and return how many."""
    sockets = targets(question)
    _close(sockets, text(question, "reason", limit=MAX_REASON) or REASON)
    return {"count": len(sockets)}


@answers(SEND)
def sent(question: Mapping[str, Any]) -> dict[str, Any]:
    """Send an event to connections of this node, or to everybody on a path."""
    event, payload = _event(question), _payload(question)
    if question.get("everywhere"):
        path, to = text(question, "path"), None
    else:
        to = targets(question)
        path = text(question, "path") or to[0].websocket.path
    try:
        watched_path(str(path)).broadcast(event, payload, to=to)
    except LayerUnavailableError as error:
        raise Refusal("unavailable", str(error)) from error
    return {}


# Private.


def _in_thread(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Awaitable[Any]:
    call = functools.partial(function, *args, **kwargs)
    return runtime.in_thread(call, context=copy_context())


def _told(found: Gathered) -> Mapping[str, Any]:
    """Return who is meant, as a node has it that has such a one."""
    return max(found.answers.values(), key=lambda answer: answer["count"])


def _payload(data: Mapping[str, Any]) -> dict[str, Any]:
    payload = data.get("payload", {})
    if not isinstance(payload, dict):
        raise Refusal.of_field("payload", _("an object"), payload)
    return payload


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


def _write(operator: Any, whom: str, sentence: str, **values: Any) -> None:
    """Write to Django's log of admin actions who does what to whom."""
    # Models: their modules can be imported when the apps are loaded.
    from django.contrib.admin.models import CHANGE, LogEntry
    from django.contrib.contenttypes.models import ContentType

    # The same.
    from tornado_websockets.models import Dashboard

    LogEntry.objects.create(
        user_id=operator.pk,
        content_type=ContentType.objects.get_for_model(Dashboard),
        object_repr=whom[:MAX_LENGTH],
        action_flag=CHANGE,
        change_message=sentence % {"whom": whom, **values},
    )

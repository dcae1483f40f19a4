"""What viewers of the feed do: they come, ask for a snapshot or more history, and go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from tornado_websockets.runtime import runtime
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin.control.requests import Refusal, reference, refusing
from tws_admin.feed.sampler import RANGES
from tws_admin.feed.viewers import MAX_PACE_S
from tws_admin.monitor import monitor
from tws_admin.permissions import abilities

__all__ = ["attach"]


def attach(websocket: WebSocket) -> None:
    """Answer these on the WebSocket of the monitor."""
    for callback in (open, close, snapshot, history, pace):
        websocket.on(callback)


# The callbacks: those that ask what a viewer may do are in a thread.


def open(socket: WebSocketHandler) -> None:
    """Send a snapshot to a new viewer."""
    _welcome(socket, {}, "10m")


async def close(socket: WebSocketHandler) -> None:
    """Forget a viewer."""
    monitor.leave(socket)


def snapshot(socket: WebSocketHandler, data: Mapping[str, Any]) -> None:
    """Answer with a snapshot."""
    with refusing(socket, data):
        _welcome(socket, {"id": reference(data)}, _range(data))


async def history(socket: WebSocketHandler, data: Mapping[str, Any]) -> None:
    """Answer with the rings of a range."""
    with refusing(socket, data):
        range = _range(data)
        answer = {"id": reference(data), "range": range}
        socket.emit("history", {**answer, **monitor.history(range)})


async def pace(socket: WebSocketHandler, data: Mapping[str, Any]) -> None:
    """Send ticks as often as is asked for."""
    with refusing(socket, data):
        every_s = data.get("every_s")
        if type(every_s) is not int or not 1 <= every_s <= MAX_PACE_S:
            expected = _("a whole number from 1 to %(most)d") % {"most": MAX_PACE_S}
            raise Refusal.of_field("every_s", expected, every_s)
        monitor.pace(socket, every_s)


def _welcome(socket: WebSocketHandler, answer: dict[str, Any], range: str) -> None:
    answer["may"] = abilities(socket.user)
    runtime.call(monitor.welcome, socket, answer, range)


def _range(data: Mapping[str, Any]) -> str:
    name = data.get("range", "10m")
    if not isinstance(name, str) or name not in RANGES:
        expected = _("one of %(ranges)s") % {"ranges": ", ".join(RANGES)}
        raise Refusal.of_field("range", expected, name)
    return name

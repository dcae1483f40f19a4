"""What viewers of the feed do: they come, ask for a snapshot or more history, and go."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import copy_context
from typing import Any

from django.utils.translation import gettext as _

from tornado_websockets.runtime import runtime
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin.control.requests import Refusal, no_such_node, reference, refusing, text
from tws_admin.feed.nodes import NoSuchNodeError
from tws_admin.feed.sampler import RANGES
from tws_admin.feed.viewers import MAX_PACE_S
from tws_admin.monitor import monitor
from tws_admin.permissions import abilities

__all__ = ["attach"]


def attach(websocket: WebSocket) -> None:
    """Answer these on the WebSocket of the monitor."""
    for callback in (open, close, snapshot, watch, history, pace):
        websocket.on(callback)


# The callbacks. What a viewer may do is asked for in a thread.


async def open(socket: WebSocketHandler) -> None:
    """Send a snapshot to a new viewer."""
    await _welcome(socket, {}, "10m")


async def close(socket: WebSocketHandler) -> None:
    """Forget a viewer."""
    monitor.leave(socket)


async def snapshot(socket: WebSocketHandler, data: Mapping[str, Any]) -> None:
    """Answer with a snapshot of what is watched."""
    with refusing(socket, data):
        answer = {"id": reference(data)}
        await _welcome(socket, answer, _range(data), monitor.node_of(socket))


async def watch(socket: WebSocketHandler, data: Mapping[str, Any]) -> None:
    """Show all nodes, or one, from now on, beginning with a snapshot."""
    with refusing(socket, data):
        answer = {"id": reference(data)}
        await _welcome(socket, answer, _range(data), text(data, "node"))


async def history(socket: WebSocketHandler, data: Mapping[str, Any]) -> None:
    """Answer with the rings of a range, of what is watched."""
    with refusing(socket, data), _finding_nodes():
        range = _range(data)
        answer = {"id": reference(data), "range": range}
        rings = await monitor.history(range, monitor.node_of(socket))
        socket.emit("history", {**answer, **rings})


async def pace(socket: WebSocketHandler, data: Mapping[str, Any]) -> None:
    """Send ticks as often as is asked for."""
    with refusing(socket, data):
        every_s = data.get("every_s")
        if type(every_s) is not int or not 1 <= every_s <= MAX_PACE_S:
            expected = _("a whole number from 1 to %(most)d") % {"most": MAX_PACE_S}
            raise Refusal.of_field("every_s", expected, every_s)
        monitor.pace(socket, every_s)


async def _welcome(
    socket: WebSocketHandler, answer: dict[str, Any], range: str, node: str | None = None
) -> None:
    may = await runtime.in_thread(_abilities, socket, context=copy_context())
    with _finding_nodes():
        await monitor.welcome(socket, {**answer, "may": may}, range, node)


def _abilities(socket: WebSocketHandler) -> list[str]:
    return abilities(socket.user)


@contextlib.contextmanager
def _finding_nodes() -> Iterator[None]:
    try:
        yield
    except NoSuchNodeError as error:
        raise no_such_node(error.args[0]) from None


def _range(data: Mapping[str, Any]) -> str:
    name = data.get("range", "10m")
    if not isinstance(name, str) or name not in RANGES:
        expected = _("one of %(ranges)s") % {"ranges": ", ".join(RANGES)}
        raise Refusal.of_field("range", expected, name)
    return name

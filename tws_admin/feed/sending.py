"""Sends ticks to those who watch."""

from __future__ import annotations

from typing import Any, Final, Protocol

from tornado_websockets.layers import audience
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin.feed.viewers import Viewers
from tws_admin.permissions import sees_tasks

__all__ = ["NO_TASKS", "Source", "send_all", "send_due"]

NO_TASKS: Final[dict[str, Any]] = {"tasks": []}
"""What who may not see everybody's progress tasks has of them."""

TOO_SLOW: Final = (4008, "reader too slow")


class Source(Protocol):
    """What viewers see, tick by tick.

    Attributes:
        node: the id of the only node that is seen; None is all.
        viewers: who sees it.
    """

    node: str | None
    viewers: Viewers[WebSocketHandler]

    @property
    def seq(self) -> int: ...

    def changes(self, since: int) -> dict[str, Any] | None: ...


def send_due(websocket: WebSocket, source: Source) -> None:
    """Send the last tick to those to whom it is due.

    Args:
        websocket: that of the feed.
        source: what they see.
    """
    # Those who have not read yet get all of it at once, when they have.
    due = source.viewers.due(source.seq)
    _send(websocket, source, [each for each in due if not each.unsent_bytes])


def send_all(websocket: WebSocket, source: Source) -> None:
    """Send the last tick to everybody who sees it, due or not."""
    _send(websocket, source, list(source.viewers))


def _send(websocket: WebSocket, source: Source, sockets: list[WebSocketHandler]) -> None:
    """Send it to some, encoded once for all who have the same one already."""
    for since, group in source.viewers.groups(sockets).items():
        changes = source.changes(since)
        if changes is None:  # they have read nothing for minutes
            audience.close_each(group, *TOO_SLOW)
            continue
        for seeing in (True, False):
            to = [each for each in group if sees_tasks(each.known_user) is seeing]
            if to:
                websocket.broadcast("tick", changes, to=to)
            changes.pop("tasks", None)
        source.viewers.advance(group, source.seq)

"""Some of the clients of a path, to send to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias, Union

if TYPE_CHECKING:
    from tornado_websockets.broadcaster import Broadcaster
    from tornado_websockets.websockethandler import WebSocketHandler

__all__ = ["Excluded", "Target"]

Excluded: TypeAlias = Union["WebSocketHandler", Iterable["WebSocketHandler"], None]
"""A connection, or some, that do not get an event."""


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """Those clients of a path who are in some rooms, whoever that is when something is sent.

    Attributes:
        websocket: the `WebSocket`.
        rooms: the names; that of `WebSocket.to_user` is not to be relied on.
    """

    websocket: Broadcaster
    rooms: tuple[str, ...]

    def emit(self, event: str, data: Any = None, *, exclude: Excluded = None) -> None:
        """Send an event to these clients, from inside a callback; see `WebSocket.emit`."""
        self.websocket._check_emit(event)
        self.broadcast(event, data, exclude=exclude)

    def broadcast(self, event: str, data: Any = None, *, exclude: Excluded = None) -> None:
        """Send an event to these clients, from anywhere; see `WebSocket.broadcast`."""
        self.websocket._send(event, data, rooms=self.rooms, exclude=exclude)

    async def abroadcast(self, event: str, data: Any = None, *, exclude: Excluded = None) -> None:
        """Send an event to these clients, and wait; see `WebSocket.abroadcast`."""
        await self.websocket._asend(event, data, rooms=self.rooms, exclude=exclude)

    def broadcast_on_commit(
        self, event: str, data: Any = None, *, using: str | None = None, exclude: Excluded = None
    ) -> None:
        """Send an event to these clients after the commit; see `WebSocket.broadcast_on_commit`."""
        self.websocket._send_on_commit(event, data, using=using, rooms=self.rooms, exclude=exclude)

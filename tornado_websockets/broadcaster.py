"""What a path sends, and to whom of its clients."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from tornado_websockets.encoding import encode
from tornado_websockets.events import inside_callback
from tornado_websockets.exceptions import (
    EmitHandlerError,
    InvalidInstanceError,
    ServerNotRunningError,
)
from tornado_websockets.layers import Member, audience, layer
from tornado_websockets.layers.rooms import check_room, user_room
from tornado_websockets.outgoing import Outgoing
from tornado_websockets.runtime import runtime

if TYPE_CHECKING:
    from tornado_websockets.websockethandler import WebSocketHandler

    Excluded: TypeAlias = WebSocketHandler | Iterable[WebSocketHandler] | None

__all__ = ["Broadcaster", "Tap", "Target"]

Tap = Callable[[str, Any, str, str | bytes], None]
"""A function that is shown events: "in" or "out", the connection (None for a broadcast), the name
and the envelope as it is on the wire. In the thread that sends; it must not raise."""


class Broadcaster:
    """The sending half of a `WebSocket`.

    Attributes:
        path: the path with its leading slash, like ``/chat``.
        tap: is shown every event, when it is set; see `Tap`.
    """

    path: str
    tap: Tap | None

    def emit(self, event: str, data: Any = None, *, exclude: Excluded = None) -> None:
        """Send an event to every client, from inside a callback.

        Args:
            event: name of the event.
            data: a dictionary; a string is sent as ``{"message": string}``, None as ``{}``.
            exclude: a connection, or some, that do not get it.

        Raises:
            EmitHandlerError: called outside a callback; use `broadcast` there.
            EncodeError: a value in data cannot be encoded; names its key path.
        """
        self._check_emit(event)
        self._send(event, data, exclude=exclude)

    def broadcast(
        self,
        event: str,
        data: Any = None,
        *,
        to: Collection[WebSocketHandler] | None = None,
        exclude: Excluded = None,
    ) -> None:
        """Send an event to every client, from anywhere in a process that serves.

        Args:
            event: name of the event.
            data: as `emit` takes it.
            to: connections of this path that get it, instead of all; it is encoded once for them.
            exclude: a connection, or some, that do not get it.

        Raises:
            ServerNotRunningError: this process runs no server, so nobody would get it.
            EncodeError: a value in data cannot be encoded; names its key path.
        """
        self._send(event, data, to=to, exclude=exclude)

    def to(self, *rooms: str) -> Target:
        """Return the clients who are in a room, or in any of several, to send to.

        A client that is in several of them gets an event once. Without a room it is nobody.

        Raises:
            InvalidRoomError: one of them is no name of a room.
        """
        return Target(self, tuple(map(check_room, rooms)))

    def to_user(self, user: Any) -> Target:
        """Return the connections of a user on this path, to send to.

        They are all that the user has, where the path has login_required or a permission; on other
        paths those for which ``socket.user`` or ``socket.auser()`` has been asked.

        Args:
            user: a user who is logged in, or the primary key of one.

        Raises:
            InvalidInstanceError: it is an anonymous user, or None.
        """
        pk = getattr(user, "pk", user)
        if pk is None:
            raise InvalidInstanceError(user, "a user with a primary key, or the primary key")
        return Target(self, (user_room(pk),))

    def presence(self, room: str) -> list[Member]:
        """Return who is in a room, those who came first first: one `Member` for each user.

        Raises:
            InvalidRoomError: it is no name of a room.
        """
        return layer().presence(self.path, check_room(room))

    # Private.

    def _check_emit(self, event: str) -> None:
        if not inside_callback.get():
            raise EmitHandlerError(event, self.path)

    def _send(
        self,
        event: str,
        data: Any,
        *,
        to: Collection[WebSocketHandler] | None = None,
        rooms: Collection[str] | None = None,
        exclude: Excluded = None,
    ) -> None:
        payload = encode(event, data)
        tap = self.tap
        if tap is not None:
            tap("out", None, event, payload)
        without = () if exclude is None else _ids(exclude)
        if to is None:
            layer().publish(self.path, event, payload, rooms=rooms, without=without)
        elif runtime.is_running:
            audience.send(self.path, Outgoing(event, payload), to, without=without)
        else:
            raise ServerNotRunningError(self.path)


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


def _ids(exclude: WebSocketHandler | Iterable[WebSocketHandler]) -> Collection[str]:
    if isinstance(exclude, Iterable):
        return frozenset(socket.id for socket in exclude)
    return (exclude.id,)

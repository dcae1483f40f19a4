"""The rooms that a connection joins and leaves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from tornado.websocket import WebSocketClosedError

from tornado_websockets import signals
from tornado_websockets.auth import accounts
from tornado_websockets.layers import Connection, Member, PresenceChange, audience
from tornado_websockets.layers.rooms import check_room
from tornado_websockets.outlet import Outlet
from tornado_websockets.registry import registry
from tornado_websockets.tornadowrapper import TornadoWrapper

__all__ = ["Occupant"]


class Occupant(Outlet):
    """The part of a connection that is in rooms of its path."""

    __slots__ = ("_rooms",)

    id: str
    _rooms: frozenset[str]

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms that this connection is in: a copy. After its end, those that it was in."""
        return audience.rooms(cast(Connection, self)) or self._rooms

    def join(self, room: str) -> None:
        """Go into a room, from any thread; being there already is no error.

        It is left by `leave`, or at the end of the connection.

        Args:
            room: any name of 1 to 200 characters, without control characters.

        Raises:
            InvalidRoomError: it is no name.
            TooManyRoomsError: it would be one more than ``limits["rooms"]``.
            WebSocketClosedError: the connection has ended, or has not begun.
        """
        path, limit, this = self.websocket.path, self.websocket.limits.rooms, cast(Connection, self)
        if not audience.enter(path, check_room(room), this, self._member(), limit=limit):
            raise WebSocketClosedError

    def leave(self, room: str) -> None:
        """Leave a room, from any thread; not being there is no error.

        Raises:
            InvalidRoomError: it is no name.
        """
        audience.exit(self.websocket.path, check_room(room), cast(Connection, self))

    def _member(self) -> Member:
        """Return who joins a room: the user as far as the server knows by now."""
        user, now = self.known_user, datetime.now(UTC)
        if user is None or not user.is_authenticated:
            return Member(self.id, None, "", now)
        pk = str(user.pk)
        return Member(f"user {pk}", pk, accounts.name(user), now)


def _tell(change: PresenceChange) -> None:
    room, member, socket = change.room, change.member, cast(Occupant | None, change.connection)
    ws = registry.get(change.path) if socket is None else socket.websocket
    if ws is None:  # its path was given back meanwhile
        return
    if change.is_there:
        TornadoWrapper.publish(
            signals.member_joined, websocket=ws, room=room, member=member, socket=socket
        )
    else:
        TornadoWrapper.publish(
            signals.member_left, websocket=ws, room=room, member=member, socket=socket
        )


audience.presence_changed = _tell

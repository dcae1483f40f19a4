"""Rooms: how they are named, and which connections of this process are in them."""

from __future__ import annotations

import collections
import re
import threading
from collections.abc import Collection, Iterable
from itertools import chain
from typing import Any, Final

from tornado_websockets.exceptions import InvalidRoomError, TooManyRoomsError
from tornado_websockets.layers.connection import Connection, Member, PresenceChange

__all__ = ["RoomTable", "check_room", "user_room"]

# Control characters end lines in logs, and lone surrogates cannot be encoded.
NAME: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,200}")

OF_USER: Final = "\x00user:"
"""What stands before the key of a user: no room that is named by others begins with it."""


def check_room(name: Any) -> str:
    """Return the name of a room.

    Raises:
        InvalidRoomError: it is none.
    """
    if not isinstance(name, str) or NAME.fullmatch(name) is None:
        raise InvalidRoomError(name)
    return name


def user_room(pk: Any) -> str:
    """Return the room that a user's connections are in, as soon as it is known whose they are."""
    return f"{OF_USER}{pk}"


class _Presence:
    """A member, and how many connections the member has in the room."""

    __slots__ = ("connections", "member")

    def __init__(self, member: Member) -> None:
        self.member = member
        self.connections = 0


class _Room:
    """Those who are in one room.

    Attributes:
        connections: the id of each one's member, empty when it has none.
        members: by id.
    """

    __slots__ = ("connections", "members")

    def __init__(self) -> None:
        self.connections: dict[Connection, str] = {}
        self.members: dict[str, _Presence] = {}


class RoomTable:
    """The rooms of every path that somebody of this process is in; to be used in any thread.

    What changes something takes a lock. What reads does not: it copies, which is atomic.

    Attributes:
        changes: the members that have come and gone, in this order, to be taken by the owner.
    """

    def __init__(self) -> None:
        self.changes: collections.deque[PresenceChange] = collections.deque()
        self._lock = threading.Lock()
        # By path and name.
        self._rooms: dict[tuple[str, str], _Room] = {}
        self._of: dict[Connection, dict[str, None]] = {}

    def __len__(self) -> int:
        return len(self._rooms)

    def enter(
        self,
        path: str,
        room: str,
        connection: Connection,
        member: Member | None,
        *,
        limit: int | None,
        among: Collection[Connection],
    ) -> bool:
        """Put a connection into a room, see `Audience.enter`.

        Args:
            path: as there, like the others.
            among: the connections that the path has now. They are looked at under the lock that
                `drop` takes too, so that none enters after its end.
        """
        with self._lock:
            if connection not in among:
                return False
            names = self._of.get(connection, {})
            if room in names:
                return True
            if limit is not None and len(_named(names)) >= limit:
                raise TooManyRoomsError(room, limit)
            self._of.setdefault(connection, names)[room] = None
            self._add(path, room, connection, member)
            return True

    def exit(self, path: str, room: str, connection: Connection) -> None:
        """Take a connection out of a room."""
        with self._lock:
            names = self._of.get(connection, {})
            if room in names:
                del names[room]
                if not names:
                    del self._of[connection]
                self._remove(path, room, connection)

    def drop(self, path: str, connection: Connection) -> frozenset[str]:
        """Take a connection out of all its rooms, and return them."""
        with self._lock:
            names = self._of.pop(connection, None)
            if names is None:
                return frozenset()
            for room in names:
                self._remove(path, room, connection)
            return _named(names)

    def of(self, connection: Connection) -> frozenset[str]:
        """Return the rooms of a connection, but for that of its user."""
        return _named(list(self._of.get(connection, ())))

    def connections(self, path: str, rooms: Iterable[str]) -> list[Connection]:
        """Return the connections of rooms, each once."""
        found = [self._rooms.get((path, room)) for room in rooms]
        present = [list(room.connections) for room in found if room is not None]
        return present[0] if len(present) == 1 else list(dict.fromkeys(chain(*present)))

    def members(self, path: str, room: str) -> list[Member]:
        """Return who is in a room, those who came first first."""
        found = self._rooms.get((path, room))
        return [] if found is None else [each.member for each in list(found.members.values())]

    def present(self, path: str) -> dict[str, list[Member]]:
        """Return who is in each room of a path that somebody is a member of."""
        found = [room for where, room in list(self._rooms) if where == path]
        members = {room: self.members(path, room) for room in found}
        return {room: those for room, those in members.items() if those}

    # Private: under the lock.

    def _add(self, path: str, room: str, connection: Connection, member: Member | None) -> None:
        found = self._rooms.setdefault((path, room), _Room())
        if member is None:
            found.connections[connection] = ""
            return
        found.connections[connection] = member.id
        presence = found.members.get(member.id)
        if presence is None:
            presence = found.members[member.id] = _Presence(member)
            self.changes.append(PresenceChange(path, connection, room, member, True))
        presence.connections += 1

    def _remove(self, path: str, room: str, connection: Connection) -> None:
        found = self._rooms[path, room]
        presence = found.members.get(found.connections.pop(connection))
        if presence is not None:
            presence.connections -= 1
            if not presence.connections:
                del found.members[presence.member.id]
                self.changes.append(PresenceChange(path, connection, room, presence.member, False))
        if not found.connections:
            del self._rooms[path, room]


def _named(names: Iterable[str]) -> frozenset[str]:
    """Return the rooms that were named by others than `user_room`."""
    return frozenset(name for name in names if not name.startswith(OF_USER))

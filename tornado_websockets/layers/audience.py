"""Who is connected to this process: the only loops over connections."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence

from tornado_websockets.history import History
from tornado_websockets.layers.connection import Connection, Member, PresenceChange
from tornado_websockets.layers.event import Event
from tornado_websockets.layers.rooms import RoomTable
from tornado_websockets.layers.succession import Succession
from tornado_websockets.message import Data, decode
from tornado_websockets.outgoing import Outgoing
from tornado_websockets.runtime import runtime

__all__ = ["Audience"]

logger = logging.getLogger("tornado_websockets")


class Audience:
    """Knows which connections of this process each path and each room has, and reaches them.

    `join`, `leave`, `deliver`, `heard` and `close_all` are called on the event loop, the others
    anywhere.
    Rooms belong to a path, and are there as long as somebody is in them.

    Attributes:
        served: the paths of this process, and what each keeps.
        served_changed: is told of it, on the event loop of a server that runs.
        announce: gets each change of presence among the connections of this process, on the event
            loop, in the order of the changes; `tell`, unless a layer knows of more processes.
        presence_changed: is told who comes and goes, once for each member. It must not raise.
        succession: knows who has come back on another connection.
    """

    def __init__(self) -> None:
        self.served: dict[str, History | None] = {}
        self.served_changed: Callable[[], None] | None = None
        self.announce: Callable[[PresenceChange], None] = self.tell
        self.presence_changed: Callable[[PresenceChange], None] | None = None
        self.succession = Succession()
        # A dict keeps the order of arrival and forgets a connection in constant time.
        self._paths: dict[str, dict[Connection, None]] = {}
        self._rooms = RoomTable()
        # By path: what the names of some events begin with, and who is told of those.
        self._hearers: dict[str, dict[str, Callable[[str, Data], None]]] = {}

    def serve(self, path: str, history: History | None) -> None:
        """Serve a path from now on."""
        self.served[path] = history
        self._tell_served()

    def withdraw(self, path: str) -> None:
        """Serve a path no longer; its connections are closed by whoever does this."""
        self.served.pop(path, None)
        self._hearers.pop(path, None)
        self._tell_served()

    def join(self, path: str, connection: Connection) -> None:
        """Add a connection whose handshake has succeeded."""
        self._paths.setdefault(path, {})[connection] = None

    def leave(self, path: str, connection: Connection) -> frozenset[str]:
        """Remove a connection, and return the rooms that it was in.

        One that never joined is no error.
        """
        connections = self._paths.get(path, {})
        connections.pop(connection, None)
        if not connections:
            self._paths.pop(path, None)
        self.succession.forget(connection.id)
        rooms = self._rooms.drop(path, connection)
        self._announce_changes()
        return rooms

    def connections(self, path: str | None) -> Sequence[Connection]:
        """Return the connections of a path, the oldest first; None is all paths."""
        if path is None:
            return [each for name in list(self._paths) for each in self.connections(name)]
        # list() of a dict is atomic, so that a thread may ask while a client comes or goes.
        return list(self._paths.get(path, ()))

    def has(self, path: str, connection: Connection) -> bool:
        """Return whether a connection has joined a path, and has not left it."""
        return connection in self._paths.get(path, ())

    def count(self, path: str | None = None) -> int:
        """Return how many connections a path has; None is all paths."""
        if path is not None:
            return len(self._paths.get(path, ()))
        return sum(map(len, list(self._paths.values())))

    def enter(
        self,
        path: str,
        room: str,
        connection: Connection,
        member: Member | None = None,
        *,
        limit: int | None = None,
    ) -> bool:
        """Put a connection into a room; being there already is no error.

        Args:
            path: the connection's.
            room: any string.
            connection: one that has joined the path.
            member: who it is, when it is the first of that member; None keeps it out of
                `members` and `rooms`.
            limit: how many rooms it may be in.

        Returns:
            False when the connection has not joined its path, or has left it.

        Raises:
            TooManyRoomsError: it would be one too many.
        """
        among = self._paths.get(path, {})
        is_there = self._rooms.enter(path, room, connection, member, limit=limit, among=among)
        self._announce_changes()
        return is_there

    def exit(self, path: str, room: str, connection: Connection) -> None:
        """Take a connection out of a room; not being there is no error."""
        self._rooms.exit(path, room, connection)
        self._announce_changes()

    def rooms(self, connection: Connection) -> frozenset[str]:
        """Return the rooms that a connection is in."""
        return self._rooms.of(connection)

    def members(self, path: str, room: str) -> list[Member]:
        """Return who is in a room through this process, those who came first first."""
        return self._rooms.members(path, room)

    def present(self, path: str) -> dict[str, list[Member]]:
        """Return who is in each room of a path through this process, by room."""
        return self._rooms.present(path)

    def inside(self, path: str, rooms: Collection[str]) -> Collection[Connection]:
        """Return the connections that are in any of some rooms, each once."""
        return self._rooms.connections(path, rooms)

    def send(
        self,
        path: str,
        outgoing: Outgoing,
        to: Collection[Connection] | None = None,
        *,
        without: Collection[str] = (),
    ) -> None:
        """Send a message from any thread; see `deliver`."""
        runtime.call(self.deliver, path, outgoing, to, without)

    def send_event(self, path: str, event: Event) -> None:
        """Send an event from any thread, to who is in its rooms at the call."""
        # Here and not on the event loop: a thread that sends and then leaves the room, or joins
        # it, does so in this order.
        to = None if event.rooms is None else self.inside(path, event.rooms)
        self.send(path, Outgoing(event.name, event.payload), to, without=event.without)

    def deliver(
        self,
        path: str,
        outgoing: Outgoing,
        to: Collection[Connection] | None = None,
        without: Collection[str] = (),
    ) -> None:
        """Send a message to every client of a path, or to some.

        Args:
            path: the path.
            outgoing: the message.
            to: the connections that get it, instead of all.
            without: the ids of connections that do not, nor does who had them and came back.
        """
        audience = self.connections(path) if to is None else to
        if without:
            without = self.succession.with_heirs(without)
            audience = [connection for connection in audience if connection.id not in without]
        for connection in audience:
            try:
                connection.send(outgoing)
            except Exception:
                # One dead client never stops a broadcast.
                logger.exception("could not send to a client of %s", path)

    def hear(self, path: str, prefix: str, hearer: Callable[[str, Data], None]) -> None:
        """Have somebody told what other processes send to all clients of a path.

        Args:
            path: the path.
            prefix: what the names of the events begin with.
            hearer: gets what follows it in a name, and the data, on the event loop.
        """
        self._hearers.setdefault(path, {})[prefix] = hearer

    def heard(self, path: str, event: str, payload: bytes) -> None:
        """Take note of what another process has sent to all clients of a path.

        Args:
            path: the path.
            event: the event's name.
            payload: its envelope in UTF-8.
        """
        for prefix, hearer in list(self._hearers.get(path, {}).items()):
            if not event.startswith(prefix):
                continue
            try:
                hearer(event.removeprefix(prefix), decode(payload)[1])
            except Exception:
                logger.exception("%r of %s, from another process, was not heard", event, path)

    def close_each(self, connections: Collection[Connection], code: int, reason: str) -> None:
        """Start the closing handshake of some connections."""
        for connection in connections:
            connection.close(code, reason)

    def close_all(self, code: int, reason: str) -> None:
        """Start the closing handshake of every connection."""
        self.close_each(self.connections(None), code, reason)

    def tell(self, change: PresenceChange) -> None:
        """Tell whoever listens of a change of presence; on the event loop."""
        if self.presence_changed is not None:
            self.presence_changed(change)

    def _tell_served(self) -> None:
        if self.served_changed is not None:
            runtime.call(self.served_changed)

    def _announce_changes(self) -> None:
        if self._rooms.changes:
            runtime.call(self._announce)

    def _announce(self) -> None:
        # From one queue, so that what threads and the event loop have done keeps its order.
        # Those that come meanwhile have a call of their own: the event loop has other things to do.
        changes = self._rooms.changes
        for _ in range(len(changes)):
            if changes:  # what is announced may lead to more, which takes others
                self.announce(changes.popleft())

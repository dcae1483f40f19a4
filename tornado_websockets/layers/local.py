"""The default layer: one process, no broker."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

from tornado_websockets.exceptions import ServerNotRunningError
from tornado_websockets.layers.base import Connection, Layer, Member
from tornado_websockets.layers.rooms import RoomTable
from tornado_websockets.outgoing import Outgoing
from tornado_websockets.runtime import runtime

__all__ = ["LocalLayer"]

logger = logging.getLogger("tornado_websockets")


class LocalLayer(Layer):
    """Reaches the connections of this process."""

    def __init__(self) -> None:
        super().__init__()
        # A dict keeps the order of arrival and forgets a connection in constant time.
        self._paths: dict[str, dict[Connection, None]] = {}
        self._rooms = RoomTable()

    def join(self, path: str, connection: Connection) -> None:
        self._paths.setdefault(path, {})[connection] = None

    def leave(self, path: str, connection: Connection) -> frozenset[str]:
        connections = self._paths.get(path, {})
        connections.pop(connection, None)
        if not connections:
            self._paths.pop(path, None)
        rooms = self._rooms.drop(path, connection)
        self._tell_changes()
        return rooms

    def connections(self, path: str | None) -> Sequence[Connection]:
        if path is None:
            return [each for name in list(self._paths) for each in self.connections(name)]
        # list() of a dict is atomic, so that a thread may ask while a client comes or goes.
        return list(self._paths.get(path, ()))

    def count(self, path: str | None = None) -> int:
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
        among = self._paths.get(path, {})
        is_there = self._rooms.enter(path, room, connection, member, limit=limit, among=among)
        self._tell_changes()
        return is_there

    def exit(self, path: str, room: str, connection: Connection) -> None:
        self._rooms.exit(path, room, connection)
        self._tell_changes()

    def rooms(self, connection: Connection) -> frozenset[str]:
        return self._rooms.of(connection)

    def presence(self, path: str, room: str) -> list[Member]:
        return self._rooms.members(path, room)

    def publish(
        self,
        path: str,
        outgoing: Outgoing,
        to: Collection[Connection] | None = None,
        *,
        rooms: Collection[str] | None = None,
        exclude: Collection[Connection] = (),
    ) -> None:
        if not runtime.is_running:
            raise ServerNotRunningError(path)
        if rooms is not None:
            # Here and not on the event loop: a thread that sends and then leaves the room, or
            # joins it, does so in this order.
            to = self._rooms.connections(path, rooms)
        runtime.call(self._deliver, path, outgoing, to, exclude)

    def close_each(self, connections: Collection[Connection], code: int, reason: str) -> None:
        for connection in connections:
            connection.close(code, reason)

    def close_all(self, code: int, reason: str) -> None:
        self.close_each(self.connections(None), code, reason)

    def _deliver(
        self,
        path: str,
        outgoing: Outgoing,
        to: Collection[Connection] | None,
        exclude: Collection[Connection],
    ) -> None:
        audience = self.connections(path) if to is None else to
        if exclude:
            without = frozenset(exclude)
            audience = [connection for connection in audience if connection not in without]
        for connection in audience:
            try:
                connection.send(outgoing)
            except Exception:
                # One dead client never stops a broadcast.
                logger.exception("could not send to a client of %s", path)

    def _tell_changes(self) -> None:
        if self._rooms.changes:
            runtime.call(self._tell)

    def _tell(self) -> None:
        # From one queue, so that what threads and the event loop have done keeps its order.
        changes = self._rooms.changes
        while changes:
            change = changes.popleft()
            if self.presence_changed is not None:
                self.presence_changed(change)

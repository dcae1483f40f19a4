"""The default layer: one process, no broker."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

from tornado_websockets.exceptions import ServerNotRunningError
from tornado_websockets.layers.base import Connection, Layer
from tornado_websockets.outgoing import Outgoing
from tornado_websockets.runtime import runtime

__all__ = ["LocalLayer"]

logger = logging.getLogger("tornado_websockets")


class LocalLayer(Layer):
    """Reaches the connections of this process."""

    def __init__(self) -> None:
        # A dict keeps the order of arrival and forgets a connection in constant time.
        self._paths: dict[str, dict[Connection, None]] = {}

    def join(self, path: str, connection: Connection) -> None:
        self._paths.setdefault(path, {})[connection] = None

    def leave(self, path: str, connection: Connection) -> None:
        connections = self._paths.get(path, {})
        connections.pop(connection, None)
        if not connections:
            self._paths.pop(path, None)

    def connections(self, path: str | None) -> Sequence[Connection]:
        if path is None:
            return [each for name in list(self._paths) for each in self.connections(name)]
        # list() of a dict is atomic, so that a thread may ask while a client comes or goes.
        return list(self._paths.get(path, ()))

    def count(self, path: str | None = None) -> int:
        if path is not None:
            return len(self._paths.get(path, ()))
        return sum(map(len, list(self._paths.values())))

    def publish(
        self, path: str, outgoing: Outgoing, to: Collection[Connection] | None = None
    ) -> None:
        if not runtime.is_running:
            raise ServerNotRunningError(path)
        runtime.call(self._deliver, path, outgoing, to)

    def close_each(self, connections: Collection[Connection], code: int, reason: str) -> None:
        for connection in connections:
            connection.close(code, reason)

    def close_all(self, code: int, reason: str) -> None:
        self.close_each(self.connections(None), code, reason)

    def _deliver(self, path: str, outgoing: Outgoing, to: Collection[Connection] | None) -> None:
        for connection in self.connections(path) if to is None else to:
            try:
                connection.send(outgoing)
            except Exception:
                # One dead client never stops a broadcast.
                logger.exception("could not send to a client of %s", path)

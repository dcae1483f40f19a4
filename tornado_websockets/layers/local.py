"""The default layer: one process, no broker."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from tornado_websockets.exceptions import ServerNotRunningError
from tornado_websockets.history import Position
from tornado_websockets.layers.base import Layer
from tornado_websockets.layers.log import numbered
from tornado_websockets.outgoing import Outgoing
from tornado_websockets.runtime import runtime

__all__ = ["LocalLayer"]


class LocalLayer(Layer):
    """Reaches the connections of this process."""

    is_shared: ClassVar[bool] = False

    def publish(
        self,
        path: str,
        event: str,
        payload: bytes,
        *,
        rooms: Collection[str] | None = None,
        without: Collection[str] = (),
    ) -> None:
        if not runtime.is_running:
            raise ServerNotRunningError(path)
        if rooms is not None:
            # Here and not on the event loop: a thread that sends and then leaves the room, or
            # joins it, does so in this order.
            inside = self.audience.inside(path, rooms)
            self.audience.send(path, Outgoing(event, payload), inside, without=without)
        elif self.audience.served.get(path) is None:
            self.audience.send(path, Outgoing(event, payload), without=without)
        else:
            runtime.call(self._record, path, event, payload, without)

    async def apublish(
        self,
        path: str,
        event: str,
        payload: bytes,
        *,
        rooms: Collection[str] | None = None,
        without: Collection[str] = (),
    ) -> None:
        self.publish(path, event, payload, rooms=rooms, without=without)

    async def reach(self, path: str, position: Position | None) -> None:
        """Know already: the log is made here."""

    def tell(self, topic: str, data: Mapping[str, Any]) -> None:
        """Tell nobody: there are no others."""

    def _record(self, path: str, event: str, payload: bytes, without: Collection[str]) -> None:
        """Keep an event for those who come back, and send it."""
        log = self.log(path)
        if log is None:  # the path was given back meanwhile
            return
        offset = (log.top[0] + 1, 0)
        entry = log.append(offset, Outgoing(event, numbered(payload, offset)), without)
        self.deliver(path, entry.outgoing, without)

"""The default layer: one process, no broker."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from tornado_websockets.exceptions import ServerNotRunningError
from tornado_websockets.history import Position
from tornado_websockets.layers.base import Layer
from tornado_websockets.layers.event import Event
from tornado_websockets.layers.log import numbered
from tornado_websockets.outgoing import Outgoing
from tornado_websockets.runtime import runtime

__all__ = ["LocalLayer"]


class LocalLayer(Layer):
    """Reaches the connections of this process."""

    is_shared: ClassVar[bool] = False

    def publish(self, path: str, event: Event) -> None:
        if not runtime.is_running:
            raise ServerNotRunningError(path)
        if event.rooms is None and self.audience.served.get(path) is not None:
            runtime.call(self._record, path, event)
        else:
            self.audience.send_event(path, event)

    async def apublish(self, path: str, event: Event) -> None:
        self.publish(path, event)
        await asyncio.sleep(0)  # others have a turn, as while a shared layer is waited for

    async def reach(self, path: str, position: Position | None) -> None:
        """Know already: the log is made here."""

    def tell(self, topic: str, data: Mapping[str, Any]) -> None:
        """Tell nobody: there are no others."""

    def _record(self, path: str, event: Event) -> None:
        """Keep an event for those who come back, and send it."""
        log = self.log(path)
        if log is None:  # the path was given back meanwhile
            return
        offset = (log.top[0] + 1, 0)
        outgoing = Outgoing(event.name, numbered(event.payload, offset))
        log.append(offset, outgoing, event.without)
        self.deliver(path, outgoing, event.without)

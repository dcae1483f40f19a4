"""A connection after its handshake.

The only module that uses private names of Tornado; a test tells when a new Tornado changes them.
"""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

from tornado.iostream import StreamClosedError
from tornado.websocket import (
    WebSocketHandler,
    WebSocketProtocol,
    WebSocketProtocol13,
    _WebSocketParams,
)

__all__ = ["TornadoWire", "wire_for"]

PING_TIMEOUT_CODE = 1011
"""Closes a connection that answers no ping; Tornado's 1000 would tell the client not to return."""


class Reader(Protocol):
    """A handler that may stop reading for a while."""

    @property
    def is_paused(self) -> bool:
        """True while nothing is read from the client, so that no pong can be seen either."""


def wire_for(handler: WebSocketHandler) -> WebSocketProtocol | None:
    """Return what speaks with the client of a handshake, None for a version that nobody speaks."""
    if handler.request.headers.get("Sec-WebSocket-Version") != "13":
        return None
    params = _WebSocketParams(
        ping_interval=handler.ping_interval,
        ping_timeout=handler.ping_timeout,
        max_message_size=handler.max_message_size,
        compression_options=handler.get_compression_options(),
    )
    return TornadoWire(handler, mask_outgoing=False, params=params)


class TornadoWire(WebSocketProtocol13):
    """Tornado's own protocol, but for the pings, which know when nothing is read."""

    async def periodic_ping(self) -> None:
        """Ping the client at every interval, and close when it does not answer."""
        reader = cast(Reader, self.handler)
        while True:
            await asyncio.sleep(self.ping_interval)
            self._received_pong = False
            try:
                self.write_ping(b"")
            except StreamClosedError:
                return
            await asyncio.sleep(self.params.ping_timeout or 0)
            if self.params.ping_timeout and not (self._received_pong or reader.is_paused):
                self.close(PING_TIMEOUT_CODE, "ping timed out")
                return

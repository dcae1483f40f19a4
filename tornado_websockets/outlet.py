"""What a connection sends, as callbacks have it: from any thread, and as Tornado documents it."""

from __future__ import annotations

import asyncio
from threading import get_ident
from typing import TYPE_CHECKING, Any

from tornado.websocket import WebSocketClosedError

from tornado_websockets.encoding import encode
from tornado_websockets.entrance import Entrance
from tornado_websockets.frames import MAX_CONTROL_PAYLOAD, build_close
from tornado_websockets.history import RECOVERED, check_event
from tornado_websockets.runtime import runtime

if TYPE_CHECKING:
    from tornado_websockets.websocket import WebSocket
    from tornado_websockets.wire import Wire

__all__ = ["Outlet"]


class Outlet(Entrance):
    """The sending half of a connection.

    Attributes:
        websocket: the `WebSocket` that the client is connected to.
    """

    __slots__ = ("_wire", "websocket")

    websocket: WebSocket
    _wire: Wire

    @property
    def wire(self) -> Wire:
        """What speaks with the client; there from the handshake on, also after the end."""
        return self._wire

    def emit(self, event: str, data: Any = None) -> None:
        """Send an event to this client, from any thread.

        Args:
            event: name of the event.
            data: a dictionary; a string is sent as ``{"message": string}``, None as ``{}``.

        Raises:
            EncodeError: a value in data cannot be encoded; names its key path.
            WebSocketClosedError: the connection is closed.
            ValueError: it is "recovered", on a path with a history.
        """
        if event == RECOVERED:
            check_event(event, self.websocket.history)
        payload = encode(event, data)
        wire = self._wire
        if not wire.is_open:
            raise WebSocketClosedError
        tap = self.websocket.tap
        if tap is not None:
            tap("out", self, event, payload)
        if get_ident() == runtime.thread:
            wire.send_text(event, payload)
        else:
            runtime.call(wire.send_text, event, payload)

    @property
    def unsent_bytes(self) -> int:
        """Bytes that wait in this process for the client to read them."""
        return self._wire.unsent

    @property
    def is_full(self) -> bool:
        """Whether what is sent now waits in this process, until the client has read more."""
        return self._wire.is_full

    async def drain(self) -> None:
        """Wait until the client has read enough of what was sent to take more.

        For callbacks that send much: it lets others have their turn in any case. It ends when the
        connection does.
        """
        await self._wire.drain()

    def write_message(
        self, message: bytes | str | dict[str, Any], binary: bool = False
    ) -> asyncio.Future[None]:
        """Send a message as it is, from any thread; see `tornado.websocket.WebSocketHandler`.

        Returns:
            On the event loop, what resolves when the client has room for more; in another thread
            a future that nobody resolves there.

        Raises:
            WebSocketClosedError: the connection is closed.
        """
        if runtime.is_here or self._wire.is_closing():
            return super().write_message(message, binary)
        runtime.call(super().write_message, message, binary)
        return asyncio.Future(loop=runtime.loop)

    def ping(self, data: str | bytes = b"") -> None:
        """Send a ping of at most 125 bytes, from any thread.

        Raises:
            ValueError: the data is longer, RFC 6455 section 5.5.
            WebSocketClosedError: the connection is closed.
        """
        payload = data.encode() if isinstance(data, str) else data
        if len(payload) > MAX_CONTROL_PAYLOAD:
            raise ValueError(
                f"a ping carries at most {MAX_CONTROL_PAYLOAD} bytes, got {len(payload)}"
            )
        if self._wire.is_closing():
            raise WebSocketClosedError
        runtime.call(self._wire.write_ping, payload)

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Start the closing handshake, from any thread (RFC 6455 section 7.1.2).

        Raises:
            ValueError: the code is none that may be sent.
        """
        build_close(code, reason or "")
        runtime.call(self._wire.close, code, reason)

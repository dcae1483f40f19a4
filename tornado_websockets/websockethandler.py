"""One client's connection, as callbacks see it."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final, cast

from tornado.websocket import WebSocketClosedError, WebSocketProtocol

from tornado_websockets import access, auth
from tornado_websockets.conduct import Conduct
from tornado_websockets.encoding import encode
from tornado_websockets.entrance import Entrance
from tornado_websockets.events import LIFECYCLE_EVENTS, Callback
from tornado_websockets.exceptions import InvalidMessageError
from tornado_websockets.frames import MAX_CONTROL_PAYLOAD, build_close
from tornado_websockets.inbox import Inbox
from tornado_websockets.layers import layer
from tornado_websockets.limits import Seat
from tornado_websockets.message import Data, decode, refusal, warning
from tornado_websockets.outgoing import Outgoing
from tornado_websockets.runtime import runtime
from tornado_websockets.watch import watch
from tornado_websockets.wire import VERSION, Wire

if TYPE_CHECKING:
    from tornado_websockets.websocket import WebSocket

__all__ = ["WebSocketHandler"]

logger = logging.getLogger("tornado_websockets")

ABNORMAL: Final = 1006
"""What stands for the code of a connection that ended without one, RFC 6455 section 7.1.5."""


class WebSocketHandler(Entrance):
    """The connection of one client to a `WebSocket`: the ``socket`` of a callback.

    Tornado makes one for each handshake. What it inherits from
    `tornado.websocket.WebSocketHandler` works as documented there; `emit`, `write_message`, `ping`
    and `close` may be called from any thread.

    Attributes:
        send: sends an `Outgoing`, a message that is framed already; a client that has gone is no
            error. On the event loop only.
        websocket: the `WebSocket` that the client is connected to.
        id: 16 hexadecimal digits, unique among the connections of all servers; what stands for
            the connection in JSON.
        connected_at: time of the handshake, in UTC.
    """

    # Out of the __dict__, which beyond 30 names no longer shares their table with the others of
    # its class: 1.2 KiB for each connection.
    __slots__ = (
        "_conduct",
        "_inbox",
        "_is_metered",
        "_is_registered",
        "_json_depth",
        "_wire",
        "connected_at",
        "id",
        "seat",
        "send",
        "websocket",
    )

    send: Callable[[Outgoing], None]

    def initialize(self, websocket: WebSocket) -> None:
        """Link this connection to its `WebSocket`."""
        self.websocket = websocket
        self.id = secrets.token_hex(8)
        self.connected_at = datetime.now(UTC)
        self._is_registered = False
        self.seat = Seat()
        limits = websocket.limits
        self._conduct = Conduct(self, limits)
        self._is_metered = self._conduct.is_metered
        self._json_depth = limits.json_depth
        self._inbox = Inbox(self, websocket, self._failed, limit=limits.inbox)

    def __repr__(self) -> str:
        return f"<WebSocketHandler {self.id} of {self.websocket.path} from {self.ip}>"

    def __json__(self) -> str:
        return self.id

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
        """
        payload = encode(event, data)
        wire = self._wire
        if not wire.is_open:
            raise WebSocketClosedError
        if get_ident() == runtime.thread:
            wire.send_text(event, payload)
        else:
            runtime.call(wire.send_text, event, payload)

    async def drain(self) -> None:
        """Wait until the client has read enough of what was sent to take more.

        For callbacks that send much. It ends when the connection does.
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

    def leave(self, code: int, reason: str) -> None:
        """Take no more messages, and close when the callbacks of those that came have ended.

        To be called on the event loop.
        """
        self._wire.stop_reading()
        self._inbox.put(_LEAVE, Data(code=code, reason=reason))

    # What Tornado and the wire call, in this order.

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        if self.request.headers.get("Sec-WebSocket-Version") != VERSION:
            return None
        options = self.websocket.wire_options(self.settings)
        compression = self.get_compression_options()
        if compression is not None:
            options = options.compressed_as_tornado(compression)
        self._wire = Wire(self, options)
        self.send = self._wire.send
        return cast(WebSocketProtocol, self._wire)

    def open(self, *args: str, **kwargs: str) -> None:
        self._is_registered = True
        layer.join(self.websocket.path, self)
        self.websocket.stats.open(layer.count(self.websocket.path))
        watch.add(self)
        self._lifecycle("open")

    def on_message(self, message: str | bytes) -> None:
        """Hand a frame to the callback of its event, or answer what is wrong with it."""
        if self._is_metered and not self._conduct.allows(message):
            return
        try:
            if isinstance(message, bytes):
                raise refusal("binary_not_supported")
            event, data = decode(message, self._json_depth)
            callback = self.websocket.events.of_clients.get(event)
            if callback is None:
                raise refusal("reserved_event" if event in LIFECYCLE_EVENTS else "unknown_event")
        except InvalidMessageError as error:
            self._conduct.refuse(error.code)
            return
        self.websocket.stats.events_in += 1
        self._inbox.put(callback, data, self._wire)

    def on_close(self) -> None:
        """Unlink this connection; its ``close`` callbacks run after what it has sent."""
        self.seat.leave()
        if self._is_registered:  # Tornado also tells of one that went away in its handshake
            layer.leave(self.websocket.path, self)
            watch.discard(self)
            self.websocket.stats.closed.add(self.close_code or ABNORMAL)
            access.log_websocket(self, self.close_code or ABNORMAL)
            self._lifecycle("close")

    def warn(self, code: str) -> None:
        """Answer a frame that cannot be used with the ``warning`` event."""
        self.websocket.stats.warnings.add(code)
        self._wire.send_text("warning", warning(code))

    # Private.

    def _lifecycle(self, event: str) -> None:
        for callback in self.websocket.events.lifecycle(event):
            self._inbox.put(callback, Data())

    def _failed(self, callback: Callback, error: BaseException) -> None:
        if isinstance(error, WebSocketClosedError):
            logger.debug("%r went away during %r", self, callback)
            return
        callback.stats.errors += 1
        user = "" if self.known_user is None else f" of {auth.describe(self.known_user)}"
        logger.error("%r failed for %r%s", callback, self, user, exc_info=error)
        self.warn("handler_error")


async def _leave(socket: WebSocketHandler, data: Data) -> None:
    socket.wire.start_reading()  # the client's answer
    socket.close(data.code, data.reason)


_LEAVE: Final = Callback(_leave)

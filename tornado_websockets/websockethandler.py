"""One client's connection, as callbacks see it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast

from tornado.websocket import WebSocketClosedError, WebSocketProtocol

from tornado_websockets import access, signals
from tornado_websockets.auth import accounts
from tornado_websockets.auth.watch import watch
from tornado_websockets.events import LIFECYCLE_EVENTS, Callback
from tornado_websockets.exceptions import InvalidMessageError
from tornado_websockets.inbox import Inbox
from tornado_websockets.layers import audience, layer
from tornado_websockets.limits.census import Seat
from tornado_websockets.limits.conduct import Conduct
from tornado_websockets.message import PING, PONG, Data, decode, encode, refusal, warning
from tornado_websockets.outgoing import Outgoing
from tornado_websockets.registry import GONE
from tornado_websockets.rooms import Occupant
from tornado_websockets.tornadowrapper import TornadoWrapper
from tornado_websockets.wire import VERSION, Wire

if TYPE_CHECKING:
    from tornado_websockets.websocket import WebSocket

__all__ = ["WebSocketHandler"]

logger = logging.getLogger("tornado_websockets")

ABNORMAL: Final = 1006
"""What stands for the code of a connection that ended without one, RFC 6455 section 7.1.5."""


class WebSocketHandler(Occupant):
    """The connection of one client to a `WebSocket`: the ``socket`` of a callback.

    Tornado makes one for each handshake. What it inherits from
    `tornado.websocket.WebSocketHandler` works as documented there; `emit`, `write_message`, `ping`,
    `close`, `join` and `leave` may be called from any thread.

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
        "connected_at",
        "id",
        "seat",
        "send",
    )

    send: Callable[[Outgoing], None]

    def initialize(self, websocket: WebSocket) -> None:
        """Link this connection to its `WebSocket`.

        A subclass may do so again in `prepare`, once it knows which one; what has to hold for that
        one is checked then by calling `prepare` of this class again.
        """
        self.websocket = websocket
        self.id = secrets.token_hex(8)
        self.connected_at = datetime.now(UTC)
        self._is_registered = False
        self.seat = Seat()
        self._check = None
        self._rooms = frozenset()
        limits = websocket.limits
        self._conduct = Conduct(self, limits)
        self._is_metered = self._conduct.is_metered
        self._json_depth = limits.json_depth
        self._inbox = Inbox(self, websocket, self._failed, limit=limits.inbox)

    def __repr__(self) -> str:
        return f"<WebSocketHandler {self.id} of {self.websocket.path} from {self.ip}>"

    def __json__(self) -> str:
        return self.id

    def dismiss(self, code: int, reason: str) -> None:
        """Take no more messages, and close when the callbacks of those that came have ended.

        To be called on the event loop.
        """
        self._wire.stop_reading()
        self._inbox.put(_DISMISS, Data(code=code, reason=reason))

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
        path = self.websocket.path
        audience.join(path, self)
        self.websocket.stats.open(audience.count(path))
        if self.websocket.history is not None:
            layer().welcome(path, self, self.position)
        watch.add(self)
        TornadoWrapper.publish(signals.connection_opened, socket=self)
        self._lifecycle("open")
        if not self.websocket.is_registered:  # its path was given back during the handshake
            self.close(*GONE)

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
                if event == PING:
                    self._answer_ping()
                    return
                raise refusal("reserved_event" if event in LIFECYCLE_EVENTS else "unknown_event")
        except InvalidMessageError as error:
            self._conduct.refuse(error.code)
            return
        tap = self.websocket.tap
        if tap is not None:
            tap("in", self, event, message)
        self.websocket.stats.events_in += 1
        self._inbox.put(callback, data, self._wire)

    def on_close(self) -> None:
        """Unlink this connection; its ``close`` callbacks run after what it has sent."""
        self.seat.leave()
        if self._is_registered:  # Tornado also tells of one that went away in its handshake
            self._rooms = audience.leave(self.websocket.path, self)
            watch.discard(self)
            code = self.close_code or ABNORMAL
            self.websocket.stats.closed.add(code)
            access.log_websocket(self, code)
            TornadoWrapper.publish(
                signals.connection_closed,
                socket=self,
                code=code,
                reason=self.close_reason or "",
                duration_s=(datetime.now(UTC) - self.connected_at).total_seconds(),
            )
            self._lifecycle("close")

    def warn(self, code: str) -> None:
        """Answer a frame that cannot be used with the ``warning`` event."""
        self.websocket.stats.warnings.add(code)
        TornadoWrapper.publish(signals.warning_sent, socket=self, code=code)
        self._wire.send_text("warning", warning(code))

    # Private.

    def _answer_ping(self) -> None:
        self._wire.heartbeat.reassure = self._answer_ping
        self._wire.send_text(PONG, _PONG)

    def _lifecycle(self, event: str) -> None:
        for callback in self.websocket.events.lifecycle(event):
            self._inbox.put(callback, Data())

    def _failed(self, callback: Callback, error: BaseException) -> None:
        if isinstance(error, WebSocketClosedError):
            logger.debug("%r went away during %r", self, callback)
            return
        callback.stats.errors += 1
        TornadoWrapper.publish(
            signals.callback_failed, socket=self, event=callback.name, error=error
        )
        user = "" if self.known_user is None else f" of {accounts.describe(self.known_user)}"
        logger.error("%r failed for %r%s", callback, self, user, exc_info=error)
        self.warn("handler_error")


async def _dismiss(socket: WebSocketHandler, data: Data) -> None:
    socket.wire.start_reading()  # the client's answer
    socket.close(data.code, data.reason)


_DISMISS: Final = Callback(_dismiss)
_PONG: Final = encode(PONG)

"""One client's connection, as callbacks see it."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import secrets
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketProtocol
from tornado.websocket import WebSocketHandler as TornadoWebSocketHandler

from tornado_websockets import conf, origins
from tornado_websockets.encoding import encode
from tornado_websockets.events import LIFECYCLE_EVENTS, Callback
from tornado_websockets.exceptions import InvalidMessageError
from tornado_websockets.inbox import Inbox
from tornado_websockets.layers import layer
from tornado_websockets.message import Data, decode, refusal, warning
from tornado_websockets.runtime import runtime
from tornado_websockets.wire import wire_for

if TYPE_CHECKING:
    from tornado_websockets.websocket import WebSocket

__all__ = ["WebSocketHandler"]

logger = logging.getLogger("tornado_websockets")


class WebSocketHandler(TornadoWebSocketHandler):
    """The connection of one client to a `WebSocket`: the ``socket`` of a callback.

    Tornado makes one for each handshake. What it inherits from
    `tornado.websocket.WebSocketHandler` works as documented there; `emit` and `close` may be
    called from any thread.

    Attributes:
        websocket: the `WebSocket` that the client is connected to.
        id: 16 hexadecimal digits, unique among the connections of all servers; what stands for
            the connection in JSON.
        connected_at: time of the handshake, in UTC.
    """

    def initialize(self, websocket: WebSocket) -> None:
        """Link this connection to its `WebSocket`."""
        self.websocket = websocket
        self.id = secrets.token_hex(8)
        self.connected_at = datetime.now(UTC)
        self._inbox = Inbox(self._run_callback, limit=conf.get().limits.inbox)

    def __repr__(self) -> str:
        return f"<WebSocketHandler {self.id} of {self.websocket.path} from {self.ip}>"

    def __json__(self) -> str:
        return self.id

    @property
    def ip(self) -> str:
        """The client's address."""
        return self.request.remote_ip or ""

    @property
    def is_paused(self) -> bool:
        """True while too many messages wait for a callback, and no more are read."""
        return self._inbox.is_full

    def emit(self, event: str, data: Any = None) -> None:
        """Send an event to this client, from any thread.

        Args:
            event: name of the event.
            data: a dictionary; a string is sent as ``{"message": string}``, None as ``{}``.

        Raises:
            EncodeError: a value in data cannot be encoded; names its key path.
            WebSocketClosedError: the connection is closed.
        """
        frame = encode(event, data)
        if self.ws_connection is None:
            raise WebSocketClosedError
        runtime.call(self.send, frame)

    def send(self, frame: bytes) -> None:
        """Send a frame that is encoded already; a client that has gone is no error."""
        with contextlib.suppress(WebSocketClosedError):
            self.write_message(frame).add_done_callback(_retrieve)

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Start the closing handshake, from any thread (RFC 6455 section 7.1.2)."""
        runtime.call(super().close, code, reason)

    # What Tornado calls, in this order.

    def prepare(self) -> None:
        headers = self.request.headers
        reason = origins.refusal(
            headers.get_list("Host"), headers.get_list("Origin"), conf.allowed_hosts()
        )
        if reason:
            raise HTTPError(403, "%s", reason)

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        return wire_for(self)

    def check_origin(self, origin: str) -> bool:
        return True  # prepare() has checked it, also where Tornado does not ask

    def open(self, *args: str, **kwargs: str) -> None:
        layer.join(self.websocket.path, self)
        self._lifecycle("open")

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        """Hand a frame to the callback of its event, or answer what is wrong with it."""
        try:
            callback, data = self._read(message)
        except InvalidMessageError as error:
            self.warn(error.code)
            return None
        return self._inbox.put(callback, data)

    def on_close(self) -> None:
        """Unlink this connection; its ``close`` callbacks run after what it has sent."""
        layer.leave(self.websocket.path, self)
        self._lifecycle("close")

    def warn(self, code: str) -> None:
        """Answer a frame that cannot be used with the ``warning`` event."""
        self.send(warning(code))

    def _read(self, frame: str | bytes) -> tuple[Callback, Data]:
        if isinstance(frame, bytes):
            raise refusal("binary_not_supported")
        event, data = decode(frame)
        if event in LIFECYCLE_EVENTS:
            raise refusal("reserved_event")
        callback = self.websocket.events.get(event)
        if callback is None:
            raise refusal("unknown_event")
        return callback, data

    def _lifecycle(self, event: str) -> None:
        for callback in self.websocket.events.lifecycle(event):
            self._inbox.put(callback, Data())

    async def _run_callback(self, callback: Callback, data: Data) -> None:
        try:
            context = self.websocket.context
            if callback.is_async:
                await callback(context, self, data)
            else:
                result = await runtime.in_thread(callback, context, self, data)
                if inspect.isawaitable(result):
                    await result
        except WebSocketClosedError:
            logger.debug("%r went away during %r", self, callback)
        except (Exception, asyncio.CancelledError) as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise  # the server stops; otherwise what the callback awaited was cancelled
            logger.exception("%r failed for %r", callback, self)
            self.warn("handler_error")


def _retrieve(written: asyncio.Future[None]) -> None:
    # A client that goes away while a frame is written is seen by on_close; an error that nobody
    # retrieves would be logged by asyncio.
    if not written.cancelled():
        written.exception()

"""One connection: messages in, messages out, and how it ends (RFC 6455)."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING, Any, Final, cast

from tornado.util import _websocket_mask

from tornado_websockets.deflate import Compression
from tornado_websockets.exceptions import ProtocolError
from tornado_websockets.framereader import FrameReader
from tornado_websockets.frames import BINARY, PING, PONG, TEXT, build, build_close, build_text
from tornado_websockets.outgoing import Outgoing, build_message
from tornado_websockets.wire.ending import Ending
from tornado_websockets.wire.handshake import Handshake, HandshakeError, take_stream
from tornado_websockets.wire.heartbeat import PING_TIMEOUT, Heartbeat
from tornado_websockets.wire.sender import Sender
from tornado_websockets.wire.stream import Transport, attach

if TYPE_CHECKING:
    from tornado_websockets.websockethandler import WebSocketHandler
    from tornado_websockets.wire.options import WireOptions

__all__ = ["Wire"]

logger = logging.getLogger("tornado_websockets")

TOO_SLOW: Final = (4008, "reader too slow")


class Wire(asyncio.Protocol):
    """The connection of a handler, and its ``ws_connection``; all of it on the event loop.

    Attributes:
        heartbeat: pings the client.
        selected_subprotocol: what the handler has chosen, or None.
    """

    __slots__ = (
        "_compression",
        "_ending",
        "_handler",
        "_is_paused",
        "_options",
        "_reader",
        "_response",
        "_sender",
        "_stats",
        "_transport",
        "heartbeat",
        "is_open",
        "selected_subprotocol",
    )

    def __init__(self, handler: WebSocketHandler, options: WireOptions) -> None:
        self.selected_subprotocol: str | None = None
        self._handler = handler
        self._options = options
        self._stats = handler.websocket.stats
        self._compression: tuple[int, Compression] | None = None  # window bits and how
        self.is_open = False
        self._is_paused = False

    # What Tornado's handler calls.

    async def accept_connection(self, handler: WebSocketHandler) -> None:
        """Answer the handshake, and take the connection from Tornado."""
        options = self._options
        try:
            handshake = Handshake.of(handler, options.compression)
        except HandshakeError as error:
            handler.set_status(400)
            handler.finish(str(error))
            return
        self.selected_subprotocol = handshake.subprotocol
        self._compression = handshake.compression
        self._reader = FrameReader(
            _websocket_mask, max_size=options.max_size, inflater=handshake.inflater
        )
        stream = take_stream(handler)
        if not stream.closed():
            self._response = handshake.response
            pipelined = await attach(stream, self)
            if pipelined:
                self.data_received(pipelined)

    def is_closing(self) -> bool:
        """Return True from the first close frame on, in either direction."""
        return not self.is_open

    def write_message(self, message: str | bytes, binary: bool = False) -> asyncio.Future[None]:
        """Send a message; the future resolves when the client's buffer has room for another."""
        payload = message.encode() if isinstance(message, str) else message
        self._send(build_message(BINARY if binary else TEXT, payload, self._compression), "")
        return asyncio.ensure_future(self._sender.drain())

    def write_ping(self, data: bytes) -> None:
        """Send a ping, at most 125 bytes."""
        self._send(build(PING, data), "")

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Start the closing handshake; what was sent before is delivered before.

        Raises:
            ValueError: the code is none that may be sent.
        """
        if code is None and reason is not None:
            code = 1000
        frame = build_close(code, reason or "")
        if self.is_open:
            self.is_open = False
            self._ending.begin(frame)

    def set_nodelay(self, value: bool) -> None:
        """Set the socket's TCP_NODELAY, which transports switch on."""
        sock: socket.socket = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(value))

    def on_connection_close(self) -> None:
        """Cut the connection without a word."""
        self._transport.abort()

    # What our handler calls.

    @property
    def unsent(self) -> int:
        """Bytes that wait for the client to read."""
        return self._sender.unsent

    @property
    def is_full(self) -> bool:
        """Whether what is sent now has to wait, until the client has read more."""
        return self._sender.is_full

    def send(self, outgoing: Outgoing) -> None:
        """Send a message that may go to others too; after a close it is dropped."""
        if self._compression is None:
            self._send_event(outgoing.frame, outgoing.event)
        else:
            self._send_event(outgoing.compressed(*self._compression), outgoing.event)

    def send_text(self, event: str, payload: bytes) -> None:
        """Send a message to this client alone; after a close it is dropped."""
        if self._compression is not None:
            self.send(Outgoing(event, payload))
        else:
            self._send_event(build_text(payload), event)

    async def drain(self) -> None:
        """Wait until the client has read enough to take more, and let others have a turn."""
        await asyncio.sleep(0)  # a transport that broke takes everything, and says so in a turn
        await self._sender.drain()

    def fail(self, error: ProtocolError) -> None:
        """End the connection for what the client sends, and throw away what it still sends."""
        self._reader.fail(error)
        self.heartbeat.stop()
        was_open, self.is_open = self.is_open, False
        self._ending.fail(error, was_open=was_open)

    def stop_reading(self) -> None:
        """Read no more from the client, and expect no answer to pings."""
        if not (self._is_paused or self._transport.is_closing()):
            self._is_paused = self.heartbeat.is_suspended = True
            self._transport.pause_reading()

    def start_reading(self) -> None:
        """Read from the client again."""
        if self._is_paused and not self._transport.is_closing():
            self._is_paused = self.heartbeat.is_suspended = False
            self.heartbeat.is_alive = True
            self._transport.resume_reading()

    # What the transport calls, see `asyncio.Protocol`.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(Transport, transport)
        self._transport.write(self._response)
        del self._response
        self._sender = Sender(self._transport, self._options)
        self._ending = Ending(self._transport, self._sender)
        self.heartbeat = Heartbeat(
            self._options.ping_interval,
            self._options.ping_timeout,
            ping=self._sender.send_ping,
            unsent=self._transport.get_write_buffer_size,
            gone=self._disappeared,
        )
        self.heartbeat.start()
        self.is_open = True
        self._handler.open(*self._handler.open_args, **self._handler.open_kwargs)

    def data_received(self, data: bytes) -> None:
        self.heartbeat.is_alive = True
        self._stats.bytes_in += len(data)
        for opcode, payload in self._reader.feed(data):
            if opcode > BINARY:
                self._control(opcode, payload)
            elif self.is_open:
                self._handler.on_message(payload)  # type: ignore[arg-type]
        if self._reader.error is not None:
            self.fail(self._reader.error)
            self._ending.discard(len(data))

    def pause_writing(self) -> None:
        self._sender.pause()

    def resume_writing(self) -> None:
        self.heartbeat.is_alive = True  # it has read what was in the way
        self._sender.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        self.heartbeat.stop()
        self._ending.stop()
        self._sender.release()
        self._handler.on_ws_connection_close(self._ending.code, self._ending.reason)

    # Private.

    def _send_event(self, frame: bytes, event: str) -> None:
        stats = self._stats
        stats.events_out += 1
        stats.bytes_out += len(frame)
        if self.is_open and not self._sender.is_full:
            self._transport.write(frame)
        else:
            self._send(frame, event)

    def _send(self, frame: bytes, event: str) -> None:
        if not self.is_open:
            return
        dropped = self._sender.dropped
        if not self._sender.send(frame, event):
            logger.warning("%r reads too slowly and is closed", self._handler)
            self._stats.slow.add("closed")
            self.is_open = False
            self._ending.cut(*TOO_SLOW)
        elif self._sender.dropped > dropped:
            self._stats.slow.add("dropped")

    def _control(self, opcode: int, payload: Any) -> None:
        if opcode == PING:
            if self.is_open:
                self._sender.send_pong(payload)
            self._handler.on_ping(payload)
        elif opcode == PONG:
            self._handler.on_pong(payload)
        else:
            was_open, self.is_open = self.is_open, False
            self._ending.answer(*payload, was_open=was_open)

    def _disappeared(self) -> None:
        if self.is_open and not self._sender.is_full:
            self._transport.write(build_close(*PING_TIMEOUT))
        self.is_open = False
        self._ending.cut(*PING_TIMEOUT)

"""From Tornado's stream to an asyncio transport.

After the handshake Tornado's ``IOStream`` has no more to do: its socket goes to a transport of the
event loop, which costs less for each message, in time and in memory. A stream that cannot give its
socket away, such as one of TLS, is wrapped to look like a transport instead.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any, Final, Protocol, cast

from tornado.iostream import IOStream, StreamClosedError

__all__ = ["StreamTransport", "Transport", "attach", "forget_unread"]

logger = logging.getLogger("tornado_websockets")

HIGH_WATER: Final = 64 * 1024
"""Bytes in a transport's buffer from which its client reads too slowly."""

READ_SIZE: Final = 64 * 1024


class Transport(Protocol):
    """What a wire uses of a transport, see `asyncio.Transport`."""

    def write(self, data: bytes) -> None: ...
    def write_eof(self) -> None: ...
    def can_write_eof(self) -> bool: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...
    def is_closing(self) -> bool: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def get_write_buffer_size(self) -> int: ...
    def get_extra_info(self, name: str, default: Any = None) -> Any: ...


async def attach(stream: IOStream, protocol: asyncio.Protocol) -> bytes:
    """Give the connection of a stream to a protocol, and return what was read from it already."""
    pipelined = bytes(stream._read_buffer)
    # Only of this very class is it known that it reads and writes its socket as it is.
    if type(stream) is not IOStream or stream.writing():
        forget_unread(stream)
        stream.set_nodelay(True)  # as asyncio's transports do
        protocol.connection_made(cast(asyncio.Transport, StreamTransport(stream, protocol)))
        return pipelined
    sock: socket.socket = stream.socket
    stream.io_loop.remove_handler(sock)
    stream.socket = None  # type: ignore[assignment]  # so that nothing closes it
    loop = asyncio.get_running_loop()
    await loop.connect_accepted_socket(lambda: protocol, sock)
    return pipelined


def forget_unread(stream: IOStream) -> None:
    """Throw away what was read from a connection and not taken yet."""
    stream._read_buffer.clear()
    stream._read_buffer_size = 0


class StreamTransport:
    """Tornado's stream as a transport."""

    def __init__(self, stream: IOStream, protocol: asyncio.Protocol) -> None:
        self._stream = stream
        self._protocol = protocol
        self._unsent = 0
        self._is_paused = False  # the protocol was told to stop writing
        self._is_closing = False
        self._room = asyncio.Event()
        self._room.set()
        stream.set_close_callback(self._room.set)  # so that the end is seen while it is paused
        self._reading = asyncio.create_task(self._read())

    def write(self, data: bytes) -> None:
        if self._stream.closed():
            return
        self._unsent += len(data)
        written = asyncio.ensure_future(self._stream.write(data))
        written.add_done_callback(lambda future: self._written(future, len(data)))
        if self._unsent > HIGH_WATER and not self._is_paused:
            self._is_paused = True
            self._protocol.pause_writing()

    def can_write_eof(self) -> bool:
        return False

    def write_eof(self) -> None:
        raise NotImplementedError("TLS has no half-closed connections")

    def close(self) -> None:
        self._is_closing = True
        if not self._unsent:
            self._stream.close()

    def abort(self) -> None:
        self._is_closing = True
        self._stream.close()

    def is_closing(self) -> bool:
        return self._is_closing or self._stream.closed()

    def pause_reading(self) -> None:
        if not self._stream.closed():
            self._room.clear()

    def resume_reading(self) -> None:
        self._room.set()

    def get_write_buffer_size(self) -> int:
        return self._unsent

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._stream.socket if name == "socket" else default

    def _written(self, future: asyncio.Future[None], size: int) -> None:
        self._unsent -= size
        if future.cancelled() or future.exception() is not None:
            return  # _read() sees the end of the connection
        if self._is_paused and self._unsent <= HIGH_WATER // 4:
            self._is_paused = False
            self._protocol.resume_writing()
        if self._is_closing and not self._unsent:
            self._stream.close()

    async def _read(self) -> None:
        try:
            while True:
                await self._room.wait()
                data = await self._stream.read_bytes(READ_SIZE, partial=True)
                self._protocol.data_received(data)
                if not self._is_closing:
                    # What is there already comes without a wait. As with asyncio's transports
                    # everybody else has a turn in between, and what was answered goes out.
                    await asyncio.sleep(0)
        except StreamClosedError as error:
            self._is_closing = True
            self._protocol.connection_lost(error.real_error)  # type: ignore[arg-type]
        except Exception as error:
            # As asyncio's transports do it: what fails here ends this connection, and no other.
            logger.exception("received data could not be handled")
            self.abort()
            self._protocol.connection_lost(error)

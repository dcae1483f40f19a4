"""What is sent to one client, in order, however slowly it reads."""

from __future__ import annotations

import asyncio
from typing import Final

from tornado_websockets.frames import PING, PONG, build
from tornado_websockets.outbox import Outbox
from tornado_websockets.wire.options import WireOptions
from tornado_websockets.wire.stream import Transport

__all__ = ["Sender"]

PING_FRAME: Final = build(PING, b"")


class Sender:
    """Writes frames to a transport, or keeps them while its buffer is full.

    Attributes:
        is_full: True while the transport takes no more.
    """

    __slots__ = ("_drained", "_last", "_options", "_outbox", "_pong", "_transport", "is_full")

    def __init__(self, transport: Transport, options: WireOptions) -> None:
        self.is_full = False
        self._transport = transport
        self._options = options
        self._outbox: Outbox | None = None
        self._pong: bytes | None = None
        self._last: bytes | None = None
        self._drained: asyncio.Future[None] | None = None

    @property
    def unsent(self) -> int:
        """Bytes that wait for the client to read."""
        waiting = self._outbox.size if self._outbox is not None else 0
        return self._transport.get_write_buffer_size() + waiting

    @property
    def dropped(self) -> int:
        """Frames that the client will never get."""
        return self._outbox.dropped if self._outbox is not None else 0

    def send(self, frame: bytes, event: str) -> bool:
        """Send a frame, and return False when the client reads too slowly for its policy."""
        if not self.is_full:
            self._transport.write(frame)
            return True
        if self._outbox is None:
            options = self._options
            self._outbox = Outbox(options.slow_reader, options.send_bytes, options.send_frames)
        return self._outbox.put(frame, event)

    def send_ping(self) -> None:
        """Send a ping, but not behind what waits: it would be answered too late."""
        if not (self.is_full or self._transport.is_closing()):
            self._transport.write(PING_FRAME)

    def send_pong(self, data: bytes) -> None:
        """Answer a ping; only the latest has to be answered, RFC 6455 section 5.5.3."""
        if self.is_full:
            self._pong = data
        else:
            self._transport.write(build(PONG, data))

    def send_last(self, frame: bytes) -> None:
        """Send a close frame, behind all that waits."""
        if self.is_full:
            self._last = frame
        else:
            self._transport.write(frame)

    def clear(self) -> None:
        """Forget what waits: nobody will read it."""
        if self._outbox is not None:
            self._outbox.clear()

    def pause(self) -> None:
        """Keep frames from now on: the transport's buffer is full."""
        self.is_full = True

    def resume(self) -> None:
        """Send what waits, until the buffer is full again."""
        self.is_full = False
        if self._pong is not None:
            pong, self._pong = self._pong, None
            self._transport.write(build(PONG, pong))
        while self._outbox and not self.is_full:
            self._transport.write(self._outbox.pop())
        if self._last is not None and not self.is_full:
            last, self._last = self._last, None
            self._transport.write(last)
        if not self.is_full:
            self.release()

    async def drain(self) -> None:
        """Wait until a frame would be written at once, or the connection is lost."""
        while self.is_full:
            if self._drained is None:
                self._drained = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._drained)

    def release(self) -> None:
        """Let those go on who wait in `drain`."""
        self.is_full = False
        drained, self._drained = self._drained, None
        if drained is not None:
            drained.set_result(None)

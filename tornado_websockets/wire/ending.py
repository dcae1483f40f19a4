"""How a connection ends: who said what, and how long the other side has."""

from __future__ import annotations

import asyncio
from typing import Final

from tornado_websockets.exceptions import ProtocolError
from tornado_websockets.frames import NO_STATUS, build_close
from tornado_websockets.wire.sender import Sender
from tornado_websockets.wire.stream import Transport

__all__ = ["Ending"]

CLOSE_TIMEOUT_S: Final = 5.0
"""Seconds that a client has to answer a close, before its connection is cut."""

LINGER_S: Final = 2.0
"""Seconds for which what a failed client sends is read and thrown away, so that it can read why."""

MAX_DISCARDED: Final = 256 * 1024
"""Bytes of it that are read: who sends for ever would only be served by more."""


class Ending:
    """Ends one connection, in one of the four ways that there are.

    Attributes:
        code: how it ended; None while it lasts, and when the client gave no code or just left.
        reason: the sentence that came with the code.
        has_failed: True when the client has made a mistake: what it still sends is for `discard`.
    """

    __slots__ = ("_discarded", "_sender", "_timer", "_transport", "code", "has_failed", "reason")

    def __init__(self, transport: Transport, sender: Sender) -> None:
        self.code: int | None = None
        self.reason: str | None = None
        self._transport = transport
        self._sender = sender
        self.has_failed = False
        self._discarded = 0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, frame: bytes) -> None:
        """Send a close frame, behind all that waits, and wait for the client's."""
        self._sender.send_last(frame)
        self._end_within(CLOSE_TIMEOUT_S)

    def answer(self, code: int, reason: str, *, was_open: bool) -> None:
        """Take the client's close frame, answer it if it came first, and end the connection."""
        if self.code is None:
            self.code = None if code == NO_STATUS else code
            self.reason = reason or None
        if was_open:
            self._sender.clear()  # the client reads no more of it
            self.begin(build_close(self.code))
        self._transport.close()

    def fail(self, error: ProtocolError, *, was_open: bool) -> None:
        """Tell the client what it did wrong, and end the connection, RFC 6455 section 7.1.7."""
        if self.code is not None or self._transport.is_closing():
            return
        self.code, self.reason = error.code, error.reason
        self.has_failed = True
        if was_open:
            self._sender.send_last(build_close(error.code, error.reason))
        # A socket that is closed with unread data sends a reset, which may overtake the frame.
        if not self._transport.can_write_eof():
            self._transport.close()
        elif not self._sender.is_full:  # or the frame could not be written any more
            self._transport.write_eof()
        self._end_within(LINGER_S)

    def discard(self, size: int) -> None:
        """Throw away so many bytes that a failed client has sent, up to a limit: then it waits."""
        self._discarded += size
        if self._discarded > MAX_DISCARDED:
            self._transport.pause_reading()

    def cut(self, code: int, reason: str) -> None:
        """End the connection at once, without waiting for anything."""
        self.code, self.reason = code, reason
        self._sender.clear()
        self._transport.abort()

    def stop(self) -> None:
        """Forget the timer: the connection has ended."""
        if self._timer is not None:
            self._timer.cancel()

    def _end_within(self, delay_s: float) -> None:
        self.stop()
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._transport.abort)

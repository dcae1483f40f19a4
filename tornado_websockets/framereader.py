"""Reads the frames of a client: bytes in any pieces to whole messages, RFC 6455 section 5.

Pure: no I/O. A `FrameReader` is fed with what arrives, in any pieces, and returns the same messages
and ends with the same error whatever the pieces were. Only what is wrong in several ways at once,
inside a compressed message, may be told as another of them.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Final, Protocol

from tornado_websockets.exceptions import ProtocolError
from tornado_websockets.frames import (
    CLOSE,
    FIN,
    MASK,
    MAX_CONTROL_PAYLOAD,
    PING,
    PONG,
    RESERVED,
    RSV1,
    TEXT,
    Close,
    check_data_head,
    read_close,
    read_length,
)

__all__ = ["FrameReader", "Inflater", "Message"]

WHOLE_TEXT: Final = FIN | TEXT
NOT_UTF_8: Final = "text that is not UTF-8"

Message = tuple[int, "str | bytes | Close"]
"""An opcode, and a text, the bytes of a binary message, of a ping or pong, or a `Close`."""


class Inflater(Protocol):
    """Undoes the compression of one message after another, RFC 7692."""

    def inflate(self, data: bytes, max_size: int) -> bytes:
        """Return what a piece of a message expands to; ProtocolError 1009 beyond max_size."""

    def finish(self, max_size: int) -> bytes:
        """Return the rest of a message."""


class FrameReader:
    """Reads the frames of one client.

    Args:
        unmask: gives the payload for its mask of 4 bytes and what was sent.
        max_size: bytes of a message, as sent and as expanded.
        inflater: None when no compression was agreed on.

    Attributes:
        error: why the connection has to fail; what was returned before it is good.
        pending: bytes of a message that is not complete.
    """

    __slots__ = (
        "_closed",
        "_compressed",
        "_decoder",
        "_fin",
        "_head",
        "_inflater",
        "_mask",
        "_max_size",
        "_offset",
        "_opcode",
        "_payload",
        "_remaining",
        "_short",
        "_unmask",
        "error",
        "pending",
    )

    def __init__(
        self,
        unmask: Callable[[bytes, bytes], bytes],
        *,
        max_size: int,
        inflater: Inflater | None = None,
    ) -> None:
        self.error: ProtocolError | None = None
        self.pending = 0
        self._unmask = unmask
        self._max_size = max_size
        self._short = min(max_size, 125)
        self._inflater = inflater
        self._closed = False
        # A header, or a control frame, of which more is to come.
        self._head = b""
        # The data frame whose payload is arriving.
        self._remaining = 0
        self._fin = True
        self._mask, self._offset = b"", 0
        # The message that it belongs to; opcode 0 is none.
        self._opcode = 0
        self._compressed = False
        # Not a list of its pieces: of a byte each, they would take 42 times the memory.
        self._payload = bytearray()
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that are complete with these bytes."""
        size = len(data) - 6
        # What almost all clients send: one short text, which came alone and whole.
        if (
            0 <= size <= self._short
            and data[0] == WHOLE_TEXT
            and data[1] - MASK == size
            and not (self._opcode or self._head or self._closed)
        ):
            try:
                return [(TEXT, self._unmask(data[2:6], data[6:]).decode())]
            except UnicodeDecodeError:
                self.fail(ProtocolError(1007, NOT_UTF_8))
                return []
        return self._feed(data)

    def _feed(self, data: bytes) -> list[Message]:
        messages: list[Message] = []
        if self._head:
            data = self._head + data
            self._head = b""
        position, end = 0, len(data)
        try:
            while position < end and not self._closed:
                if self._remaining:
                    position = self._read_payload(data, position, messages)
                    continue
                start = position
                position = self._read_text(data, start, messages) or self._read_frame(
                    data, start, messages
                )
                if not position:
                    self._head = data[start:]
                    break
        except ProtocolError as error:
            self.fail(error)
        except UnicodeDecodeError:
            self.fail(ProtocolError(1007, NOT_UTF_8))
        return messages

    def fail(self, error: ProtocolError) -> None:
        """Take no more, for an error found here or in what the messages say."""
        self.error = error
        self._closed = True
        self._payload.clear()

    # Private. What reads a frame returns the position behind it, 0 when there is not enough of it.

    def _read_text(self, data: bytes, position: int, messages: list[Message]) -> int:
        """Read the frame that almost all are: a whole short text, alone in its message."""
        if len(data) - position < 8 or data[position] != WHOLE_TEXT or self._opcode:
            return 0
        mask = position + 2
        length = data[position + 1] - MASK
        if length == 126:
            length = data[mask] << 8 | data[mask + 1]
            mask += 2
            if length < 126:
                return 0
        start, end = mask + 4, mask + 4 + length
        if not 0 <= length <= self._max_size or length == 127 or end > len(data):
            return 0
        messages.append((TEXT, self._unmask(data[mask:start], data[start:end]).decode()))
        return end

    def _read_frame(self, data: bytes, position: int, messages: list[Message]) -> int:
        """Read any frame; the payload of a data frame need not be there yet."""
        if len(data) - position < 2:
            return 0
        first, second = data[position], data[position + 1]
        if not second & MASK:
            raise ProtocolError(1002, "a frame without mask")
        if first & 0x8:
            return self._read_control(data, position, messages)
        check_data_head(first, inside=bool(self._opcode), deflated=self._inflater is not None)
        length, start = read_length(data, position)
        if not start:
            return 0
        if self.pending + length > self._max_size:
            raise ProtocolError(1009, f"a message of more than {self._max_size} bytes")
        if len(data) - start < 4:
            return 0
        self._begin(first, length, data[start : start + 4])
        if not length:
            self._end_frame(messages)
        return start + 4

    def _read_control(self, data: bytes, position: int, messages: list[Message]) -> int:
        first, length = data[position], data[position + 1] - MASK
        opcode = first & 0xF
        if first & RESERVED:
            raise ProtocolError(1002, "a reserved bit")
        if opcode not in (CLOSE, PING, PONG):
            raise ProtocolError(1002, "a reserved opcode")
        if not first & FIN:
            raise ProtocolError(1002, "a control frame in fragments")
        if length > MAX_CONTROL_PAYLOAD:
            raise ProtocolError(1002, "a control frame of more than 125 bytes")
        start = position + 6
        if len(data) < start + length:
            return 0
        payload = self._unmask(data[position + 2 : start], data[start : start + length])
        messages.append((opcode, read_close(payload) if opcode == CLOSE else payload))
        self._closed = opcode == CLOSE
        return start + length

    def _begin(self, first: int, length: int, mask: bytes) -> None:
        if first & 0xF:
            self._opcode = first & 0xF
            self._compressed = bool(first & RSV1)
        self._fin = bool(first & FIN)
        self._remaining = length
        self._mask = mask
        self._offset = 0
        self.pending += length

    def _read_payload(self, data: bytes, position: int, messages: list[Message]) -> int:
        chunk = data[position : position + self._remaining]
        turn = self._offset & 3
        mask = self._mask[turn:] + self._mask[:turn] if turn else self._mask
        self._offset += len(chunk)
        self._remaining -= len(chunk)
        self._take(self._unmask(mask, chunk))
        if not self._remaining:
            self._end_frame(messages)
        return position + len(chunk)

    def _take(self, chunk: bytes) -> None:
        """Add a piece of the message, expanded and decoded at once, to fail at once."""
        if self._compressed and self._inflater is not None:
            chunk = self._inflater.inflate(chunk, self._max_size)
        self._add(chunk, final=False)

    def _add(self, chunk: bytes, *, final: bool) -> None:
        if self._opcode == TEXT:
            self._decoder.decode(chunk, final)
        self._payload += chunk

    def _end_frame(self, messages: list[Message]) -> None:
        if not self._fin:
            return
        rest = b""
        if self._compressed and self._inflater is not None:
            rest = self._inflater.finish(self._max_size)
        self._add(rest, final=True)
        payload = self._payload
        content = payload.decode() if self._opcode == TEXT else bytes(payload)
        messages.append((self._opcode, content))
        self._payload = bytearray()
        self._opcode = 0
        self.pending = 0

"""The frames of RFC 6455: their opcodes, their codes, and how a server builds them.

Pure: no I/O. `tornado_websockets.framereader` reads what a client sends.
"""

from __future__ import annotations

import struct
from typing import Final

from tornado_websockets.exceptions import ProtocolError

__all__ = [
    "BINARY",
    "CLOSE",
    "CONTINUATION",
    "MAX_CONTROL_PAYLOAD",
    "NO_STATUS",
    "PING",
    "PONG",
    "TEXT",
    "Close",
    "build",
    "build_close",
    "build_text",
    "check_data_head",
    "is_valid_code",
    "read_close",
    "read_length",
]

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

FIN: Final = 0x80
RSV1: Final = 0x40
RESERVED: Final = 0x70
MASK: Final = 0x80

MAX_CONTROL_PAYLOAD: Final = 125
"""Bytes that a control frame may carry, RFC 6455 section 5.5."""

NO_STATUS: Final = 1005
"""What stands for the code of a close frame without one, RFC 6455 section 7.1.5."""

Close = tuple[int, str]
"""Code and reason of a close frame."""


def build(opcode: int, payload: bytes, *, compressed: bool = False) -> bytes:
    """Return the frame of a whole message or of a control frame, unmasked as servers send it."""
    first = FIN | RSV1 | opcode if compressed else FIN | opcode
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 1 << 16:
        return struct.pack("!BBH", first, 126, size) + payload
    return struct.pack("!BBQ", first, 127, size) + payload


def build_text(payload: bytes) -> bytes:
    """Return the frame of a whole text message: what `build` does, for what is sent most."""
    size = len(payload)
    if size < 126:
        return _TEXT_HEADS[size] + payload
    return build(TEXT, payload)


_TEXT_HEADS: Final = [bytes((FIN | TEXT, size)) for size in range(126)]


def build_close(code: int | None = None, reason: str = "") -> bytes:
    """Return a close frame.

    Args:
        code: None sends none, and no reason.
        reason: cut where its UTF-8 would not fit, RFC 6455 section 5.5.

    Raises:
        ValueError: the code is none that may be sent, RFC 6455 section 7.4.
    """
    if code is None:
        return build(CLOSE, b"")
    if not is_valid_code(code):
        raise ValueError(
            f"a close code is one of RFC 6455, below 1015, or between 3000 and 4999, got {code}"
        )
    text = reason.encode()[: MAX_CONTROL_PAYLOAD - 2].decode(errors="ignore")
    return build(CLOSE, struct.pack("!H", code) + text.encode())


def is_valid_code(code: int) -> bool:
    """Return whether a close frame may carry a code, RFC 6455 section 7.4 and IANA's registry."""
    return 3000 <= code <= 4999 or (1000 <= code <= 1014 and code not in (1004, 1005, 1006))


def check_data_head(first: int, *, inside: bool, deflated: bool) -> None:
    """Refuse the first byte of a data frame that cannot be where it is.

    Args:
        first: final bit, reserved bits and opcode.
        inside: a message has begun and not ended.
        deflated: compression was agreed on.

    Raises:
        ProtocolError: says what is wrong with it.
    """
    opcode = first & 0xF
    allowed = RSV1 if deflated and opcode else 0
    if first & RESERVED & ~allowed:
        raise ProtocolError(1002, "a reserved bit")
    if opcode > BINARY:
        raise ProtocolError(1002, "a reserved opcode")
    if opcode and inside:
        raise ProtocolError(1002, "a message inside another one")
    if not opcode and not inside:
        raise ProtocolError(1002, "a continuation of nothing")


def read_close(payload: bytes) -> Close:
    """Return code and reason of a close frame.

    Raises:
        ProtocolError: the payload is no code, or one that may not be sent.
        UnicodeDecodeError: the reason is not UTF-8.
    """
    if not payload:
        return NO_STATUS, ""
    if len(payload) == 1:
        raise ProtocolError(1002, "half a close code")
    (code,) = struct.unpack_from("!H", payload)
    if not is_valid_code(code):
        raise ProtocolError(1002, f"the close code {code}")
    return code, payload[2:].decode()


def read_length(data: bytes, position: int) -> tuple[int, int]:
    """Return the length of a payload and where its mask begins, 0 when that is not there yet."""
    length = data[position + 1] - MASK
    if length < 126:
        return length, position + 2
    form, shortest, start = ("!H", 126, 4) if length == 126 else ("!Q", 1 << 16, 10)
    if len(data) - position < start:
        return 0, 0
    (length,) = struct.unpack_from(form, data, position + 2)
    if length < shortest:
        raise ProtocolError(1002, "a length in more bytes than it needs")
    if length >> 63:
        raise ProtocolError(1002, "a length with its highest bit set")
    return length, position + start

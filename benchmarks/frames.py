"""The client's half of RFC 6455, as little as a load generator needs."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from benchmarks.errors import MeasureError

__all__ = ["CLOSE", "PING", "PONG", "TEXT", "Frame", "accepted", "masked", "request", "split"]

TEXT: Final = 0x1
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

KEY: Final = base64.b64encode(b"benchmark client").decode()
GUID: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
ACCEPT: Final = base64.b64encode(
    hashlib.sha1((KEY + GUID).encode(), usedforsecurity=False).digest()
)
DEFLATE: Final = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
MASK: Final = bytes.fromhex("37fa213d")


class Frame(NamedTuple):
    """One frame of a server.

    Attributes:
        raw: its bytes on the wire.
    """

    opcode: int
    payload: bytes
    raw: bytes


def request(port: int, path: str, *, deflate: bool) -> bytes:
    """Return a handshake as a browser's page of the same origin sends it."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Origin: http://127.0.0.1:{port}",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Version: 13",
    ]
    if deflate:
        lines.append(f"Sec-WebSocket-Extensions: {DEFLATE}")
    return "\r\n".join([*lines, "", ""]).encode()


def accepted(response: bytes, *, deflate: bool) -> None:
    """Check the answer to a handshake.

    Raises:
        MeasureError: it is refused, or agreed on something that was not asked for.
    """
    lines = response.split(b"\r\n")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (x.partition(b":") for x in lines)
    }
    if b" 101 " not in lines[0] + b" " or headers.get(b"sec-websocket-accept") != ACCEPT:
        raise MeasureError(f"expected a handshake to be accepted, got {response[:200]!r}")
    extensions = headers.get(b"sec-websocket-extensions", b"")
    if deflate and b"server_no_context_takeover" not in extensions:
        raise MeasureError(f"expected {DEFLATE!r} to be accepted, got {extensions!r}")
    if extensions and not deflate:
        raise MeasureError(f"expected no extension, got {extensions!r}")


def masked(payload: bytes, opcode: int = TEXT) -> bytes:
    """Return a client's frame."""
    size = len(payload)
    head = bytes((0x80 | opcode,))
    if size < 126:
        head += bytes((0x80 | size,))
    elif size < 65536:
        head += b"\xfe" + size.to_bytes(2, "big")
    else:
        head += b"\xff" + size.to_bytes(8, "big")
    return head + MASK + bytes(byte ^ MASK[i % 4] for i, byte in enumerate(payload))


def split(buffer: bytearray) -> Iterator[Frame]:
    """Take the complete frames from the front of a buffer.

    Raises:
        MeasureError: a frame is masked, a fragment, or has a reserved bit but that of deflate.
    """
    while len(buffer) >= 2:
        if buffer[0] & 0xB0 != 0x80 or buffer[1] & 0x80:
            raise MeasureError(
                f"expected an unmasked frame that is not a fragment, got {bytes(buffer[:16])!r}"
            )
        start, size = 2, buffer[1]
        if size == 126:
            start, size = 4, int.from_bytes(buffer[2:4], "big")
        elif size == 127:
            start, size = 10, int.from_bytes(buffer[2:10], "big")
        if len(buffer) < start or len(buffer) < start + size:
            return
        raw = bytes(buffer[: start + size])
        del buffer[: start + size]
        yield Frame(raw[0] & 0x0F, _inflated(raw, start), raw)


def _inflated(raw: bytes, start: int) -> bytes:
    if not raw[0] & 0x40:
        return raw[start:]
    # RFC 7692 section 7.2.2: the empty block at the end of a message is not sent.
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(raw[start:] + b"\x00\x00\xff\xff")

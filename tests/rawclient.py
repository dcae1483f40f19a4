"""A client that says exactly what a test wants, frame by frame, over a socket or TLS."""

from __future__ import annotations

import asyncio
import os
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from tornado_websockets.frames import CLOSE, TEXT

TLS = Path(__file__).parent / "tls"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
TIMEOUT_S = 20


class Frame(NamedTuple):
    """A frame of the server."""

    first: int
    payload: bytes

    @property
    def opcode(self) -> int:
        return self.first & 0xF

    @property
    def code(self) -> int | None:
        """The code of a close frame."""
        return struct.unpack("!H", self.payload[:2])[0] if self.payload else None


def masked(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bytes | None = None
) -> bytes:
    """Return a frame as a client has to send it."""
    mask = os.urandom(4) if mask is None else mask
    size = len(payload)
    first = (0x80 if fin else 0) | rsv | opcode
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, 0xFE, size)
    else:
        head = struct.pack("!BBQ", first, 0xFF, size)
    return head + mask + bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload))


def text(message: str) -> bytes:
    return masked(TEXT, message.encode())


def close(code: int, reason: str = "") -> bytes:
    return masked(CLOSE, struct.pack("!H", code) + reason.encode())


class RawClient:
    """A connection whose handshake has been answered."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.head = ""

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def receive(self) -> Frame:
        """Return the next frame."""
        async with asyncio.timeout(TIMEOUT_S):
            first, size = await self.reader.readexactly(2)
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return Frame(first, await self.reader.readexactly(size))

    async def closed(self) -> Frame:
        """Return the close frame that comes, and make sure that the connection ends with it."""
        while (frame := await self.receive()).opcode != CLOSE:
            pass
        await self.ended()
        return frame

    async def ended(self) -> None:
        """Read until the connection ends; nothing may come before."""
        async with asyncio.timeout(TIMEOUT_S):
            assert await self.reader.read() == b""

    async def cut(self) -> None:
        """Read whatever comes until the connection ends, in whatever way."""
        async with asyncio.timeout(TIMEOUT_S):
            try:
                while await self.reader.read(1 << 16):
                    pass
            except OSError:
                pass


@asynccontextmanager
async def connect(
    port: int, path: str, *, tls: bool, behind: bytes = b"", **headers: str
) -> AsyncIterator[RawClient]:
    """Connect to a WebSocket, and send bytes right behind the handshake."""
    context = ssl.create_default_context(cafile=TLS / "cert.pem") if tls else None
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    client = RawClient(reader, writer)
    fields = {
        "Host": f"127.0.0.1:{port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": KEY,
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [f"GET /ws{path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode() + behind)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            client.head = (await reader.readuntil(b"\r\n\r\n")).decode()
        yield client
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)

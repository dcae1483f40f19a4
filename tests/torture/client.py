"""One client that says exactly what a scenario wants, over a blocking socket."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterable, Sequence
from typing import Any, Final, Self

from benchmarks.connections import reset
from benchmarks.frames import CLOSE, KEY, PING, PONG, Frame, masked, split

__all__ = ["ABNORMAL", "Client", "envelope", "reset", "upgrade"]

ABNORMAL: Final = 1006
"""What stands for the code of a connection that ended without one."""

READ_SIZE: Final = 1 << 16

Headers = Iterable[tuple[str, str]]


def envelope(event: str, data: Any = None) -> bytes:
    """Return an event as a client's frame."""
    return masked(json.dumps({"event": event, "data": data}, separators=(",", ":")).encode())


def upgrade(path: str, headers: Headers) -> bytes:
    """Return the request of a handshake, with headers beside those that it must have."""
    lines = [
        f"GET /ws{path} HTTP/1.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {KEY}",
        *(f"{name}: {value}" for name, value in headers),
    ]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")


class Client:
    """A connection to a WebSocket; `status` tells whether it was let in.

    Args:
        headers: of the handshake; those of a page of the same origin by default.
        address: where the client is, of this machine.
        buffer: bytes that the system keeps for a client that does not read.
    """

    def __init__(
        self,
        port: int,
        path: str = "/echo",
        *,
        headers: Sequence[tuple[str, str]] | None = None,
        address: str = "127.0.0.1",
        buffer: int | None = None,
        timeout_s: float = 20,
    ) -> None:
        host = f"127.0.0.1:{port}"
        if headers is None:
            headers = [("Host", host), ("Origin", f"http://{host}")]
        self.sock = socket.socket()
        self.sock.settimeout(timeout_s)
        self.status = 0
        self.head = ""
        self.code: int | None = None
        self.reason = ""
        self._buffer = bytearray()
        self._frames: list[Frame] = []
        try:
            if buffer is not None:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            self.sock.bind((address, 0))
            self.sock.connect(("127.0.0.1", port))
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sock.sendall(upgrade(path, headers))
            self._take_head()
        except BaseException:
            self.sock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.sock.close()

    @property
    def is_open(self) -> bool:
        return self.status == 101

    def header(self, name: str) -> str | None:
        """Return a header of the answer."""
        for line in self.head.split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.strip().lower() == name.lower():
                return value.strip()
        return None

    def send(self, frames: bytes, timeout_s: float = 20) -> None:
        self.sock.settimeout(timeout_s)
        self.sock.sendall(frames)

    def emit(self, event: str, data: Any = None) -> None:
        self.send(envelope(event, data))

    def receive(self, timeout_s: float = 20) -> tuple[str, Any]:
        """Return the next event.

        Raises:
            ConnectionError: the connection has ended; `code` tells how.
            TimeoutError: nothing came.
        """
        deadline = time.monotonic() + timeout_s
        while (frame := self.frame(deadline)) is not None:
            if frame.opcode == CLOSE:
                self._closed(frame)
                break
            if frame.opcode == PING:
                self.send(masked(frame.payload, PONG))
            elif frame.opcode != PONG:
                found = json.loads(frame.payload)
                return found["event"], found["data"]
        raise ConnectionError(f"closed with {self.code}: {self.reason}")

    def ask(self, event: str, data: Any = None, timeout_s: float = 20) -> Any:
        """Send an event, and return the data of the next one."""
        self.emit(event, data)
        return self.receive(timeout_s)[1]

    def closed(self, timeout_s: float = 20) -> int | None:
        """Read to the end, and return the close code; None when it does not come."""
        try:
            while True:
                self.receive(timeout_s)
        except TimeoutError:
            return None
        except ConnectionError:
            return self.code if self.code is not None else ABNORMAL

    def frame(self, deadline: float) -> Frame | None:
        """Return the next frame, None at the end of the connection."""
        while not self._frames:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("nothing came in time")
            self.sock.settimeout(left)
            try:
                got = self.sock.recv(READ_SIZE)
            except TimeoutError:
                raise
            except OSError:
                got = b""
            if not got:
                return None
            self._buffer += got
            self._frames += split(self._buffer)
        return self._frames.pop(0)

    def _closed(self, frame: Frame) -> None:
        self.code = struct.unpack("!H", frame.payload[:2])[0] if frame.payload else 1005
        self.reason = frame.payload[2:].decode()

    def _take_head(self) -> None:
        got = b""
        while b"\r\n\r\n" not in got:
            more = self.sock.recv(READ_SIZE)
            if not more:
                break
            got += more
        head, _, rest = got.partition(b"\r\n\r\n")
        self.head = head.decode("latin-1")
        words = self.head.split(" ", 2)
        self.status = int(words[1]) if len(words) > 2 and words[1].isdigit() else 0
        if self.is_open:
            self._buffer += rest
            self._frames += split(self._buffer)

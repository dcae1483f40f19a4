"""Many WebSocket connections to one server: raw sockets, one thread."""

from __future__ import annotations

import math
import os
import select
import socket
import struct
import time
from typing import Final, NoReturn, Self

from benchmarks.dialects import Dialect
from benchmarks.errors import MeasureError
from benchmarks.frames import CLOSE, PING, PONG, TEXT, Frame, accepted, masked, request, split

__all__ = ["PATIENCE_S", "READ_SIZE", "Connections", "reset"]

HANDSHAKES_IN_FLIGHT: Final = 64
"""Below the smallest backlog of the peers, 100: a connection that is dropped waits a second."""

PATIENCE_S: Final = 60.0
READ_SIZE: Final = 8192
SMALL_BUFFER: Final = 4096


class Connections:
    """Connections to one server of this machine. Closing them resets them.

    Args:
        deflate: ask for permessage-deflate without context takeover, and insist on it.
        spin: there is a core for this process alone, so that it may wait awake.
    """

    def __init__(
        self, port: int, dialect: Dialect, *, deflate: bool = False, spin: bool = True
    ) -> None:
        self.port = port
        self.dialect = dialect
        self.deflate = deflate
        self.spin = spin
        self._sockets: list[socket.socket] = []
        self._stalled: list[socket.socket] = []
        self._buffers: dict[int, bytearray] = {}
        self._poll = select.epoll()
        self._deadline = math.inf

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        for sock in (*self._sockets, *self._stalled):
            reset(sock)
        self._poll.close()

    def __len__(self) -> int:
        return len(self._sockets)

    def connect(self, count: int) -> None:
        """Add clients, some handshakes at a time."""
        handshake = request(self.port, self.dialect.path, deflate=self.deflate)
        while count > 0:
            batch = [self._dial(handshake) for _ in range(min(count, HANDSHAKES_IN_FLIGHT))]
            self._sockets += batch
            for sock in batch:
                self._finish(sock)
                self._poll.register(sock.fileno(), select.EPOLLIN)
            self.tend()
            count -= len(batch)

    def stall(self) -> None:
        """Add a client that reads no more after its handshake."""
        sock = self._dial(request(self.port, self.dialect.path, deflate=self.deflate))
        self._stalled.append(sock)
        self._finish(sock)
        # Little room: most of what it does not read has to wait at the server's end.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)

    def tend(self) -> None:
        """Answer the pings that have come."""
        self._deadline = math.inf
        for fd, _ in self._poll.poll(0):
            if self.messages(fd, os.read(fd, READ_SIZE)):
                raise MeasureError("got a message that nobody asked for")

    def messages(self, fd: int, got: bytes) -> list[Frame]:
        """Return the messages that what a client got completes; answer what else is in it."""
        buffer = self._buffers[fd]
        buffer += _some(got)
        return [frame for frame in split(buffer) if not self._is_control(fd, frame)]

    def gather(self, fds: set[int]) -> list[Frame]:
        """Return one message of each of these clients, as soon as all have one."""
        gathered = []
        missing = set(fds)
        self.expect_replies()
        while missing:
            for fd, _ in self.sleep():
                for frame in self.messages(fd, os.read(fd, READ_SIZE)):
                    gathered.append(frame)
                    missing.discard(fd)
        if len(gathered) > len(fds):
            raise MeasureError(f"expected {len(fds)} messages, got {len(gathered)}")
        return gathered

    def expect_replies(self, within_s: float = 0.0) -> None:
        """Give up when something is missing long after this, though pings come."""
        self._deadline = time.perf_counter() + within_s + PATIENCE_S

    def sleep(self) -> list[tuple[int, int]]:
        """Wait for clients that have something to read."""
        return self._poll.poll(PATIENCE_S) or self._nothing_came()

    def wait_awake(self) -> list[tuple[int, int]]:
        """Wait awake, where there is a core for it.

        A server that wakes somebody up pays for it, which one with clients on other machines does
        not. An echo is not awaited like this: replies that are back at once lead some servers to
        serve one client over and over.
        """
        if not self.spin:
            return self.sleep()
        deadline = time.perf_counter() + PATIENCE_S
        while not (ready := self._poll.poll(0)):
            if time.perf_counter() > deadline:
                self._nothing_came()
        return ready

    def _nothing_came(self) -> NoReturn:
        raise MeasureError(f"nothing came within {PATIENCE_S:.0f} s, though replies are missing")

    def _dial(self, handshake: bytes) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(handshake)
        return sock

    def _finish(self, sock: socket.socket) -> None:
        buffer = self._buffers[sock.fileno()] = bytearray()
        while (end := buffer.find(b"\r\n\r\n")) < 0:
            buffer += _some(sock.recv(READ_SIZE))
        accepted(bytes(buffer[:end]), deflate=self.deflate)
        del buffer[: end + 4]
        for prefix, answer in self.dialect.opening:
            text = self._next(sock).payload
            if not text.startswith(prefix):
                raise MeasureError(f"expected {prefix!r} after the handshake, got {text!r}")
            if answer is not None:
                sock.sendall(masked(answer))

    def _next(self, sock: socket.socket) -> Frame:
        """Return the next text message of a client."""
        buffer = self._buffers[sock.fileno()]
        while True:
            for frame in split(buffer):
                if not self._is_control(sock.fileno(), frame):
                    return frame
            buffer += _some(sock.recv(READ_SIZE))

    def _is_control(self, fd: int, frame: Frame) -> bool:
        """Answer a frame that is no message; return whether it was one of those."""
        answer = self.dialect.pulses.get(frame.payload)
        if frame.opcode == TEXT and answer is None:
            return False
        if frame.opcode == CLOSE:
            raise MeasureError(f"the server closed a connection: {frame.payload!r}")
        if time.perf_counter() > self._deadline:
            self._nothing_came()
        if frame.opcode == PING:
            os.write(fd, masked(frame.payload, PONG))
        elif answer is not None:
            os.write(fd, masked(answer))
        return True


def reset(sock: socket.socket) -> None:
    """Close a connection so that the other side gets a reset.

    It leaves no TIME_WAIT, which would use up the ports of what follows.
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def _some(got: bytes) -> bytes:
    if not got:
        raise MeasureError("the server closed a connection")
    return got

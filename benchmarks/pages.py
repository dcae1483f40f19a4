"""HTTP clients that load a server: keep-alive connections, one request at a time on each."""

from __future__ import annotations

import os
import re
import select
import socket
import time
from typing import Final

from benchmarks.connections import PATIENCE_S, READ_SIZE
from benchmarks.errors import MeasureError
from benchmarks.load import Run

__all__ = ["fetch"]

LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def fetch(port: int, path: str, body: bytes, *, connections: int, seconds: float) -> Run:
    """Get a page again and again.

    Args:
        body: what each response must have.

    Raises:
        MeasureError: a response has another status, body or size than the first.
    """
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\n\r\n".encode()
    sockets = [
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        for _ in range(connections)
    ]
    try:
        size = _size(sockets[0], request, body)
        return _load(sockets, request, body, size, seconds)
    finally:
        for sock in sockets:
            sock.close()


def _size(sock: socket.socket, request: bytes, body: bytes) -> int:
    """Return the bytes of a response, after a check in full."""
    sock.sendall(request)
    got = b""
    while b"\r\n\r\n" not in got:
        got += _some(sock.recv(READ_SIZE))
    match = LENGTH.search(got)
    if match is None:
        raise MeasureError(f"expected a response with Content-Length, got {got!r}")
    size = got.index(b"\r\n\r\n") + 4 + int(match[1])
    while len(got) < size:
        got += _some(sock.recv(READ_SIZE))
    _check(got, body, size)
    return size


def _load(
    sockets: list[socket.socket], request: bytes, body: bytes, size: int, seconds: float
) -> Run:
    clock = time.perf_counter
    partial = {sock.fileno(): b"" for sock in sockets}
    sent = dict.fromkeys(partial, 0.0)
    times: list[float] = []
    started = clock()
    pending = len(sockets)
    with select.epoll() as poll:
        for fd in partial:
            poll.register(fd, select.EPOLLIN)
            sent[fd] = clock()
            os.write(fd, request)
        while pending:
            ready = poll.poll(PATIENCE_S)
            if not ready:
                raise MeasureError(f"no response within {PATIENCE_S:.0f} s")
            for fd, _ in ready:
                got = partial[fd] + _some(os.read(fd, READ_SIZE))
                partial[fd] = b"" if len(got) >= size else got
                if len(got) < size:
                    continue
                _check(got, body, size)
                now = clock()
                times.append(now - sent[fd])
                if now - started < seconds:
                    sent[fd] = now
                    os.write(fd, request)
                else:
                    pending -= 1
    return Run(len(times), clock() - started, times, size)


def _check(response: bytes, body: bytes, size: int) -> None:
    good = response.startswith(b"HTTP/1.1 200 ") and response.endswith(b"\r\n\r\n" + body)
    if not good or len(response) != size:
        raise MeasureError(f"expected 200 with {body!r}, {size} bytes, got {response!r}")


def _some(got: bytes) -> bytes:
    if not got:
        raise MeasureError("the server closed a connection that was to be kept alive")
    return got

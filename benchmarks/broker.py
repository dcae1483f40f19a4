"""What Redis alone takes for the work that servers give it: raw sockets, one thread."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from benchmarks.connections import PATIENCE_S
from benchmarks.errors import MeasureError
from benchmarks.measures import Numbers, Scale
from benchmarks.server import Meter, Server

__all__ = ["ALONE"]

CHANNEL: Final = b"bench"
EVENT_BYTES: Final = 200
"""An event with 64 bytes of text, as it travels between processes."""

BEAT_BYTES: Final = 150
REPORT_BYTES: Final = 2000
AT_ONCE: Final = 10
READ_SIZE: Final = 1 << 18


def subscribers(server: Server, scale: Scale, *, counts: Sequence[int]) -> Numbers:
    """An event that goes to many connections, each that of a server."""
    publish = _words(b"PUBLISH", CHANNEL, b"x" * EVENT_BYTES) * AT_ONCE
    delivered = _words(b"message", CHANNEL, b"x" * EVENT_BYTES) * AT_ONCE
    costs = []
    for count in counts:
        with contextlib.ExitStack() as stack:
            sender = stack.enter_context(_connect(server))
            crowd = [stack.enter_context(_connect(server)) for _ in range(count)]
            for sock in crowd:
                _ask(sock, _words(b"SUBSCRIBE", CHANNEL), b":1\r\n")
            told = b":%d\r\n" % count * AT_ONCE

            def work(
                sender: socket.socket = sender,
                told: bytes = told,
                crowd: list[socket.socket] = crowd,
            ) -> None:
                sender.sendall(publish)
                _drain([*((sock, len(delivered)) for sock in crowd), (sender, len(told))])

            costs.append(_cost_us(server, scale, work) / AT_ONCE)
    each_us, event_us = _line(counts, costs)
    return {"event_us": event_us, "subscriber_us": each_us}


def roster(server: Server, scale: Scale, *, counts: Sequence[int]) -> Numbers:
    """The beat of a server, and a look at those of all of them."""
    costs = []
    with _connect(server) as sock:
        for count in counts:
            for number in range(count):
                _ask(sock, _words(b"HSET", b"beats", b"%016d" % number, b"x" * BEAT_BYTES), b"\r\n")
            look = _words(b"HGETALL", b"beats") * AT_ONCE
            sock.sendall(look)
            size = AT_ONCE * (len(b"*%d\r\n" % (2 * count)) + count * (23 + 7 + BEAT_BYTES + 1))

            def work(size: int = size, look: bytes = look) -> None:
                sock.sendall(look)
                _drain([(sock, size)])

            _drain([(sock, size)])
            costs.append(_cost_us(server, scale, work) / AT_ONCE)
        each_us, read_us = _line(counts, costs)
        beat = _words(b"HSET", b"beats", b"%016d" % 0, b"y" * BEAT_BYTES)
        beat += _words(b"SET", b"report", b"z" * REPORT_BYTES, b"EX", b"10")

        def beats() -> None:
            sock.sendall(beat * AT_ONCE)
            _drain([(sock, AT_ONCE * len(b":0\r\n+OK\r\n"))])

        beat_us = _cost_us(server, scale, beats) / AT_ONCE
    return {"beat_us": beat_us, "read_us": read_us, "read_each_us": each_us}


ALONE: Final[Mapping[str, Callable[[Server, Scale], Numbers]]] = {
    "subscribers-1000": partial(subscribers, counts=(1, 1000)),
    "roster-1000": partial(roster, counts=(10, 1000)),
}
"""By name: the group, then how many servers there are."""


def _cost_us(server: Server, scale: Scale, work: Callable[[], None]) -> float:
    """Return the processor time of some work, done again and again."""
    work()
    with Meter(server, idle_s=scale.idle) as meter:
        count, started = 0, time.perf_counter()
        while time.perf_counter() - started < scale.work / 2:
            work()
            count += 1
    return meter.cpu_s / count * 1e6


def _line(counts: Sequence[int], costs: Sequence[float]) -> tuple[float, float]:
    """Return slope and start of the line through the first and the last cost."""
    slope = (costs[-1] - costs[0]) / (counts[-1] - counts[0])
    return slope, max(0.0, costs[0] - slope * counts[0])


@contextlib.contextmanager
def _connect(server: Server) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield sock


def _words(*words: bytes) -> bytes:
    """Return a list of texts as Redis reads and writes it."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def _ask(sock: socket.socket, words: bytes, end: bytes) -> None:
    sock.sendall(words)
    got = b""
    while not got.endswith(end):
        got += sock.recv(READ_SIZE)
        if got.startswith(b"-") or not got:
            raise MeasureError(f"Redis has refused {words[:80]!r}: {got!r}")


def _drain(expected: Sequence[tuple[socket.socket, int]]) -> None:
    """Read so many bytes of each, and no more."""
    with select.epoll() as poll:
        missing = {}
        for sock, size in expected:
            poll.register(sock.fileno(), select.EPOLLIN)
            missing[sock.fileno()] = size
        while missing:
            ready = poll.poll(PATIENCE_S)
            if not ready:
                raise MeasureError(f"Redis has not answered within {PATIENCE_S:.0f} s")
            for fd, _ in ready:
                missing[fd] -= len(os.read(fd, READ_SIZE))
                if missing[fd] < 0:
                    raise MeasureError(f"Redis has sent {-missing[fd]} bytes too much")
                if not missing[fd]:
                    poll.unregister(fd)
                    del missing[fd]

"""Broadcasts to clients of which half read too slowly."""

from __future__ import annotations

import contextlib
import re
import select
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, Self

from benchmarks.frames import CLOSE, PING, PONG, TEXT, masked, split
from tests.torture.client import Client
from tests.torture.project import make_project
from tests.torture.report import Report
from tests.torture.server import Server, until

__all__ = ["BROADCASTS", "run"]

BROADCASTS: Final = """
import asyncio, time

room = WebSocket("/room")
lossy = WebSocket("/lossy", slow_reader="drop_oldest")
conductor = WebSocket("/conductor")

@room.on
@conductor.on
async def start(socket, data):
    websocket = lossy if data.get("lossy") else room
    sent, started = 0, time.monotonic()
    while sent < data.count:
        websocket.broadcast("tick", {"t": time.monotonic(), "pad": "x" * data.size})
        sent += 1
        await asyncio.sleep(max(0, started + sent / data.rate - time.monotonic()))
    socket.emit("done", {"sent": sent})
"""

CLOCK: Final = re.compile(rb'"t":([0-9.]+)')
TRICKLE: Final = 1024
"""Bytes that a slow reader takes at a time; the other half of them takes nothing."""


class Heard(NamedTuple):
    """What the good clients got: how many of the broadcasts, and how late each was, in ms."""

    missing: int
    delays: list[float]

    @property
    def p99(self) -> float:
        return sorted(self.delays)[len(self.delays) * 99 // 100] if self.delays else 0.0


class Audience:
    """Clients that read everything at once."""

    def __init__(self, server: Server, path: str, count: int) -> None:
        self._clients = {}
        self._poll = select.epoll()
        for _ in range(count):
            client = Client(server.port, path)
            self._clients[client.sock.fileno()] = (client, bytearray())
            self._poll.register(client.sock.fileno(), select.EPOLLIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._poll.close()
        for client, _ in self._clients.values():
            client.sock.close()

    def listen(self, count: int) -> Heard:
        """Read until so many broadcasts have come, or none has for a while."""
        delays: list[float] = []
        expected = count * len(self._clients)
        while len(delays) < expected and (ready := self._poll.poll(5)):
            for fd, _ in ready:
                self._read(fd, delays)
        return Heard(expected - len(delays), delays)

    def _read(self, fd: int, delays: list[float]) -> None:
        client, buffer = self._clients[fd]
        got = client.sock.recv(1 << 18)
        if not got:
            self._poll.unregister(fd)
            return
        buffer += got
        now = time.monotonic()
        for frame in split(buffer):
            if frame.opcode == TEXT and (found := CLOCK.search(frame.payload[:100])):
                delays.append((now - float(found[1])) * 1000)
            elif frame.opcode == PING:
                client.send(masked(frame.payload, PONG))
            elif frame.opcode == CLOSE:
                self._poll.unregister(fd)


def run(report: Report, folder: Path) -> None:
    good, slow = report.scale.pick(50, 10), report.scale.pick(50, 10)
    # More than the system keeps for a client that does not read: some 4 MiB.
    count, rate, size = report.scale.pick(1500, 400), 300, report.scale.pick(10_000, 20_000)
    report.tell(
        f"{count} broadcasts of {size // 1000} kB, {rate} a second, to {good} clients that read,"
        f" then to {slow} more that do not, or {TRICKLE} bytes at a time: on a path that closes"
        " slow readers, and on one that drops what is oldest."
    )
    with Server(make_project(folder, websockets=BROADCASTS)) as server:
        _play(server, "/room", good, 0, count // 5, rate, size)  # what is slow only at first
        memory = server.rss()
        server.forget_peak()
        alone, _ = _play(server, "/room", good, 0, count, rate, size)
        report.none_lost("broadcasts to readers, with no slow one", alone.missing)
        for path, policy in (("/room", "close"), ("/lossy", "drop_oldest")):
            beside, sent = _play(server, path, good, slow, count, rate, size)
            report.equal(f"{policy}: broadcasts that the broadcaster sent", sent, count)
            report.none_lost(f"broadcasts to readers ({policy})", beside.missing)
            report.ratio(f"{policy}: p99 of the readers' delay", beside.p99, alone.p99, 1.2)
        # Each may have 1 MiB waiting, which all share, and 64 KiB in its transport.
        report.at_most("growth of memory at its peak", server.peak() - memory, slow * 1.1, "MiB")
        closed = server.path("/room")["closed_by_code"].get("4008", 0)
        report.equal("slow readers closed with 4008 (close)", closed, slow)
        done = [*server.path("/lossy")["slow_by_action"]]
        report.equal("what was done about slow readers (drop_oldest)", done, ["dropped"])
        until(lambda: server.now() == 0)
        report.equal("connections registered afterwards", server.now(), 0)
        report.equal("trouble in the log", server.trouble(), [])


def _play(
    server: Server, path: str, good: int, slow: int, count: int, rate: float, size: int
) -> tuple[Heard, int]:
    """Return what good clients heard beside slow ones, and how many broadcasts were sent."""
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(Client(server.port, path, buffer=4096)) for _ in range(slow)]
        audience = stack.enter_context(Audience(server, path, good))
        conductor = stack.enter_context(Client(server.port, "/conductor"))
        stack.enter_context(_trickling([client.sock for client in idle[::2]]))
        program = {"count": count, "rate": rate, "size": size, "lossy": path == "/lossy"}
        conductor.emit("start", program)
        heard = audience.listen(count)
        return heard, conductor.receive()[1]["sent"]


@contextlib.contextmanager
def _trickling(sockets: list[socket.socket]) -> Iterator[None]:
    """Read a little from each of the sockets ten times a second, for a while."""
    over = threading.Event()

    def trickle() -> None:
        while not over.wait(0.1):
            for sock in sockets:
                sock.settimeout(0)
                with contextlib.suppress(OSError):
                    sock.recv(TRICKLE)

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()

"""Requests that never end, and one address, or one client, that wants everything."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from pathlib import Path
from typing import Final, Self

from tests.torture.client import Client, envelope
from tests.torture.probe import Probe
from tests.torture.project import make_project
from tests.torture.report import Report
from tests.torture.server import Server, until

__all__ = ["run"]

PER_ADDRESS: Final = 50
HANDSHAKES: Final = 100
MESSAGES: Final = 100
BURST: Final = 200

LIMITS: Final = f"""{{"limits": {{
    "connections_per_address": {PER_ADDRESS}, "handshakes_per_second": {HANDSHAKES}
}}}}"""

WEBSOCKETS: Final = f"""
metered = WebSocket("/metered", limits={{"messages_per_second": {MESSAGES}, "burst": {BURST}}})
metered.on(message)
"""

TURNS: Final = 100
"""Moments of a second, among which those are spread that send a byte a second."""

HEAD: Final = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
BODY: Final = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n"


class Lorises:
    """Requests that go on by a byte a second, from an address of their own."""

    def __init__(self, server: Server, starts: list[bytes]) -> None:
        self.opened = time.monotonic()
        self.closed: list[float] = []
        self._server = server
        self._starts = starts
        self._alive: list[socket.socket] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._drip)

    def __enter__(self) -> Self:
        address = ("127.0.0.2", 0)
        for start in self._starts:
            target = ("127.0.0.1", self._server.port)
            sock = socket.create_connection(target, source_address=address)
            self._alive.append(sock)
            sock.sendall(start)
            sock.settimeout(0)
        self.opened = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()
        for sock in self._alive:
            sock.close()

    @property
    def alive(self) -> int:
        return len(self._alive)

    def _drip(self) -> None:
        # Each in its turn, as clients that know nothing of each other.
        turns = itertools.cycle([self._alive[turn::TURNS] for turn in range(TURNS)])
        while self._alive and not self._over.wait(1 / TURNS):
            for sock in next(turns):
                if sock in self._alive and self._has_ended(sock):
                    self.closed.append(time.monotonic() - self.opened)
                    self._alive.remove(sock)
                    sock.close()

    def _has_ended(self, sock: socket.socket) -> bool:
        try:
            sock.send(b"x")
            return sock.recv(1 << 16) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True


def run(report: Report, folder: Path) -> None:
    lorises, floods = report.scale.pick(500, 60), report.scale.pick(1000, 400)
    report.tell(
        f"{floods} handshakes from one address, and a client that sends 20 000 messages at once;"
        f" then {lorises} requests, half of them without the end of their head, half without the"
        " end of their body, that go on by a byte a second."
    )
    with Server(make_project(folder, websockets=WEBSOCKETS, tornado=LIMITS)) as server:
        with Client(server.port) as client:
            client.ask("message", {})  # some descriptors are opened once
        descriptors = server.descriptors()
        with Probe(server.port) as probe:
            time.sleep(report.scale.pick(3.0, 0.5))
            calm = time.monotonic()
            _connections(report, server, floods)
            _messages(report, server)
            flooded = time.monotonic()
            _requests(report, server, [HEAD, BODY] * (lorises // 2))
            echoes = probe.finish()
        alone, beside = echoes.p99(end=calm), echoes.p99(calm, flooded)
        report.ratio("p99 of another address's echoes in the floods", beside, alone, 1.2)
        report.ratio("and beside the slow requests", echoes.p99(flooded), alone, 1.2)
        report.none_lost("echoes of another address", echoes.lost)
        report.none_lost("connections of another address", echoes.closed)
        until(lambda: server.descriptors() <= descriptors)
        report.at_most("descriptors more than before", server.descriptors() - descriptors, 0)
        report.equal("trouble in the log", server.trouble(), [])


def _requests(report: Report, server: Server, starts: list[bytes]) -> None:
    """Wait until all slow requests are closed."""
    with Lorises(server, starts) as slow:
        time.sleep(report.scale.pick(3.0, 0.5))
        started = time.monotonic()
        status = server.get("/")[0]
        page_s = time.monotonic() - started
        while slow.alive and time.monotonic() - slow.opened < 25:
            time.sleep(0.1)
        closed = list(slow.closed)
    report.equal("a page beside the slow requests", status, 200)
    report.within("how long it took", page_s * 1000, 500, "ms")
    report.equal("slow requests that were closed", len(closed), len(starts))
    report.at_most("the last of them, after", max(closed, default=0.0), 20, "s")


def _connections(report: Report, server: Server, count: int) -> None:
    """Open connections from one address until it may have no more, and go on."""
    opened: list[Client] = []
    refused: list[Client] = []
    with contextlib.ExitStack() as stack:
        started = time.monotonic()
        for _ in range(count):
            client = stack.enter_context(Client(server.port, address="127.0.0.3"))
            (opened if client.is_open else refused).append(client)
            if not client.is_open:
                client.sock.close()  # as browsers do
        seconds = time.monotonic() - started
        rejected = server.path("/echo")["rejected_by_reason"]
    report.equal("flood of handshakes: let in", len(opened), PER_ADDRESS)
    report.equal("refused with", {client.status for client in refused}, {429})
    told = sum(client.header("Retry-After") is None for client in refused)
    report.equal("of these without Retry-After", told, 0)
    within_rate = count - rejected.get("handshakes_per_second", 0)
    allowed = HANDSHAKES * (1 + seconds) + 1
    report.at_most("handshakes within the rate", within_rate, round(allowed))


def _messages(report: Report, server: Server) -> None:
    """Send as fast as it goes, to a path that takes so many a second."""
    codes = set()
    with Client(server.port, "/metered", address="127.0.0.4") as client:
        for _ in range(report.scale.pick(3, 1)):  # a client that keeps to it is not told anything
            client.send(envelope("message", {}) * MESSAGES)
            codes |= {client.receive()[0] for _ in range(MESSAGES)}
            time.sleep(1)
    report.equal("answers to a client within its limit", codes, {"message"})
    before = server.path("/metered")["events_in"]
    with Client(server.port, "/metered", address="127.0.0.4") as client:
        started = time.monotonic()
        with contextlib.suppress(OSError):
            client.send(envelope("message", {}) * 20_000)
        warned, code = _read(client)
        seconds = time.monotonic() - started
    taken = server.path("/metered")["events_in"] - before
    report.at_most("flood of messages: taken", taken, round(BURST + MESSAGES * seconds) + 1)
    report.equal("warned with", warned, {"too_many_messages"})
    report.equal("closed with", code, 4029)


def _read(client: Client) -> tuple[set[str], int | None]:
    """Return the codes of the warnings, and that of the close."""
    warned = set()
    try:
        while True:
            event, data = client.receive()
            if event == "warning":
                warned.add(data["code"])
    except ConnectionError:
        return warned, client.code

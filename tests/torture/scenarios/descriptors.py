"""No file descriptors left, for a while."""

from __future__ import annotations

import concurrent.futures
import contextlib
import sys
import time
from pathlib import Path
from typing import Final

from tests.torture.client import Client
from tests.torture.probe import Probe
from tests.torture.project import make_project
from tests.torture.report import Report
from tests.torture.server import Server, until

__all__ = ["run"]

DESCRIPTORS: Final = 200
WAITING: Final = 20

WEBSOCKETS: Final = """
import asyncio, os, time
hoard = WebSocket("/hoard")

@hoard.on
async def take(socket, data):
    taken = []
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        socket.emit("taken", {"count": len(taken)})
    await asyncio.sleep(data.seconds)
    for fd in taken:
        os.close(fd)
    socket.emit("released", {"at": time.monotonic()})
"""


def run(report: Report, folder: Path) -> None:
    seconds = report.scale.pick(10, 2)
    report.tell(
        f"A server that may have {DESCRIPTORS} descriptors: first more WebSockets than that, then"
        f" all descriptors taken for {seconds} s by something else in the process, while"
        f" {WAITING} clients want to connect and others send echoes."
    )
    make_project(folder, websockets=WEBSOCKETS, tornado="{'limits': {'connections': 'auto'}}")
    python = folder / "limited"
    python.write_text(f'#!/bin/sh\nulimit -n {DESCRIPTORS}\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    with Server(folder, python=str(python)) as server:
        _crowd(report, server)
        until(lambda: server.now() == 0)
        _exhaust(report, server, seconds)
        report.equal("trouble in the log", server.trouble(), [])


def _crowd(report: Report, server: Server) -> None:
    """Open more WebSockets than the process has descriptors."""
    opened: list[Client] = []
    refused: list[Client] = []
    with contextlib.ExitStack() as stack:
        for _ in range(DESCRIPTORS + 50):
            client = stack.enter_context(Client(server.port))
            (opened if client.is_open else refused).append(client)
            if not client.is_open:
                client.sock.close()  # as browsers do
        report.note("WebSockets that were let in", len(opened))
        report.at_least("refused", len(refused), 50)
        report.equal("these with", {client.status for client in refused}, {503})
        told = sum(client.header("Retry-After") is None for client in refused)
        report.equal("of these without Retry-After", told, 0)
        lost = sum(client.ask("message", {"n": 1}) != {"n": 1} for client in opened)
        report.none_lost("connections that were let in", lost)


def _exhaust(report: Report, server: Server, seconds: float) -> None:
    """Take all descriptors for a while, and look at everything else."""
    before, lines = server.descriptors(), len(server.log())
    with Client(server.port, "/hoard") as hoard, Probe(server.port, rate=100) as probe:
        time.sleep(seconds / 3)
        calm, cpu = time.monotonic(), server.cpu_s()
        with concurrent.futures.ThreadPoolExecutor(WAITING) as pool:
            hoard.emit("take", {"seconds": seconds})
            taken = hoard.receive()[1]["count"]
            arrivals = [pool.submit(_arrive, server) for _ in range(WAITING)]
            released = hoard.receive(seconds + 20)[1]["at"]
            busy = (server.cpu_s() - cpu) / (released - calm) * 100
            arrived = [arrival.result() for arrival in arrivals]
        echoes = probe.finish()
    report.at_least("descriptors taken", taken, 1)
    report.equal("clients that could connect afterwards", sum(at > 0 for at in arrived), WAITING)
    report.within("the last of them, after the release", max(arrived) - released, 2, "s")
    report.at_least("the first of them, after the release", min(arrived) - released, 0, "s")
    report.within("processor time meanwhile", busy, 20, "% of a core")
    report.at_most("lines in the log", len(server.log(lines)), seconds + 1)
    report.ratio("p99 of echoes meanwhile", echoes.p99(calm, released), echoes.p99(end=calm), 2)
    report.none_lost("echoes of connected clients", echoes.lost)
    until(lambda: server.now() == 0)
    report.at_most("descriptors more than before", server.descriptors() - before, 0)


def _arrive(server: Server) -> float:
    """Connect, and return when that had succeeded, -1 when it did not."""
    try:
        with Client(server.port, timeout_s=60) as client:
            return time.monotonic() if client.is_open else -1.0
    except OSError:
        return -1.0

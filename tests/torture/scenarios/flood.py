"""Clients that send nonsense as fast as they can, and read none of the answers."""

from __future__ import annotations

import concurrent.futures
import contextlib
import random
import socket
import time
from pathlib import Path
from typing import Final

from benchmarks.frames import masked
from tests.torture.client import Client
from tests.torture.probe import Probe
from tests.torture.project import make_project
from tests.torture.report import Report
from tests.torture.server import Server, until

__all__ = ["run"]

SEED: Final = 3
BATCH: Final = 200

NONSENSE: Final = (
    b"not json",
    b'{"event": NaN}',
    b"[1, 2, 3]",
    b"null",
    b'{"data": {}}',
    b'{"event": {"a": 1}}',
    b'{"event": "message", "data": []}',
    b'{"event": "no_such_event"}',
    b'{"event": "open"}',
    b'{"event": "__proto__"}',
)


def run(report: Report, folder: Path) -> None:
    clients, frames = report.scale.pick(8, 4), report.scale.pick(60_000, 10_000)
    report.tell(
        f"{clients} clients send up to {frames} messages each that the server cannot use, as fast"
        " as they can, and read no answer; another client sends echoes."
    )
    with Server(make_project(folder)) as server:
        _flood(server, 1, 2_000)  # what is allocated once is no growth
        lines, memory = len(server.log()), server.rss()
        server.forget_peak()
        with Probe(server.port) as probe:
            time.sleep(0.5)
            started = time.monotonic()
            sent, cut = _flood(server, clients, frames)
            ended = time.monotonic()
            time.sleep(0.5)
            echoes = probe.finish()
        growth = server.peak() - memory
        until(lambda: server.now() == 0)
        codes = server.path("/echo")["closed_by_code"]
        report.note("messages that the flood got rid of", sent)
        report.equal("flooding clients that were cut off", cut, clients)
        report.at_least("of these with 4509, first client included", codes.get("4509", 0), clients)
        report.at_most("growth of memory at its peak", growth, 5, "MiB")
        report.within("worst echo of another client", echoes.worst(started, ended), 100, "ms")
        report.none_lost("echoes of another client", echoes.lost)
        report.at_most("lines in the log", len(server.log(lines)), 10)
        report.equal("connections registered afterwards", server.now(), 0)
        report.equal("trouble in the log", server.trouble(), [])


def _flood(server: Server, clients: int, frames: int) -> tuple[int, int]:
    """Return how many messages went out, and how many clients were cut off."""
    chance = random.Random(SEED)
    batch = b"".join(masked(chance.choice(NONSENSE)) for _ in range(BATCH))
    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        ends = list(pool.map(lambda _: _flood_once(server, batch, frames), range(clients)))
    return sum(sent for sent, _ in ends), sum(was_cut for _, was_cut in ends)


def _flood_once(server: Server, batch: bytes, frames: int) -> tuple[int, bool]:
    with Client(server.port, buffer=4096) as client:
        for sent in range(0, frames, BATCH):
            try:
                client.send(batch, timeout_s=10)
            except TimeoutError:  # not read any more, which also ends a flood
                return sent, _ends(client.sock)
            except OSError:
                return sent, True
        return frames, _ends(client.sock)


def _ends(sock: socket.socket) -> bool:
    """Read to the end, and return whether it came."""
    sock.settimeout(10)
    with contextlib.suppress(TimeoutError):
        try:
            while sock.recv(1 << 16):
                pass
        except ConnectionError:
            return True
        return True
    return False

"""Messages that are too big in every way there is, and pings whose answers nobody reads."""

from __future__ import annotations

import contextlib
import os
import random
import select
import time
import zlib
from pathlib import Path
from typing import Final

from benchmarks.frames import DEFLATE, MASK, PING, masked
from tests.rawclient import masked as framed
from tests.torture.client import Client
from tests.torture.probe import Probe
from tests.torture.project import make_project
from tests.torture.report import Report
from tests.torture.server import MIB, Server, until
from tornado_websockets.frames import CONTINUATION, TEXT

__all__ = ["run"]

SEED: Final = 4
LIMIT: Final = 65536

WEBSOCKETS = """
packed = WebSocket("/packed", compression=True)
packed.on(message)
"""


def run(report: Report, folder: Path) -> None:
    rounds, pings = report.scale.pick(50, 10), report.scale.pick(100_000, 20_000)
    report.tell(
        f"{rounds} times each: a message a byte too big, a header that announces 1 TiB, ten"
        " fragments that never end, a compression bomb of 16 MiB in 16 KiB;"
        f" then {pings} pings of 125 bytes from a client that reads no pong."
    )
    with Server(make_project(folder, websockets=WEBSOCKETS)) as server:
        attacks = _attacks()
        for frames, path in attacks.values():
            _attack(server, path, frames)
        _ping(server, pings // 10)
        memory = server.rss()
        server.forget_peak()
        for name, (frames, path) in attacks.items():
            ends = [_attack(server, path, frames) for _ in range(rounds)]
            report.equal(f"{name}: closed with", {code for code, _ in ends}, {1009})
            worst = max(seconds for _, seconds in ends) * 1000
            report.within(f"{name}: until the close frame, at worst", worst, 100, "ms")
        report.at_most("growth of memory at its peak", server.peak() - memory, 5, "MiB")
        server.forget_peak()
        with Probe(server.port) as probe:
            taken = _ping(server, pings)
            echoes = probe.finish()
        report.note("pings that the server took", taken)
        report.at_most("growth by unread pongs at its peak", server.peak() - memory, 5, "MiB")
        report.none_lost("echoes of another client", echoes.lost)
        until(lambda: server.now() == 0)
        report.equal("connections registered afterwards", server.now(), 0)
        report.equal("trouble in the log", server.trouble(), [])


def _attacks() -> dict[str, tuple[bytes, str]]:
    """Return frames, and the path that they go to, by what they are."""
    noise = random.Random(SEED).randbytes(8192).hex().encode()
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = packer.compress(b"x" * 16 * MIB) + packer.flush(zlib.Z_SYNC_FLUSH)
    first, rest = masked(noise[:8000]), framed(CONTINUATION, noise[:8000], fin=False, mask=MASK)
    return {
        "a byte too big": (masked(noise.ljust(LIMIT + 1, b"x")), "/echo"),
        "1 TiB announced": (bytes((0x81, 0xFF)) + (1 << 40).to_bytes(8, "big") + MASK, "/echo"),
        "ten fragments": (bytes((first[0] & 0x7F,)) + first[1:] + rest * 9, "/echo"),
        "a bomb": (framed(TEXT, bomb[:-4], rsv=0x40, mask=MASK), "/packed"),
    }


def _attack(server: Server, path: str, frames: bytes) -> tuple[int | None, float]:
    """Return how the connection ended, and how many seconds later."""
    host = f"127.0.0.1:{server.port}"
    headers = [("Host", host), ("Origin", f"http://{host}")]
    if path == "/packed":
        headers.append(("Sec-WebSocket-Extensions", DEFLATE))
    with Client(server.port, path, headers=headers) as client:
        started = time.perf_counter()
        client.send(frames)
        return client.closed(), time.perf_counter() - started


def _ping(server: Server, pings: int) -> int:
    """Send pings until all are out, or the server reads no more; return how many it took."""
    batch = masked(b"x" * 125, PING) * 100
    with Client(server.port, buffer=4096) as client:
        client.sock.setblocking(False)
        sent, size, idle_s = 0, pings // 100 * len(batch), 3
        with contextlib.suppress(ConnectionError):
            while sent < size and select.select([], [client.sock], [], idle_s)[1]:
                start = sent % len(batch)
                with contextlib.suppress(BlockingIOError):
                    sent += os.write(client.sock.fileno(), batch[start:])
    return sent // (len(batch) // 100)

"""Where the processor time of an echo goes: ``python -m benchmarks.profile``, with Linux's perf."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.catalogue import PEERS, Peer
from benchmarks.errors import MeasureError
from benchmarks.load import Clients
from benchmarks.measures import TEXT
from benchmarks.run import cores
from benchmarks.server import Server

__all__ = ["shares"]

CLIENTS: Final = 50
PROFILED_S: Final = 4
SAMPLES_PER_S: Final = 2000

PARTS: Final = {
    "kernel": ("[kernel", "[vdso"),
    "interpreter": ("libpython", "python"),
    "event loop": ("loop.cpython", "_asyncio"),
    "JSON": ("orjson",),
    "C library": ("libc", "ld-linux"),
}
"""By part: what the names of its files begin with."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("peers", nargs="*", default=["product", "picows"], help=", ".join(PEERS))
    names = parser.parse_args(arguments).peers
    if shutil.which("perf") is None:
        parser.error("perf was not found; on Debian it is in the package linux-perf")
    load_core, server_cores = cores()
    if load_core is not None:
        os.sched_setaffinity(0, {load_core})
    parts = [*PARTS, "other"]
    sys.stdout.write(f"| µs of an echo, {CLIENTS} clients | all | {' | '.join(parts)} |\n")
    sys.stdout.write(f"| --- |{' ---: |' * (len(parts) + 1)}\n")
    for name in names:
        cost_us, found = _profile(PEERS[name], next(iter(server_cores), None))
        row = [cost_us, *(cost_us * found[part] for part in parts)]
        sys.stdout.write(f"| {name} | {' | '.join(f'{us:.1f}' for us in row)} |\n")
    return 0


def shares(report: str) -> dict[str, float]:
    """Return the share of each part, from 0 to 1, in a report of perf by file."""
    found: dict[str, float] = defaultdict(float)
    for line in report.splitlines():
        words = line.split()
        if len(words) < 2 or not words[0].endswith("%"):
            continue
        part = next((part for part, names in PARTS.items() if words[1].startswith(names)), "other")
        found[part] += float(words[0].rstrip("%")) / 100
    return found


def _profile(peer: Peer, core: int | None) -> tuple[float, dict[str, float]]:
    """Return what an echo costs in microseconds, and the share of each part."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Server(peer, core=core, log=Path(folder) / "log") as server,
        Clients(server.port, peer.dialect, spin=core is not None) as crowd,
    ):
        crowd.connect(CLIENTS)
        crowd.echo(peer.echo_event, TEXT, 0.5)
        before = server.cpu_s()
        run = crowd.echo(peer.echo_event, TEXT, 1.0)
        cost_us = (server.cpu_s() - before) / run.count * 1e6
        data = Path(folder) / "perf.data"
        with subprocess.Popen(  # noqa: S603
            ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(SAMPLES_PER_S),  # noqa: S607
             "-p", str(server.pid), "-o", str(data), "--", "sleep", str(PROFILED_S)],
        ):  # fmt: skip
            crowd.echo(peer.echo_event, TEXT, PROFILED_S + 1)
        report = subprocess.run(  # noqa: S603
            ["perf", "report", "-i", str(data), "--no-children", "-F", "overhead,dso", "--stdio"],  # noqa: S607
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
    found = shares(report)
    if not found:
        raise MeasureError("perf has seen nothing; kernel.perf_event_paranoid may forbid it")
    return cost_us, found


if __name__ == "__main__":
    sys.exit(main())

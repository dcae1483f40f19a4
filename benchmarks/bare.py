"""What the kernel alone takes for a fan-out: ``python -m benchmarks.bare``.

Two processes with nothing but a loop of ``send`` over their clients, at a pace: what no server with
a socket for each client comes below, in whatever language it is written.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from benchmarks.errors import MeasureError
from benchmarks.process import Process
from benchmarks.run import cores

__all__ = ["per_delivery_us"]

NODES: Final = 2
SIZE: Final = 136
"""Bytes that an event of the other measures takes on the wire."""

PROGRAM: Final = Path(__file__).parent / "peers" / "bare_sends.py"


class Sender(Process):
    """A process that sends something to each of its clients when it is told to."""

    def __init__(self, clients: int, *, core: int | None, log: Path) -> None:
        self.clients = clients
        self.port = 0
        super().__init__(
            (sys.executable, str(PROGRAM), str(clients), str(SIZE)),
            folder=PROGRAM.parent,
            environment={},
            core=core,
            log=log,
            is_driven=True,
        )

    def wait_until_ready(self) -> None:
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def tell(self) -> None:
        """Let it send once."""
        assert self._process.stdin is not None
        os.write(self._process.stdin.fileno(), b".")


def per_delivery_us(clients: int, rate: float, seconds: float, core: int | None = None) -> float:
    """Return the processor time of a delivery, in microseconds.

    Args:
        clients: of each process.
        rate: how often all of them get something, a second.
        seconds: how long.
        core: the one that both processes may use, None for all.
    """
    count = max(1, int(rate * seconds))
    with _connected(clients, core) as (senders, poll):
        _send(senders, poll, max(1, count // 5), rate)  # warms up
        before = sum(sender.cpu_s() for sender in senders)
        _send(senders, poll, count, rate)
        taken = sum(sender.cpu_s() for sender in senders) - before
    return taken / (count * clients * NODES) * 1e6


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bare", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="of each measure, 5")
    seconds = parser.parse_args(arguments).seconds
    load_core, server_cores = cores()
    if load_core is not None:
        os.sched_setaffinity(0, {load_core})
    for clients, rate in ((250, 5.0), (250, 250.0), (1000, 1.0), (1000, 60.0)):
        cost = per_delivery_us(clients, rate, seconds, next(iter(server_cores), None))
        sys.stdout.write(f"{NODES} x {clients:4} clients, {rate:3.0f} a second: {cost:.1f} µs\n")
    return 0


@contextlib.contextmanager
def _connected(clients: int, core: int | None) -> Iterator[tuple[Sequence[Sender], select.epoll]]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        poll = stack.enter_context(select.epoll())
        senders = []
        for number in range(NODES):
            sender = Sender(clients, core=core, log=folder / str(number))
            senders.append(stack.enter_context(sender))
            for _ in range(clients):
                address = ("127.0.0.1", sender.port)
                client = stack.enter_context(socket.create_connection(address))
                poll.register(client, select.EPOLLIN)
        yield senders, poll


def _send(senders: Sequence[Sender], poll: select.epoll, count: int, rate: float) -> None:
    due = time.monotonic()
    for _ in range(count):
        while time.monotonic() < due:
            poll.poll(0)  # awake, as the load of the other measures is
        due += 1 / rate
        for sender in senders:
            sender.tell()
        missing = sum(sender.clients for sender in senders) * SIZE
        while missing:
            for fd, _ in poll.poll(0):
                got = len(os.read(fd, 65536))
                if not got:
                    raise MeasureError("one that sends has ended")
                missing -= got


if __name__ == "__main__":
    sys.exit(main())

"""A server that is measured."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from benchmarks.catalogue import Peer
from benchmarks.errors import MeasureError
from benchmarks.process import Process

__all__ = ["Meter", "Server"]

START_TIMEOUT_S: Final = 60.0
SETTLE_TIMEOUT_S: Final = 60.0
IDLE_SHARE: Final = 0.1
"""Of a core: above, a server is taken to be at work still."""


class Server(Process):
    """Starts a peer, and ends it with all that it started.

    Args:
        core: the core that it may use, None for all.
        log: the file that takes what it prints.
    """

    def __init__(self, peer: Peer, *, core: int | None, log: Path) -> None:
        self.peer = peer
        self.port = _free_port()
        super().__init__(
            tuple(word.replace("{port}", str(self.port)) for word in peer.command),
            folder=peer.folder,
            environment=peer.environment,
            core=core,
            log=log,
        )

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            self.check()
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            time.sleep(0.05)
        raise MeasureError(f"did not listen within {START_TIMEOUT_S:.0f} s")


class Metered(Protocol):
    """What takes processor time."""

    def cpu_s(self) -> float:
        """Return the seconds that it has taken so far."""


class Meter:
    """Counts the processor time of a server's work, to its end, less what it takes when idle.

    Args:
        idle_s: how long a look at the idle server takes.
        tend: called between such looks, to keep connections alive.
    """

    def __init__(
        self, server: Metered, *, idle_s: float, tend: Callable[[], None] | None = None
    ) -> None:
        self.server = server
        self.idle_s = idle_s
        self.tend = tend
        self.cpu_s = 0.0
        self._started = self._cpu = self._idle_share = 0.0

    def __enter__(self) -> Meter:
        self._idle_share = self._settle()
        self._started, self._cpu = time.perf_counter(), self.server.cpu_s()
        return self

    def __exit__(self, *exc: object) -> None:
        # Some have work left when their clients have everything, or had when this began: what a
        # server takes when it is idle is the less of both.
        idle_share = min(self._idle_share, self._settle())
        idle = (time.perf_counter() - self._started) * idle_share
        self.cpu_s = self.server.cpu_s() - self._cpu - idle

    def _settle(self) -> float:
        """Wait until the server is idle, and return the share of a core that it takes then."""
        deadline = time.monotonic() + SETTLE_TIMEOUT_S
        while True:
            started, before = time.perf_counter(), self.server.cpu_s()
            time.sleep(self.idle_s)
            share = (self.server.cpu_s() - before) / (time.perf_counter() - started)
            if self.tend is not None:
                self.tend()
            if share < IDLE_SHARE:
                return share
            if time.monotonic() > deadline:
                raise MeasureError(f"takes {share:.0%} of a core when it should be idle")


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])

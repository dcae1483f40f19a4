"""A server that is measured: a process tree of its own, pinned to one core."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.catalogue import Peer
from benchmarks.errors import MeasureError

__all__ = ["Meter", "Server"]

START_TIMEOUT_S: Final = 60.0
SETTLE_TIMEOUT_S: Final = 60.0
IDLE_SHARE: Final = 0.1
"""Of a core: above, a server is taken to be at work still."""

PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Server:
    """Starts a peer, and ends it with all that it started.

    Args:
        core: the core that it may use, None for all.
        log: the file that takes what it prints.
    """

    def __init__(self, peer: Peer, *, core: int | None, log: Path) -> None:
        self.peer = peer
        self.core = core
        self.log = log
        self.port = _free_port()
        self._process: subprocess.Popen[bytes]

    def __enter__(self) -> Server:
        try:
            self._process = self._start()
        except FileNotFoundError as error:
            raise MeasureError(f"{error.filename} was not found; run benchmarks/setup.sh") from None
        try:
            self._wait_until_it_listens()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        # At once: a graceful end says goodbye to thousands of clients.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    @property
    def output(self) -> str:
        """The last that it printed."""
        if not self.log.exists():
            return ""
        return self.log.read_text(errors="replace")[-600:].strip()

    @property
    def pid(self) -> int:
        """The process that was started; it may have others below it."""
        return self._process.pid

    def cpu_s(self) -> float:
        """Return user and system time of the processes so far, in seconds.

        From the clock of each process, which counts nanoseconds; the same sum in /proc/<pid>/stat
        counts hundredths of a second.
        """
        total = 0.0
        for pid in self._pids():
            with contextlib.suppress(OSError):  # it has ended
                total += time.clock_gettime(_cpu_clock(pid))
        return total

    def rss(self) -> int:
        """Return the resident memory of the processes, in bytes."""
        total = 0
        for pid in self._pids():
            with contextlib.suppress(OSError):
                total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
        return total

    def _start(self) -> subprocess.Popen[bytes]:
        own_cores = os.sched_getaffinity(0)
        if self.core is not None:
            os.sched_setaffinity(0, {self.core})  # inherited
        try:
            with self.log.open("wb") as output:
                return subprocess.Popen(  # noqa: S603  words of the catalogue
                    [word.replace("{port}", str(self.port)) for word in self.peer.command],
                    cwd=self.peer.folder,
                    env={**os.environ, **self.peer.environment},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        finally:
            os.sched_setaffinity(0, own_cores)

    def _pids(self) -> list[int]:
        pids = [self._process.pid]
        for pid in pids:  # grows while it is walked
            with contextlib.suppress(OSError):
                for children in Path(f"/proc/{pid}/task").glob("*/children"):
                    pids += map(int, children.read_text().split())
        return pids

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise MeasureError(f"ended with {self._process.returncode}")
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            time.sleep(0.05)
        raise MeasureError(f"did not listen within {START_TIMEOUT_S:.0f} s")


class Meter:
    """Counts the processor time of a server's work, to its end, less what it takes when idle.

    Args:
        idle_s: how long a look at the idle server takes.
        tend: called between such looks, to keep connections alive.
    """

    def __init__(
        self, server: Server, *, idle_s: float, tend: Callable[[], None] | None = None
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
        # Some have work left when their clients have everything.
        self._settle()
        idle = (time.perf_counter() - self._started) * self._idle_share
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


def _cpu_clock(pid: int) -> int:
    # What clock_getcpuclockid(3) of Linux computes; Python has it for the threads of itself only.
    return (~pid << 3) | 2


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])

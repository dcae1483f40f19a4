"""A program that is measured: a process tree of its own, pinned to one core."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from benchmarks.errors import MeasureError

__all__ = ["Process"]

PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Process:
    """Starts a program, and ends it with all that it started.

    Args:
        command: its words.
        folder: where it is started.
        environment: added to this process's.
        core: the core that it may use, None for all.
        log: the file that takes what it prints.
        is_driven: it is told what to do by its standard input, and answers by its output.
    """

    def __init__(
        self,
        command: tuple[str, ...],
        *,
        folder: Path,
        environment: Mapping[str, str],
        core: int | None,
        log: Path,
        is_driven: bool = False,
    ) -> None:
        self.command = command
        self.folder = folder
        self.environment = environment
        self.core = core
        self.log = log
        self.is_driven = is_driven
        self._process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        try:
            self._process = self._start()
        except FileNotFoundError as error:
            raise MeasureError(f"{error.filename} was not found; run benchmarks/setup.sh") from None
        try:
            self.wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        # At once: a graceful end says goodbye to thousands of clients.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

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

    def check(self) -> None:
        """Raise MeasureError when it has ended."""
        if self._process.poll() is not None:
            raise MeasureError(f"ended with {self._process.returncode}")

    def wait_until_ready(self) -> None:
        """Wait until it can be measured.

        Raises:
            MeasureError: it cannot.
        """

    def _start(self) -> subprocess.Popen[bytes]:
        own_cores = os.sched_getaffinity(0)
        if self.core is not None:
            os.sched_setaffinity(0, {self.core})  # inherited
        try:
            with self.log.open("wb") as output:
                return subprocess.Popen(  # noqa: S603  words of the catalogue
                    self.command,
                    cwd=self.folder,
                    env={**os.environ, **self.environment},
                    stdin=subprocess.PIPE if self.is_driven else subprocess.DEVNULL,
                    stdout=subprocess.PIPE if self.is_driven else output,
                    stderr=output,
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


def _cpu_clock(pid: int) -> int:
    # What clock_getcpuclockid(3) of Linux computes; Python has it for the threads of itself only.
    return (~pid << 3) | 2

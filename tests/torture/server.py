"""The server that is tortured, as a process of its own, and what can be seen of it."""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Self

from tests.process import ServerProcess
from tests.site import ROOT
from tests.torture.project import UNMEASURED

__all__ = ["Server", "until"]

PAGE: Final = os.sysconf("SC_PAGE_SIZE")
MIB: Final = 2**20

# What a server that is well never writes.
TROUBLE: Final = re.compile(
    r"Traceback \(most|never retrieved|never awaited|Exception ignored|unclosed|Fatal Python"
)


class Server:
    """A ``runtornado`` of the project in a folder; ended with all that it started.

    Args:
        arguments: those of ``runtornado``; a free port of 127.0.0.1 by default.
        python: what runs ``manage.py``.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        python: str | None = None,
    ) -> None:
        number = len(list(folder.glob("*.log")))
        words = arguments or ("127.0.0.1:0",)
        self.process = ServerProcess(
            "runtornado",
            "--noreload",
            *words,
            directory=folder,
            log=folder / f"{number}.log",
            environment={"PYTHONPATH": str(ROOT), **UNMEASURED, **(environment or {})},
            **({"python": python} if python else {}),
        )
        self.port = 0

    def __enter__(self) -> Self:
        try:
            self.port = self.process.port
        except BaseException:
            self.process.kill()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.kill()

    @property
    def pid(self) -> int:
        return self.process.process.pid

    def state(self, *, tidy: bool = False) -> Any:
        """Return what the process holds, see `tests.torture.project`."""
        return json.loads(self.get("/torture?tidy=1" if tidy else "/torture")[1])

    def path(self, path: str) -> Any:
        """Return what is counted of one WebSocket."""
        return self.state()["paths"][path]

    def now(self) -> int:
        """Return how many connections are registered."""
        return sum(path["now"] for path in self.state()["paths"].values())

    def get(
        self, path: str, *, timeout_s: float = 30, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Get a page over a connection of its own, and return status and text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            connection.request("GET", path, headers={"Connection": "close", **(headers or {})})
            with connection.sock.dup() as line:
                response = connection.getresponse()
                found = response.status, response.read().decode()
                with contextlib.suppress(ConnectionError):
                    line.recv(1)  # the end: the server holds no descriptor of it any more
            return found
        finally:
            connection.close()

    def rss(self) -> float:
        """Return the memory in use when all that is garbage has gone, in MiB."""
        self.state(tidy=True)
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE / MIB

    def forget_peak(self) -> None:
        """Let `peak` start anew."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def peak(self) -> float:
        """Return the most memory in use since `forget_peak`, in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None, status
        return int(found[1]) / 1024

    def descriptors(self) -> int:
        """Return how many are open, when those that are about to be closed are."""
        fewest = math.inf
        for _ in range(5):
            fewest = min(fewest, len(list(Path(f"/proc/{self.pid}/fd").iterdir())))
            time.sleep(0.02)
        return int(fewest)

    def cpu_s(self) -> float:
        """Return user and system time so far, in seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def log(self, since: int = 0) -> list[str]:
        """Return the lines that were logged, from a number of lines on."""
        return self.process.output.splitlines()[since:]

    def trouble(self, *, but: str = "$.") -> list[str]:
        """Return the lines of the log that no server should write, but for some."""
        return [line for line in self.log() if TROUBLE.search(line) and not re.search(but, line)]


def until(holds: Callable[[], bool], timeout_s: float = 20) -> float:
    """Wait until something holds, and return how many seconds that took; it need not hold then."""
    started = time.monotonic()
    while not holds() and time.monotonic() - started < timeout_s:
        time.sleep(0.02)
    return time.monotonic() - started

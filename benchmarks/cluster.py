"""Several processes of one peer, the Redis between them, and one that only sends."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from benchmarks.catalogue import REDIS, Peer
from benchmarks.errors import MeasureError
from benchmarks.process import Process
from benchmarks.server import Server

__all__ = ["NODES", "Cluster", "Publisher"]

NODES: Final = 2


class Publisher(Process):
    """A process of a peer that serves nobody and sends to all clients of the others."""

    def __init__(self, peer: Peer, *, core: int | None, log: Path) -> None:
        self.sent = 0
        super().__init__(
            peer.publisher,
            folder=peer.folder,
            environment=peer.environment,
            core=core,
            log=log,
            is_driven=True,
        )

    def wait_until_ready(self) -> None:
        self._expect("ready")

    def send(self, count: int, rate: float) -> int:
        """Begin to send events, and return the number of the first; `wait` for the last.

        Args:
            count: how many.
            rate: how many a second; 0 is all at once.
        """
        first, self.sent = self.sent, self.sent + count
        assert self._process.stdin is not None
        self._process.stdin.write(f"{first} {count} {rate}\n".encode())
        self._process.stdin.flush()
        return first

    def wait(self) -> None:
        """Wait until all has been sent."""
        self._expect("done")

    def _expect(self, word: str) -> None:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode(errors="replace").strip()
        if line != word:
            raise MeasureError(f"the publisher was to say {word!r}, got {line!r}\n{self.output}")


class Cluster:
    """Starts them all, and ends them.

    Args:
        peer: what serves.
        cores: those that may be used, dealt out in turn; none is all.
        folder: takes what they print.
        nodes: how many processes serve.
    """

    def __init__(
        self, peer: Peer, *, cores: Sequence[int], folder: Path, nodes: int = NODES
    ) -> None:
        self.peer = peer
        self.cores = cores
        self.folder = folder
        self.broker = Server(REDIS, core=self._core(nodes), log=folder / "redis")
        peer = dataclasses.replace(
            peer,
            environment={
                **peer.environment,
                "BENCH_REDIS": f"redis://127.0.0.1:{self.broker.port}/0",
            },
        )
        self.servers = [
            Server(peer, core=self._core(number), log=folder / f"server-{number}")
            for number in range(nodes)
        ]
        self.publisher = Publisher(peer, core=self._core(nodes), log=folder / "publisher")
        self._started = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            for process in (self.broker, *self.servers, self.publisher):
                stack.enter_context(process)
            self._started = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._started.close()

    @property
    def output(self) -> str:
        """The last that any of them printed."""
        return "\n".join(
            process.output for process in (self.broker, *self.servers, self.publisher)
        ).strip()

    @property
    def spin(self) -> bool:
        """Whether the load has a core for itself alone."""
        return bool(self.cores)

    def cpu_s(self) -> float:
        """Return user and system time of all that serve, in seconds."""
        return sum(server.cpu_s() for server in self.servers)

    def _core(self, number: int) -> int | None:
        return self.cores[number % len(self.cores)] if self.cores else None

"""A well-behaved client beside the trouble: how long its echoes take. A process of its own, so that
it does not wait for what makes the trouble.
"""

from __future__ import annotations

import contextlib
import json
import math
import select
import subprocess
import sys
import time
from typing import Final, NamedTuple, Self

from benchmarks.frames import CLOSE, masked
from tests.site import ROOT
from tests.torture.client import ABNORMAL, Client, envelope

__all__ = ["Echoes", "Probe"]

READY: Final = "ready\n"
LAST_ECHO_S: Final = 15
STALE_S: Final = 0.25


class Echoes(NamedTuple):
    """What a probe saw.

    Attributes:
        times: when each message was due, on the clock of `time.monotonic`, and how many
            milliseconds later its echo was there.
        sent: how many messages were sent.
        codes: the close codes of those of its connections that the server ended.
        stale: how many messages had waited for `STALE_S` when their connection was ended. Others
            may have crossed the close on its way.
    """

    times: list[tuple[float, float]]
    sent: int
    codes: list[int]
    stale: int

    @property
    def closed(self) -> int:
        """How many of its connections were closed."""
        return len(self.codes)

    @property
    def lost(self) -> int:
        """How many messages were never answered."""
        return self.sent - len(self.times)

    def worst(self, start: float = 0, end: float = math.inf) -> float:
        """Return the longest time of an echo that was due in a while, in ms."""
        return max(self._between(start, end), default=0.0)

    def p99(self, start: float = 0, end: float = math.inf) -> float:
        """Return the time that 99 of 100 did not exceed, in ms."""
        times = sorted(self._between(start, end))
        return times[min(len(times) - 1, len(times) * 99 // 100)] if times else 0.0

    def _between(self, start: float, end: float) -> list[float]:
        return [took for due, took in self.times if start <= due < end]


class Probe:
    """Sends events at a steady rate over some connections, until `finish`.

    Args:
        rate: events per second, of all its connections.
        address: where it is, of this machine.
    """

    def __init__(
        self,
        port: int,
        *,
        path: str = "/echo",
        event: str = "message",
        connections: int = 4,
        rate: float = 200,
        address: str = "127.0.0.1",
    ) -> None:
        words = [str(port), path, event, str(connections), str(rate), address]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.probe", *words],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        assert self._process.stdout is not None
        if self._process.stdout.readline() != READY:
            self.__exit__()
            raise AssertionError("the probe could not connect")
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.communicate()

    def finish(self) -> Echoes:
        """Wait for the last echoes, and return all."""
        output, _ = self._process.communicate("finish\n", timeout=LAST_ECHO_S + 15)
        found = json.loads(output)
        times = [(due, took) for due, took in found["times"]]
        return Echoes(times, found["sent"], found["codes"], found["stale"])


class Pacer:
    """The work of a probe."""

    def __init__(self, clients: list[Client], event: str, rate: float) -> None:
        self.clients = {client.sock.fileno(): client for client in clients}
        self.event = event
        self.rate = rate
        # Of each message that is not answered: when it was due, when it went out, and where.
        self.waiting: dict[int, tuple[float, float, int]] = {}
        self.times: list[tuple[float, float]] = []
        self.sent = 0
        self.codes: list[int] = []
        self.stale = 0

    def run(self) -> None:
        started, deadline = time.monotonic(), math.inf
        while deadline == math.inf or (
            self.waiting and self.clients and time.monotonic() < deadline
        ):
            due = started + self.sent / self.rate
            if deadline == math.inf and self.clients and due <= time.monotonic():
                self._send(due)
                continue
            wait_s = max(0.0, min(due - time.monotonic(), 1))
            ready, _, _ = select.select([sys.stdin, *self.clients], [], [], wait_s)
            if sys.stdin in ready and deadline == math.inf:
                sys.stdin.readline()
                deadline = time.monotonic() + LAST_ECHO_S
            for fd in ready:
                if isinstance(fd, int):
                    self._read(fd)

    def _send(self, due: float) -> None:
        client = list(self.clients.values())[self.sent % len(self.clients)]
        self.waiting[self.sent] = (due, time.monotonic(), client.sock.fileno())
        self.sent += 1
        try:
            client.send(envelope(self.event, {"n": self.sent - 1, "text": "x" * 64}))
        except OSError:
            self._read(client.sock.fileno())  # which may tell the close code

    def _read(self, fd: int) -> None:
        client = self.clients.get(fd)
        if client is None:
            return
        try:
            while True:
                event, data = client.receive(timeout_s=0.0001)
                if event == self.event and data["n"] in self.waiting:
                    due, _, _ = self.waiting.pop(data["n"])
                    self.times.append((due, (time.monotonic() - due) * 1000))
        except TimeoutError:
            return
        except (ConnectionError, ValueError):
            self._gone(fd)

    def _gone(self, fd: int) -> None:
        client, now = self.clients.pop(fd), time.monotonic()
        mine = [n for n, (_, _, where) in self.waiting.items() if where == fd]
        self.stale += sum(now - self.waiting.pop(n)[1] > STALE_S for n in mine)
        self.codes.append(ABNORMAL if client.code is None else client.code)
        with contextlib.suppress(OSError):
            client.send(masked(b"", CLOSE))
        client.sock.close()


def main(port: str, path: str, event: str, connections: str, rate: str, address: str) -> None:
    clients = [Client(int(port), path, address=address) for _ in range(int(connections))]
    if not all(client.is_open for client in clients):
        sys.exit(f"a handshake was refused: {[client.status for client in clients]}")
    pacer = Pacer(clients, event, float(rate))
    # Once each before it counts: what is slow only the first time is another matter.
    for client in clients:
        client.ask(event, {"n": -1})
    say(READY)
    pacer.run()
    answer = {name: getattr(pacer, name) for name in Echoes._fields}
    say(json.dumps(answer))


def say(words: str) -> None:
    sys.stdout.write(words)
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""WebSocket clients of several servers that get what somebody else sends."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any, Final

from benchmarks.connections import READ_SIZE, Connections
from benchmarks.dialects import Dialect
from benchmarks.errors import MeasureError
from benchmarks.frames import Frame, masked
from benchmarks.load import Run
from benchmarks.measures import TEXT

__all__ = ["Listeners"]

EVENT: Final = "shout"
WARM_UP_S: Final = 1.0
ATTEMPTS: Final = 30


class Listeners(Connections):
    """Connections to servers that share what they send.

    Each event has a number and the time when it was due: what a client gets is looked at for both.

    Attributes:
        said: how many events these clients have sent.
    """

    def __init__(self, ports: Sequence[int], dialect: Dialect, *, spin: bool = True) -> None:
        super().__init__(ports[0], dialect, spin=spin)
        self.ports = ports
        self.said = 0
        # Servers send the same bytes to all their clients: they are read once.
        self._known: dict[bytes, tuple[int, float]] = {}

    def connect_to_each(self, count: int) -> None:
        """Add clients of each server."""
        for port in self.ports:
            self.port = port
            self.connect(count)

    def say(self, count: int) -> None:
        """Let one client send events that all get."""
        fd, now = self._sockets[0].fileno(), time.monotonic()
        numbers = range(self.said, self.said + count)
        events = ({**TEXT, "number": number, "at": now} for number in numbers)
        os.write(fd, b"".join(masked(self.dialect.pack(EVENT, data)) for data in events))
        self.said += count

    def reached_by(self, number: int) -> bool:
        """Return whether all clients get an event soon, whatever else they get before it."""
        missing = {sock.fileno() for sock in self._sockets}
        deadline = time.monotonic() + WARM_UP_S
        while missing and time.monotonic() < deadline:
            for fd, _ in self._poll.poll(0.1):
                for frame in self.messages(fd, os.read(fd, READ_SIZE)):
                    if self._read(frame)[0] == number:
                        missing.discard(fd)
        return not missing

    def hear(self, first: int, count: int, within_s: float = 0.0) -> Run:
        """Wait until each client has got some events, in order and once.

        Times are of each delivery, and count from when its event was due.

        Args:
            first: the number of the first event.
            count: how many there are.
            within_s: how long they take to be sent.
        """
        clock, poll, read, known = time.monotonic, self.wait_awake, os.read, self._known
        known.clear()
        next_of = {sock.fileno(): first for sock in self._sockets}
        missing = len(next_of) * count
        times: list[float] = []
        self.expect_replies(within_s)
        started = clock()
        while missing > 0:
            for fd, _ in poll():
                got = read(fd, READ_SIZE)
                # Most often it is one whole frame that another client had before.
                event = known.get(got)
                events = self._events(fd, got) if event is None else (event,)
                now = clock()
                for number, due in events:
                    if number != next_of[fd]:
                        raise MeasureError(f"expected event {next_of[fd]}, got {number}")
                    next_of[fd] += 1
                    times.append(now - due)
                missing -= len(events)
        if missing:
            raise MeasureError(f"{-missing} messages more than {count} for each client")
        return Run(len(times), clock() - started, times, len(next(iter(known))))

    def _events(self, fd: int, got: bytes) -> Sequence[tuple[int, float]]:
        return [self._read(frame) for frame in self.messages(fd, got)]

    def _read(self, frame: Frame) -> tuple[int, float]:
        """Return the number of an event, and when it was due."""
        found = self._known.get(frame.raw)
        if found is None:
            event, data = self.dialect.unpack(frame.payload)
            found = self._known[frame.raw] = self._check(event, data)
        return found

    def _check(self, event: Any, data: Any) -> tuple[int, float]:
        if event != EVENT or data.get("text") != TEXT["text"]:
            raise MeasureError(f"expected {EVENT!r} with {TEXT}, got {event!r} with {data!r}")
        return data["number"], data["at"]

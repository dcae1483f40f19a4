"""WebSocket clients that load a server with frames made beforehand.

What a client gets is compared with the bytes of a first reply, which was read and checked in full:
a comparison costs next to nothing, so that the load comes from the server's work, not from here.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections import deque
from typing import Any

from benchmarks.connections import PATIENCE_S, READ_SIZE, Connections
from benchmarks.dialects import Dialect
from benchmarks.errors import MeasureError
from benchmarks.frames import masked

__all__ = ["Clients", "Run"]


@dataclasses.dataclass
class Run:
    """What was done in a while.

    Attributes:
        count: messages that were answered, or delivered.
        seconds: how long it took.
        times: seconds that each message took, or each broadcast until all had it.
        size: bytes of one reply on the wire.
    """

    count: int
    seconds: float
    times: list[float]
    size: int


class Clients(Connections):
    """Connections that do what is measured."""

    def __init__(
        self, port: int, dialect: Dialect, *, deflate: bool = False, spin: bool = True
    ) -> None:
        super().__init__(port, dialect, deflate=deflate, spin=spin)
        self._checked: tuple[str, Any, bool] | None = None
        self._reply = b""

    def echo(self, event: str, data: Any, seconds: float) -> Run:
        """Let each client send an event, and again when it is back, for a while."""
        frame, fds = self._prepare(event, data, everyone=False)
        reply, clock, poll = self._reply, time.perf_counter, self.sleep
        read, write = os.read, os.write
        self.expect_replies(seconds)
        sent = dict.fromkeys(fds, 0.0)
        times: list[float] = []
        started = clock()
        deadline = started + seconds
        for fd in fds:
            sent[fd] = clock()
            write(fd, frame)
        pending = len(fds)
        while pending:
            for fd, _ in poll():
                got = read(fd, READ_SIZE)
                if got != reply:
                    replies = self._replies(fd, got)
                    if replies > 1:
                        raise MeasureError(f"got {replies} replies to one message")
                    if not replies:
                        continue
                now = clock()
                times.append(now - sent[fd])
                if now < deadline:
                    sent[fd] = now
                    write(fd, frame)
                else:
                    pending -= 1
        return Run(len(times), clock() - started, times, len(reply))

    def pace(self, event: str, data: Any, seconds: float, *, rate: float) -> Run:
        """Send events at a steady rate, clients in turn, whether or not the last is back.

        Times count from when an event was due, so that a wait behind others is in them.
        """
        frame, fds = self._prepare(event, data, everyone=False)
        reply, clock = self._reply, time.perf_counter
        due: dict[int, deque[float]] = {fd: deque() for fd in fds}
        times: list[float] = []
        total, sent, started = int(rate * seconds), 0, clock()
        while len(times) < total:
            now = clock()
            while sent < total and (when := started + sent / rate) <= now:
                fd = fds[sent % len(fds)]
                due[fd].append(when)
                os.write(fd, frame)
                sent += 1
            if now > started + seconds + PATIENCE_S:
                raise MeasureError(f"{total - len(times)} of {total} replies did not come")
            for fd, _ in self._poll.poll(0 if self.spin else 1 / rate):
                got = os.read(fd, READ_SIZE)
                now, count = clock(), 1 if got == reply else self._replies(fd, got)
                if count > len(due[fd]):
                    raise MeasureError(f"got {count} replies to {len(due[fd])} messages")
                times.extend(now - due[fd].popleft() for _ in range(count))
        return Run(total, clock() - started, times, len(reply))

    def shout(self, event: str, data: Any, seconds: float) -> Run:
        """Let one client send an event that all get, and again when all have it, for a while."""
        frame, fds = self._prepare(event, data, everyone=True)
        reply, clock, poll, read = self._reply, time.perf_counter, self.wait_awake, os.read
        times: list[float] = []
        started = clock()
        while not times or clock() - started < seconds:
            begun = clock()
            self.expect_replies()
            os.write(fds[0], frame)
            missing = len(fds)
            while missing > 0:
                for fd, _ in poll():
                    got = read(fd, READ_SIZE)
                    missing -= 1 if got == reply else self._replies(fd, got)
            if missing:
                raise MeasureError(f"{-missing} messages more than the {len(fds)} of a broadcast")
            times.append(clock() - begun)
        return Run(len(times) * len(fds), clock() - started, times, len(reply))

    def pace_shout(self, event: str, data: Any, seconds: float, *, rate: float) -> Run:
        """Let one client send an event that all get, at a steady rate.

        Times are of each delivery, and count from when its event was due.
        """
        frame, fds = self._prepare(event, data, everyone=True)
        reply, clock, read = self._reply, time.perf_counter, os.read
        size = max(READ_SIZE, len(reply))
        got_by = dict.fromkeys(fds, 0)
        times: list[float] = []
        total, sent, started = int(rate * seconds), 0, clock()
        while len(times) < total * len(fds):
            now = clock()
            if sent < total and started + sent / rate <= now:
                os.write(fds[0], frame)
                sent += 1
            if now > started + seconds + PATIENCE_S:
                raise MeasureError(
                    f"{total * len(fds) - len(times)} of {total * len(fds)} deliveries did not come"
                )
            for fd, _ in self._poll.poll(0 if self.spin else 1 / rate):
                got = read(fd, size)
                now, count = clock(), 1 if got == reply else self._replies(fd, got)
                numbers = range(got_by[fd], got_by[fd] + count)
                times.extend(now - started - number / rate for number in numbers)
                got_by[fd] += count
                if got_by[fd] > sent:
                    raise MeasureError(f"got {got_by[fd]} messages of {sent}")
        return Run(len(times), clock() - started, times, len(reply))

    def _prepare(self, event: str, data: Any, *, everyone: bool) -> tuple[bytes, list[int]]:
        """Send an event once, check in full what comes back, and keep the reply's bytes."""
        frame = masked(self.dialect.pack(event, data))
        fds = [sock.fileno() for sock in self._sockets]
        if self._checked == (event, data, everyone):
            return frame, fds
        os.write(fds[0], frame)
        replies = self.gather(set(fds if everyone else fds[:1]))
        for raw, text in {(reply.raw, reply.payload) for reply in replies}:
            self._reply = raw
            if self.dialect.unpack(text) != (event, data):
                raise MeasureError(f"expected {event!r} with {data!r} back, got {text!r}")
        self._checked = event, data, everyone
        return frame, fds

    def _replies(self, fd: int, got: bytes) -> int:
        """Return how many replies are complete: the way for all but one whole reply in a read."""
        frames = self.messages(fd, got)
        for frame in frames:
            if frame.raw != self._reply:
                raise MeasureError(f"expected {self._reply!r}, got {frame.raw!r}")
        return len(frames)

"""What the live monitor costs the server: ``python -m benchmarks.monitor``.

The counters of many paths go on and are read once a second, as in a server; there is no network
but to the viewers, whose sockets are real. It prints the processor time of a tick in milliseconds:
as there is one a second, 10 ms are 1 % of a core.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import django
from django.conf import settings

from tornado_websockets.layers import audience
from tornado_websockets.outgoing import Outgoing
from tornado_websockets.runtime import runtime
from tornado_websockets.websocket import WebSocket

__all__ = ["main"]

EVENTS: Final = ("join", "say", "typing", "leave", "history")
CALLED: Final = (0, 1, len(EVENTS))
CALLS: Final = 20
"""Calls a second of each callback that is called: 20 000 events in the greatest case."""


class Viewer:
    """A connection whose frames go to a socket, where a thread reads them."""

    unsent_bytes = 0
    is_full = False
    known_user = None

    def __init__(self) -> None:
        self.sent = 0
        self._near, self._far = socket.socketpair()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def send(self, outgoing: Outgoing) -> None:
        self.sent += len(outgoing.frame)
        self._near.sendall(outgoing.frame)

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        self._near.close()
        self._reader.join()

    def dismiss(self, code: int, reason: str) -> None:
        self.close()

    def _read(self) -> None:
        with self._far:
            while self._far.recv(1 << 20):
                pass


class Idle(Viewer):
    """A connection that is there, and no more."""

    is_full = False

    def __init__(self) -> None:
        self.id = f"{id(self):x}"
        self.sent = 0

    async def drain(self) -> None:
        """Be ready for more."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.monitor", description=__doc__)
    for name, default in (("paths", 200), ("connections", 5000), ("viewers", 20), ("ticks", 10)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--every", type=float, default=1.0, help="seconds of a tick")
    options = parser.parse_args(arguments)
    if not settings.configured:
        settings.configure(INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"])
        django.setup()
    asyncio.run(_measure(options))
    return 0


async def _measure(options: argparse.Namespace) -> None:
    # It needs settings.
    from tws_admin.monitor import Monitor

    paths = [_path(f"/path/{number}") for number in range(options.paths)]
    idle = [(paths[number % len(paths)].path, Idle()) for number in range(options.connections)]
    for path, connection in idle:
        audience.join(path, connection)
    runtime.start(threads=1)
    bench = Bench(Monitor(), paths, every_s=options.every)
    sys.stdout.write(
        f"| ms of a tick of {options.paths} paths | nobody watches | {options.viewers} watch |"
        " kB of a tick |\n| --- | ---: | ---: | ---: |\n"
    )
    try:
        for called in CALLED:
            alone_ms, _kb = await bench.run(called, options.ticks, viewers=0)
            watched_ms, kb = await bench.run(called, options.ticks, viewers=options.viewers)
            what = f"{called} of {len(EVENTS)} callbacks called"
            sys.stdout.write(f"| {what} | {alone_ms:.1f} | {watched_ms:.1f} | {kb:.0f} |\n")
    finally:
        await runtime.stop(timeout_s=1)
        for path, connection in idle:
            audience.leave(path, connection)


class Bench:
    """A monitor whose ticks are made here."""

    def __init__(self, monitor: Any, paths: list[WebSocket], *, every_s: float) -> None:
        # It needs settings.
        from tws_admin.feed.alone import Alone
        from tws_admin.feed.observer import Observer
        from tws_admin.feed.sending import send_due

        self._paths = paths
        self._every_s = every_s
        self._observer = Observer()
        self._scene = Alone(self._observer, functools.partial(send_due, monitor.register()))

    async def run(self, called: int, ticks: int, *, viewers: int) -> tuple[float, float]:
        """Return the median of milliseconds and of kilobytes of a tick."""
        # It needs settings.
        from tws_admin.feed.viewers import Viewer as Place

        seats: Any = self._observer.viewers
        seats.clear()
        crowd = [Viewer() for _ in range(viewers)]
        seats.update({each: Place(self._observer.seq) for each in crowd})
        costs_ms, sizes_kb = [], []
        for _ in range(ticks + 1):
            await asyncio.sleep(self._every_s)
            self._go_on(called)
            sent = sum(each.sent for each in crowd)
            start = time.thread_time()
            self._observer.tick()
            self._scene.tick()
            costs_ms.append((time.thread_time() - start) * 1000)
            sizes_kb.append((sum(each.sent for each in crowd) - sent) / 1000 / max(1, viewers))
        for each in crowd:
            each.close()
        # The first has everything, as a snapshot has.
        return statistics.median(costs_ms[1:]), statistics.median(sizes_kb[1:])

    def _go_on(self, called: int) -> None:
        for path in self._paths:
            for event in EVENTS[:called]:
                path.stats.events_in += CALLS
                path.stats.events_out += 5 * CALLS
                path.stats.bytes_in += 100 * CALLS
                path.stats.bytes_out += 500 * CALLS
                for number in range(CALLS):
                    path.stats.events[event].latency.add(20_000 * (number + 1))


def _path(name: str) -> WebSocket:
    path = WebSocket(name)
    for event in EVENTS:
        path.on(_callback(event))
    return path


def _callback(name: str) -> Callable[..., Any]:
    async def callback(socket: Any, data: Any) -> None: ...

    callback.__name__ = name
    return callback


if __name__ == "__main__":
    sys.exit(main())

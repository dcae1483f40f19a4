"""What it costs to send to a room, beside a broadcast to all: ``python -m benchmarks.rooms``.

The clients are connected by real sockets to a server in this process, and are read by another one.
It prints the processor time of a call in microseconds, in all and for each delivery: medians of
calls that took turns.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import select
import socket
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import django
from django.conf import settings

__all__ = ["main"]

PATH: Final = "/rooms"
DATA: Final = {"message": "x" * 64}
HANDSHAKE: Final = (
    f"GET /ws{PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
).encode()
PAUSE_S: Final = 0.02
"""Between calls: clients read, so that nothing waits for them."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rooms", description=__doc__)
    parser.add_argument("--clients", type=int, default=5000)
    parser.add_argument("--rooms", type=int, nargs="*", default=[500, 10, 1], help="their sizes")
    parser.add_argument("--calls", type=int, default=50)
    options = parser.parse_args(arguments)
    if not settings.configured:
        logging = {"version": 1, "loggers": {"django.server": {"level": "WARNING"}}}
        settings.configure(ALLOWED_HOSTS=["127.0.0.1"], LOGGING=logging)
        django.setup()
    asyncio.run(_measure(options))
    return 0


async def _measure(options: argparse.Namespace) -> None:
    # They need settings.
    from tornado_websockets.limits import descriptors
    from tornado_websockets.testing import serve
    from tornado_websockets.websocket import WebSocket

    descriptors.raise_limit()
    ws = WebSocket(PATH)
    async with serve() as server, asyncio.timeout(600):
        crowd = multiprocessing.get_context("spawn").Process(
            target=_read, args=(server.port, options.clients), daemon=True
        )
        crowd.start()
        try:
            while len(ws) < options.clients:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            calls = _calls(ws, [options.clients, *options.rooms])
            costs: dict[str, list[float]] = {name: [] for name in calls}
            for _ in range(options.calls + 1):
                for name, (call, _count) in calls.items():
                    start = time.thread_time()
                    call()
                    costs[name].append((time.thread_time() - start) * 1e6)
                    await asyncio.sleep(PAUSE_S)
        finally:
            crowd.terminate()
            crowd.join()
    sys.stdout.write("| Sent to | deliveries | µs | µs for each |\n| --- | ---: | ---: | ---: |\n")
    for name, (_call, count) in calls.items():
        cost = statistics.median(costs[name][1:])  # the first warms up
        sys.stdout.write(f"| {name} | {count} | {cost:.0f} | {cost / count:.2f} |\n")


def _calls(ws: Any, sizes: Sequence[int]) -> dict[str, tuple[Callable[[], None], int]]:
    """Return what is called and how many it reaches, by what it is."""
    sockets = ws.handlers
    calls: dict[str, tuple[Callable[[], None], int]] = {
        "all, `ws.broadcast`": (lambda: ws.broadcast("news", DATA), len(sockets))
    }
    for size in sizes:
        name = f"a room of {size}"
        for connection in sockets[:size]:
            connection.join(name)
        target = ws.to(name)
        calls[name] = (lambda target=target: target.broadcast("news", DATA), size)  # type: ignore[misc]
    return calls


def _read(port: int, count: int) -> None:
    """Connect clients that take whatever they are sent, until this process is ended."""
    clients = select.epoll()
    opened = {}
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(HANDSHAKE)
            client.recv(1 << 12)
            opened[client.fileno()] = client
            clients.register(client, select.EPOLLIN)
        while True:
            for number, _event in clients.poll():
                if not opened[number].recv(1 << 16):
                    clients.unregister(number)


if __name__ == "__main__":
    sys.exit(main())

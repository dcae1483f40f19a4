"""What is measured: each takes a server that has just started, and returns numbers by name."""

from __future__ import annotations

import dataclasses
import random
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.errors import MeasureError
from benchmarks.load import Clients, Run
from benchmarks.pages import fetch
from benchmarks.server import Meter, Server

__all__ = ["MEASURES", "QUICK", "TEXT", "Numbers", "Scale", "check_descriptors", "times"]

Numbers = dict[str, float]

TEXT: Final = {"text": "sixty-four bytes of text, as a line in a chat would have them, ok"[:64]}
WARM_UP_CLIENTS: Final = 100
SPARE_DESCRIPTORS: Final = 100
PAIRS: Final = 5
SEND_BUFFER: Final = Path("/proc/sys/net/ipv4/tcp_wmem")
"""Bytes that the kernel keeps for a socket: the least, at first, the most."""


@dataclasses.dataclass(frozen=True)
class Scale:
    """How long things take, in seconds."""

    work: float = 3.0
    warm_up: float = 0.5
    idle: float = 0.5


QUICK: Final = Scale(work=0.8, warm_up=0.2, idle=0.2)


def echo(server: Server, scale: Scale, *, clients: int) -> Numbers:
    """Events that come back to their sender, as fast as they do."""
    event = server.peer.echo_event
    with _clients(server, clients) as crowd:
        crowd.echo(event, TEXT, scale.warm_up)
        with Meter(server, idle_s=scale.idle, tend=crowd.tend) as meter:
            run = crowd.echo(event, TEXT, scale.work)
    return {"cpu_us": _us(meter, run), "rate": run.count / run.seconds, **times(run)}


def latency(server: Server, scale: Scale, *, clients: int, rate: float) -> Numbers:
    """How long an event takes to come back, at a rate that all servers bear."""
    event = server.peer.echo_event
    with _clients(server, clients) as crowd:
        crowd.echo(event, TEXT, scale.warm_up)
        return times(crowd.pace(event, TEXT, scale.work, rate=rate))


def fanout(server: Server, scale: Scale, *, clients: int) -> Numbers:
    """One client's event that all get."""
    with _clients(server, clients) as crowd:
        return _fanout(server, crowd, TEXT, scale)


def idle(server: Server, scale: Scale, *, clients: int) -> Numbers:
    """What a handshake costs, and the memory of a connection that does nothing."""
    with _clients(server, WARM_UP_CLIENTS) as crowd:
        with Meter(server, idle_s=scale.idle, tend=crowd.tend) as meter:
            memory, started = server.rss(), time.perf_counter()
            crowd.connect(clients)
            seconds = time.perf_counter() - started
        grown = server.rss() - memory
    return {
        "kib": grown / clients / 1024,
        "cpu_us": meter.cpu_s / clients * 1e6,
        "rate": clients / seconds,
    }


def deflate(server: Server, scale: Scale, *, clients: int) -> Numbers:
    """A broadcast of 1 KiB of JSON compressed, and one as long on the wire that is not."""
    rows = _rows()
    with _clients(server, clients, deflate=True) as crowd:
        compressed = _fanout(server, crowd, rows, scale)
    size = int(compressed["size"])
    with _clients(server, clients) as crowd:
        crowd.echo(server.peer.echo_event, TEXT, 0)
        filler = size - crowd.shout("shout", {"text": ""}, 0).size
        text = "x" * max(filler - 2, 0)  # the header of a longer frame has two bytes more
        plain = _fanout(server, crowd, {"text": text}, scale)
    if plain["size"] != size:
        raise MeasureError(f"expected a frame of {size} bytes, got {plain['size']:.0f}")
    return {
        "cpu_us": compressed["cpu_us"],
        "plain_cpu_us": plain["cpu_us"],
        "ratio": compressed["cpu_us"] / plain["cpu_us"],
        "size": size,
        "original": len(server.peer.dialect.pack("shout", rows)),
    }


def stalled(server: Server, scale: Scale, *, clients: int, rate: float, size: int) -> Numbers:
    """Broadcasts while all clients read, and while one does not: what the others notice."""
    parts: dict[bool, list[Numbers]] = {False: [], True: []}
    data = {"text": "x" * size}
    # By then the kernel keeps no more for the client that does not read; the server has to.
    filled_s = int(SEND_BUFFER.read_text().split()[2]) / (rate * size)
    for stalls in (False, True) * PAIRS:
        with _clients(server, clients - stalls) as crowd:
            crowd.echo(server.peer.echo_event, TEXT, 0)
            memory = server.rss()
            if stalls:
                crowd.stall()
            crowd.pace_shout("shout", data, filled_s, rate=rate)
            part = times(crowd.pace_shout("shout", data, scale.work / 2, rate=rate))
            parts[stalls].append({**part, "grown_mib": (server.rss() - memory) / 2**20})
    # Medians: a pause of the machine is in one part only.
    p99_ms, stalled_p99_ms = (
        statistics.median(part["p99_ms"] for part in parts[stalls]) for stalls in (False, True)
    )
    return {
        "p99_ms": p99_ms,
        "stalled_p99_ms": stalled_p99_ms,
        "ratio": stalled_p99_ms / p99_ms,
        "grown_mib": max(part["grown_mib"] for part in parts[True]),
    }


def http(server: Server, scale: Scale, *, connections: int) -> Numbers:
    """A page of Django, over connections that are kept alive."""
    get = partial(fetch, server.port, "/hello/", b"Hello, world!", connections=connections)
    get(seconds=scale.warm_up)
    with Meter(server, idle_s=scale.idle) as meter:
        run = get(seconds=scale.work)
    return {"cpu_us": _us(meter, run), "rate": run.count / run.seconds, **times(run)}


MEASURES: Final[Mapping[str, Callable[[Server, Scale], Numbers]]] = {
    "echo-50": partial(echo, clients=50),
    "echo-1000": partial(echo, clients=1000),
    "latency-50": partial(latency, clients=50, rate=1000),
    "fanout-500": partial(fanout, clients=500),
    "fanout-5000": partial(fanout, clients=5000),
    "crowd-9000": partial(fanout, clients=9000),
    "idle-2000": partial(idle, clients=2000),
    "stalled-100": partial(stalled, clients=100, rate=300, size=10_000),
    "deflate-500": partial(deflate, clients=500),
    "http-16": partial(http, connections=16),
}
"""By name: the group, then how many connections."""


def times(run: Run) -> Numbers:
    """Return the median and the 99th percentile of what messages took."""
    ordered = sorted(run.times)
    return {
        "p50_ms": ordered[len(ordered) // 2] * 1e3,
        "p99_ms": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1e3,
    }


def check_descriptors(count: int) -> None:
    """Raise MeasureError when this process may not have so many connections."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if count + SPARE_DESCRIPTORS > limit:
        raise MeasureError(
            f"{count} clients need {count + SPARE_DESCRIPTORS} descriptors, the limit is {limit};"
            " raise it (ulimit -Hn)"
        )


def _clients(server: Server, count: int, *, deflate: bool = False) -> Clients:
    check_descriptors(count)
    clients = Clients(
        server.port, server.peer.dialect, deflate=deflate, spin=server.core is not None
    )
    try:
        clients.connect(count)
    except BaseException:
        clients.__exit__()
        raise
    return clients


def _fanout(server: Server, crowd: Clients, data: Any, scale: Scale) -> Numbers:
    crowd.echo(server.peer.echo_event, TEXT, 0)  # who gets an echo has joined
    crowd.shout("shout", data, scale.warm_up)
    with Meter(server, idle_s=scale.idle, tend=crowd.tend) as meter:
        run = crowd.shout("shout", data, scale.work)
    return {
        "cpu_us": _us(meter, run),
        "rate": run.count / run.seconds,
        "size": run.size,
        **times(run),
    }


def _us(meter: Meter, run: Run) -> float:
    return meter.cpu_s / run.count * 1e6


def _rows() -> dict[str, Any]:
    """Return a table as applications send them, about 1 KiB of JSON, the same each time."""
    chance = random.Random(7)  # noqa: S311  no secret
    names = ["Ada", "Grace", "Edsger", "Barbara", "Donald", "Frances", "Alan", "Radia"]
    rows = [
        {
            "id": chance.randrange(10_000, 99_999),
            "name": chance.choice(names),
            "price": chance.randrange(100, 99_999) / 100,
            "updated": f"2026-01-{chance.randrange(10, 28)}T{chance.randrange(10, 23)}:15:00Z",
        }
        for _ in range(14)
    ]
    return {"rows": rows}

"""What the tables of the page show: a text before each, and its columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

__all__ = [
    "COST", "COST_TEXT", "COUNTING_TEXT", "DEFLATE", "DEFLATE_TEXT", "HTTP", "HTTP_TEXT",
    "RATIO_TEXT", "RECOVERY", "RECOVERY_TEXT", "SHARED", "SHARED_EVENT", "SHARED_EVENT_TEXT",
    "SHARED_RATIOS", "SHARED_RATIO_TEXT", "SHARED_TEXT",
    "SPEED", "SPEED_TEXT", "STALLED", "STALLED_TEXT", "Column",
]  # fmt: skip

Column = tuple[str, str, str, str]
"""Heading, measure, name of the number, format."""

COST: Final[Sequence[Column]] = (
    ("echo, 50 clients", "echo-50", "cpu_us", ".1f"),
    ("echo, 1 000 clients", "echo-1000", "cpu_us", ".1f"),
    ("fan-out to 500", "fanout-500", "cpu_us", ".2f"),
    ("fan-out to 5 000", "fanout-5000", "cpu_us", ".2f"),
    ("fan-out to 9 000", "crowd-9000", "cpu_us", ".2f"),
    ("handshake", "idle-2000", "cpu_us", ".0f"),
    ("idle connection, KiB", "idle-2000", "kib", ".1f"),
)
SPEED: Final[Sequence[Column]] = (
    ("echoes/s", "echo-50", "rate", ",.0f"),
    ("p50 ms", "echo-50", "p50_ms", ".2f"),
    ("p99 ms", "echo-50", "p99_ms", ".2f"),
    ("at 1 000/s: p50 ms", "latency-50", "p50_ms", ".3f"),
    ("p99 ms", "latency-50", "p99_ms", ".3f"),
    ("deliveries/s, 500 clients", "fanout-500", "rate", ",.0f"),
    ("9 000 have it: median ms", "crowd-9000", "p50_ms", ".0f"),
    ("handshakes/s", "idle-2000", "rate", ",.0f"),
)
DEFLATE: Final[Sequence[Column]] = (
    ("JSON, bytes", "deflate-500", "original", ".0f"),
    ("on the wire, bytes", "deflate-500", "size", ".0f"),
    ("compressed, µs", "deflate-500", "cpu_us", ".2f"),
    ("as many bytes uncompressed, µs", "deflate-500", "plain_cpu_us", ".2f"),
    ("ratio", "deflate-500", "ratio", ".2f"),
)
HTTP: Final[Sequence[Column]] = (
    ("requests/s", "http-16", "rate", ",.0f"),
    ("CPU, µs", "http-16", "cpu_us", ".0f"),
    ("p50 ms", "http-16", "p50_ms", ".2f"),
    ("p99 ms", "http-16", "p99_ms", ".2f"),
)
STALLED: Final[Sequence[Column]] = (
    ("all read: p99 ms", "stalled-100", "p99_ms", ".2f"),
    ("one does not: p99 ms", "stalled-100", "stalled_p99_ms", ".2f"),
    ("ratio", "stalled-100", "ratio", ".2f"),
    ("the server grows by, MiB", "stalled-100", "grown_mib", ".1f"),
)

SHARED: Final[Sequence[Column]] = (
    ("2 × 250: µs", "redis-250", "cpu_us", ".2f"),
    ("p50 ms", "redis-250", "p50_ms", ".2f"),
    ("p99 ms", "redis-250", "p99_ms", ".2f"),
    ("at once: µs", "redis-250", "busy_cpu_us", ".2f"),
    ("deliveries/s", "redis-250", "rate", ",.0f"),
    ("2 × 1 000: µs", "redis-1000", "cpu_us", ".2f"),
    ("p50 ms", "redis-1000", "p50_ms", ".2f"),
    ("p99 ms", "redis-1000", "p99_ms", ".2f"),
    ("at once: µs", "redis-1000", "busy_cpu_us", ".2f"),
    ("deliveries/s", "redis-1000", "rate", ",.0f"),
)
SHARED_EVENT: Final[Sequence[Column]] = (
    ("each server, µs", "event-1", "node_us", ".0f"),
    ("the sender, µs", "event-1", "publish_us", ".0f"),
    ("Redis, µs", "event-1", "redis_us", ".0f"),
    ("p50 ms", "event-1", "p50_ms", ".2f"),
    ("p99 ms", "event-1", "p99_ms", ".2f"),
    ("at full speed: each server, µs", "event-1", "busy_node_us", ".0f"),
    ("Redis, µs", "event-1", "busy_redis_us", ".0f"),
    ("from a client: both servers, µs", "event-1", "inside_us", ".0f"),
    ("fifty at once, µs", "event-1", "together_us", ".0f"),
)
RECOVERY: Final[Sequence[Column]] = (
    ("all have it: ms", "recovery-1000", "ms", ".0f"),
    ("CPU for each, µs", "recovery-1000", "cpu_us", ".0f"),
    ("nothing missed: ms", "recovery-1000", "bare_ms", ".0f"),
    ("CPU for each, µs", "recovery-1000", "bare_cpu_us", ".0f"),
    ("share of the handshake", "recovery-1000", "share", ".0%"),
)

SHARED_RATIOS: Final[Sequence[Column]] = (
    ("2 × 250: CPU for each delivery", "redis-250", "cpu_us", ""),
    ("… of 20 at once", "redis-250", "busy_cpu_us", ""),
    ("2 × 250: p99", "redis-250", "p99_ms", ""),
    ("2 × 1 000: CPU for each delivery", "redis-1000", "cpu_us", ""),
    ("… of 20 at once", "redis-1000", "busy_cpu_us", ""),
    ("2 × 1 000: p99", "redis-1000", "p99_ms", ""),
    ("an event, each server", "event-1", "node_us", ""),
)

COST_TEXT: Final = """\
## What a message costs

Processor time of the server, user and system, in microseconds per message, delivery or handshake.
All do the same work: they decode `{"event": …, "data": {"text": 64 bytes}}`, look at the event, and
encode it again, for its sender (echo) or once for all clients (fan-out). Nothing is compressed.
The memory is what 2 000 idle connections add, each. Work that a server has left when its clients
have everything counts as well. Channels broadcasts through its in-memory layer, which looks at all
members of all groups for each delivery; its broadcast to 9 000 clients takes minutes, and is left
out.

![Processor time per message](img/benchmarks.svg)

"""
SPEED_TEXT: Final = """\
## Throughput and latency

Echo with 50 clients that send as soon as their message is back, so latency shows the queue of all
50; where a server is faster than the load generator, its rate is the generator's. At a steady 1 000
messages a second a server is not saturated, and latency counts from when a message was due.

"""
RATIO_TEXT: Final = """\
## Ratios

The cost of django-tornado-websockets, as a multiple of another's in the same run; below 1 is less.

"""
DEFLATE_TEXT: Final = """\
## Compressed broadcasts

A broadcast of JSON to 500 clients with permessage-deflate, without context takeover: processor time
per delivery, beside a broadcast of as many bytes on the wire that are not compressed.

"""
HTTP_TEXT: Final = """\
## Django over HTTP

A view that says hello, no middleware, 16 connections that are kept alive, one process.

"""
STALLED_TEXT: Final = """\
## A client that stops reading

300 broadcasts a second of 10 kB to 100 clients: how long the deliveries take while all clients
read, and those to the 99 others while one has stopped reading; each is the median of five turns.
By default such a client is closed when what waits for it is too much; with `drop_oldest` it stays.
The last column is the largest growth of the server's memory meanwhile.

"""
COUNTING_TEXT: Final = """\
## What counting costs

The same server with every counter and the clock that times callbacks stubbed out, and as its users
run it: processor time per message or delivery. The ratio is the median of those of each round.

"""
SHARED_TEXT: Final = """\
## Several processes, through Redis

Two processes serve, a third one sends: from a view or a worker, `ws.broadcast`, `group_send` of
Channels with `RedisPubSubChannelLayer`, `emit` of python-socketio's `AsyncRedisManager`, all with
hiredis. Each peer has a Redis of its own. Shown are the processor time of both servers for each
delivery, with 250 and with 1 000 clients connected to each of them, and the time from when an event
is due to its receipt, at a pace that all bear: 5 events a second, and 1. Then 20 events are sent at
once, and again when all have them: a server that finds several events at a time may do with less.
What Redis and the sender take is not in it. The load has a core of its own; of two cores, Redis,
both servers and the sender share the other.

"""
SHARED_EVENT_TEXT: Final = """\
The same with one client for each server and 500 events a second: what an event costs besides its
deliveries. Then the same from a sender that does not pause, so that servers and Redis find several
events at a time; and events that a client of one server sends and all get, one after the other, and
fifty at once.

"""
SHARED_RATIO_TEXT: Final = """\
The cost of django-tornado-websockets, as a multiple of another's in the same run:

"""
RECOVERY_TEXT: Final = """\
## Clients that come back

The other server of two gets 1 000 clients at once, each of which has missed 50 events: how long
until the last has them all, and what each costs that server, handshake included; and the same
when nothing was missed. The others have nothing of the kind.

"""

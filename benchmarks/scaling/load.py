"""What servers carry: the processor time that a second of an application's life takes."""

from __future__ import annotations

import dataclasses
import math
from typing import Final

from benchmarks.scaling.costs import Costs

__all__ = ["APPLICATIONS", "BUDGET", "LIFETIME_S", "Application", "Carried", "carry", "node_us"]

BUDGET: Final = 0.6
"""Of a core, that is planned with: what is above goes up when something is going on."""

LIFETIME_S: Final = 1200.0
"""How long a connection lasts: people come and go, and so do their networks."""

MEMORY_KIB: Final = 4 * 1024 * 1024
KERNEL_KIB: Final = 6.0
"""Memory that Linux keeps for a TCP connection that does nothing; the least, not measured here."""

LINK_BYTES_S: Final = 1.25e9 * BUDGET
"""10 Gbit/s."""

PACKET_BYTES: Final = 66
"""Ethernet, IP and TCP around a frame."""

EVENT_BYTES: Final = 266
"""An event with 64 bytes of text, as it travels to a server, in a packet of its own."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Application:
    """What clients do.

    Attributes:
        title: for the tables.
        said_s: events a second that a client sends, and that others get.
        told_s: events a second for each client from views or workers.
        fixed_s: events a second from views or workers, however many clients there are.
        audience: how many clients get an event; None is all.
        changes: how often a connection makes the room lists of all servers change.
        kept: whether the path has a history.
    """

    title: str
    said_s: float = 0.0
    told_s: float = 0.0
    fixed_s: float = 0.0
    audience: int | None = None
    changes: float = 0.0
    kept: bool = False

    @property
    def events_s(self) -> float:
        """Events a second for each connection, that all servers hear of."""
        return self.said_s + self.told_s + self.changes / LIFETIME_S

    @property
    def deliveries_s(self) -> float:
        """Events a second that each connection gets."""
        if self.audience is None:
            return self.fixed_s
        return (self.said_s + self.told_s) * self.audience


APPLICATIONS: Final = (
    Application(title="Chat", said_s=1 / 30, audience=100, changes=2),
    Application(title="Notices", told_s=1 / 60, audience=1),
    Application(title="Ticker", fixed_s=1.0, kept=True),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Carried:
    """What so many servers carry.

    Attributes:
        nodes: how many processes serve.
        connections: of each of them.
        limit: what ends it.
        events_s: that go through Redis.
        deliveries_s: of all servers.
        redis_us: processor time of Redis, in a second.
        redis_bytes_s: that Redis sends.
    """

    nodes: int
    connections: int
    limit: str
    events_s: float
    deliveries_s: float
    redis_us: float
    redis_bytes_s: float

    @property
    def total(self) -> int:
        """All connections."""
        return self.nodes * self.connections

    @property
    def brokers(self) -> int:
        """How many Redis servers it takes; no path can use more than one."""
        load = max(self.redis_us / (BUDGET * 1e6), self.redis_bytes_s / LINK_BYTES_S)
        return math.ceil(load) if self.nodes > 1 else 0


def node_us(app: Application, costs: Costs, nodes: int) -> tuple[float, float]:
    """Return what a second takes of a server: for each connection, and apart from them."""
    receive_us = costs.receive_kept_us if app.kept else costs.receive_us
    own_us = (
        costs.handshake_us / LIFETIME_S
        + app.said_s * (costs.send_us if nodes > 1 else costs.echo_us)
        + app.deliveries_s * costs.delivery_us
    )
    if nodes == 1:
        return own_us, 0.0
    # What any of them sends, all of them hear.
    return own_us + app.events_s * nodes * receive_us, app.fixed_s * receive_us


def carry(app: Application, costs: Costs, nodes: int) -> Carried:
    """Return what so many servers carry when each takes its part of a core."""
    each_us, fixed_us = node_us(app, costs, nodes)
    sent = app.deliveries_s * (costs.frame_bytes + PACKET_BYTES)
    limits = {
        "its core": (BUDGET * 1e6 - fixed_us) / each_us,
        "4 GiB": MEMORY_KIB / (costs.connection_kib + KERNEL_KIB),
        "10 Gbit/s": LINK_BYTES_S / sent,
    }
    limit = min(limits, key=limits.__getitem__)
    connections = int(limits[limit])
    events_s = app.fixed_s + app.events_s * connections * nodes
    return Carried(
        nodes=nodes,
        connections=connections,
        limit=limit,
        events_s=events_s if nodes > 1 else 0.0,
        deliveries_s=app.deliveries_s * connections * nodes,
        redis_us=events_s * costs.redis_us(nodes, kept=app.kept),
        redis_bytes_s=events_s * nodes * EVENT_BYTES,
    )

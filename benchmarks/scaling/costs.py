"""What was measured, that the arithmetic begins with."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, Final, Self

from benchmarks.results import Results

__all__ = ["FILE", "MEASURED", "Costs"]

FILE: Final = Path(__file__).with_name("costs.json")

MEASURED: Final = {
    "connection_kib": ("product", "idle-2000", "kib"),
    "handshake_us": ("product", "idle-2000", "cpu_us"),
    "echo_us": ("product", "echo-1000", "cpu_us"),
    "delivery_us": ("product", "fanout-5000", "cpu_us"),
    "frame_bytes": ("product", "fanout-500", "size"),
    "receive_us": ("product", "event-1", "busy_node_us"),
    "receive_slow_us": ("product", "event-1", "node_us"),
    "inside_us": ("product", "event-1", "inside_us"),
    "together_us": ("product", "event-1", "together_us"),
    "redis_event_us": ("product", "event-1", "busy_redis_us"),
    "redis_together_us": ("product", "event-1", "together_redis_us"),
    "receive_kept_us": ("product-history", "event-1", "busy_node_us"),
    "redis_kept_event_us": ("product-history", "event-1", "busy_redis_us"),
    "recover_us": ("product-history", "recovery-1000", "cpu_us"),
    "redis_subscriber_us": ("redis", "subscribers-1000", "subscriber_us"),
    "beat_us": ("redis", "roster-1000", "beat_us"),
    "read_us": ("redis", "roster-1000", "read_us"),
    "read_each_us": ("redis", "roster-1000", "read_each_us"),
}
"""By cost: the peer, the measure and the number that it is."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Costs:
    """Processor time in microseconds, and room.

    Attributes:
        machine: what it was measured on.
        connection_kib: memory of a server for a connection that does nothing.
        handshake_us: of a server, for a connection that begins.
        echo_us: of a server, for an event of a client that is answered.
        delivery_us: of a server, for a client that gets an event which many get.
        frame_bytes: of such an event, as a client gets it.
        receive_us: of each server, for an event through Redis that one of its clients gets.
        receive_slow_us: the same where events come one by one, with pauses.
        inside_us: of both of two servers, for an event of a client that goes to all, likewise.
        together_us: the same for events of which fifty come at once.
        redis_event_us: of Redis, for an event to two servers.
        redis_together_us: the same for events of which fifty come at once.
        receive_kept_us: as `receive_us`, on a path with a history.
        redis_kept_event_us: as `redis_event_us`, on a path with a history.
        recover_us: of a server, for a client that comes back and has missed 50 events.
        redis_subscriber_us: of Redis, for each further server.
        beat_us: of Redis, for a server that says that it is there.
        read_us: of Redis, for a server that looks who is there.
        read_each_us: of Redis, for each of those that are.
    """

    machine: str
    connection_kib: float
    handshake_us: float
    echo_us: float
    delivery_us: float
    frame_bytes: float
    receive_us: float
    receive_slow_us: float
    inside_us: float
    together_us: float
    redis_event_us: float
    redis_together_us: float
    receive_kept_us: float
    redis_kept_event_us: float
    recover_us: float
    redis_subscriber_us: float
    beat_us: float
    read_us: float
    read_each_us: float

    @property
    def send_us(self) -> float:
        """Processor time of the server whose client sends an event that goes to all."""
        return max(self.inside_us - 2 * self.receive_slow_us, self.echo_us)

    def redis_us(self, nodes: int, *, kept: bool = False) -> float:
        """Return the processor time of Redis for an event that goes to so many servers."""
        event_us = self.redis_kept_event_us if kept else self.redis_event_us
        return max(event_us + (nodes - 2) * self.redis_subscriber_us, 0.0)

    @classmethod
    def of(cls, results: Results, machine: str) -> Self | None:
        """Return what was measured, None when something was not."""
        found = {name: results.median(*where) for name, where in MEASURED.items()}
        # Where a cost is next to nothing, what is taken off for an idle server may be more.
        measured = {
            name: float(f"{max(0.0, value):.4g}")
            for name, value in found.items()
            if value is not None
        }
        return cls(machine=machine, **measured) if len(measured) == len(found) else None

    @classmethod
    def load(cls, path: Path = FILE) -> Self:
        """Return what was measured last."""
        kept: dict[str, Any] = json.loads(path.read_text())
        return cls(**kept)

    def save(self, path: Path = FILE) -> None:
        """Keep it."""
        path.write_text(json.dumps(dataclasses.asdict(self), indent=1) + "\n")

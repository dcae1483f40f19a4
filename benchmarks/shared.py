"""What is measured of several processes with a Redis between them."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, Self

from benchmarks.cluster import Cluster
from benchmarks.errors import MeasureError
from benchmarks.listeners import ATTEMPTS, Listeners
from benchmarks.load import Run
from benchmarks.measures import Numbers, Scale, check_descriptors, times
from benchmarks.returning import come_back
from benchmarks.server import Meter

__all__ = ["SHARED"]

AT_ONCE: Final = 20
"""Events that are sent without a pause where a server is to do its best; none loses any of them."""

RETURNS: Final = 3
LEAST: Final = 10
"""Events of a measure, at least."""

BURST: Final = 300
TOGETHER: Final = 50
"""Events that a client sends without a pause."""


def event(cluster: Cluster, scale: Scale, *, clients: int, rate: float) -> Numbers:
    """What an event costs that hardly anybody gets: all but the deliveries."""
    with _listeners(cluster, clients) as crowd:
        slow = _paced(cluster, crowd, scale, rate=rate)
        with _Metered(cluster, scale, crowd) as busy:
            busy.repeat(lambda: _sent_at_once(cluster, crowd, [], BURST))
        with _Metered(cluster, scale, crowd) as inside:
            inside.repeat(lambda: _say(crowd, 1))
        with _Metered(cluster, scale, crowd) as together:
            together.repeat(lambda: _say(crowd, TOGETHER))
    nodes = len(cluster.servers)
    return {
        "node_us": slow["event_us"] / nodes,
        "redis_us": slow["redis_us"],
        "publish_us": slow["publish_us"],
        "p50_ms": slow["p50_ms"],
        "p99_ms": slow["p99_ms"],
        "busy_node_us": busy.servers_us / nodes,
        "busy_redis_us": busy.redis_us,
        "inside_us": inside.servers_us,
        "together_us": together.servers_us,
        "together_redis_us": together.redis_us,
    }


def fanout(cluster: Cluster, scale: Scale, *, clients: int, rate: float) -> Numbers:
    """Events of a process that serves nobody, to all clients of those that serve."""
    with _listeners(cluster, clients) as crowd:
        slow = _paced(cluster, crowd, scale, rate=rate)
        runs: list[Run] = []
        with _Metered(cluster, scale, crowd) as busy:
            busy.repeat(lambda: _sent_at_once(cluster, crowd, runs))
    return {
        "cpu_us": slow["event_us"] / len(crowd),
        "p50_ms": slow["p50_ms"],
        "p99_ms": slow["p99_ms"],
        "publish_us": slow["publish_us"],
        "size": slow["size"],
        "busy_cpu_us": busy.servers_us / len(crowd),
        "busy_redis_us": busy.redis_us,
        "rate": sum(run.count for run in runs) / sum(run.seconds for run in runs),
    }


def recovery(cluster: Cluster, scale: Scale, *, clients: int, missed: int) -> Numbers:
    """Clients of one server that come back to the other, all at once."""
    first, second = cluster.servers
    counted: dict[str, list[float]] = {"cpu_us": [], "ms": [], "bare_cpu_us": [], "bare_ms": []}
    check_descriptors(2 * clients)
    with _listeners(cluster, 1) as crowd:
        come_back(second.port, [None] * clients, [])  # warms up
        for _ in range(RETURNS):
            positions: Sequence[str] = come_back(first.port, [None] * clients, []).positions
            run = _send(cluster, crowd, missed, 0)
            assert run.count == missed * len(cluster.servers)
            numbers = range(cluster.publisher.sent - missed, cluster.publisher.sent)
            for name, those in (("", numbers), ("bare_", range(0))):
                with Meter(second, idle_s=scale.idle, tend=crowd.tend) as meter:
                    positions, seconds = come_back(second.port, positions, those)
                counted[name + "cpu_us"].append(meter.cpu_s / clients * 1e6)
                counted[name + "ms"].append(seconds * 1e3)
    medians = {name: statistics.median(values) for name, values in counted.items()}
    return {**medians, "share": medians["bare_cpu_us"] / medians["cpu_us"]}


SHARED: Final[Mapping[str, Callable[[Cluster, Scale], Numbers]]] = {
    "event-1": partial(event, clients=1, rate=500),
    "redis-250": partial(fanout, clients=250, rate=5),
    "redis-1000": partial(fanout, clients=1000, rate=1),
    "recovery-1000": partial(recovery, clients=1000, missed=50),
}
"""By name: the group, then how many clients each process has."""


@contextlib.contextmanager
def _listeners(cluster: Cluster, count: int) -> Iterator[Listeners]:
    """Connect clients to each server that get what the publisher sends."""
    check_descriptors(count * len(cluster.servers))
    ports = [server.port for server in cluster.servers]
    with Listeners(ports, cluster.peer.dialect, spin=cluster.spin) as crowd:
        crowd.connect_to_each(count)
        # Some servers are heard before they hear.
        for _ in range(ATTEMPTS):
            number = cluster.publisher.send(1, 0)
            cluster.publisher.wait()
            if crowd.reached_by(number):
                break
        else:
            raise MeasureError("no event of the publisher has reached all clients")
        yield crowd


class _Metered:
    """Counts what events cost the servers and Redis, in microseconds for each."""

    def __init__(self, cluster: Cluster, scale: Scale, crowd: Listeners) -> None:
        self.servers_us = self.redis_us = 0.0
        self._count = 0
        self._work_s = scale.work
        self._servers = Meter(cluster, idle_s=scale.idle, tend=crowd.tend)
        self._redis = Meter(cluster.broker, idle_s=scale.idle, tend=crowd.tend)

    def __enter__(self) -> Self:
        self._redis.__enter__()
        self._servers.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._servers.__exit__(*exc)
        self._redis.__exit__(*exc)
        self.servers_us = self._servers.cpu_s / max(1, self._count) * 1e6
        self.redis_us = self._redis.cpu_s / max(1, self._count) * 1e6

    def add(self, count: int) -> None:
        """Count events."""
        self._count += count

    def repeat(self, send: Callable[[], int]) -> None:
        """Send events again and again, for a while."""
        started = time.monotonic()
        while not self._count or time.monotonic() - started < self._work_s:
            self.add(send())


def _paced(cluster: Cluster, crowd: Listeners, scale: Scale, *, rate: float) -> Numbers:
    """Send at a rate that all servers bear."""
    _send(cluster, crowd, max(1, int(rate * scale.warm_up)), rate)
    count = max(LEAST, int(rate * scale.work))
    sent_s = cluster.publisher.cpu_s()
    with _Metered(cluster, scale, crowd) as metered:
        run = _send(cluster, crowd, count, rate)
        metered.add(count)
    return {
        "event_us": metered.servers_us,
        "redis_us": metered.redis_us,
        "publish_us": (cluster.publisher.cpu_s() - sent_s) / count * 1e6,
        "size": run.size,
        **times(run),
    }


def _sent_at_once(cluster: Cluster, crowd: Listeners, runs: list[Run], count: int = AT_ONCE) -> int:
    runs.append(_send(cluster, crowd, count, 0))
    return count


def _say(crowd: Listeners, count: int) -> int:
    """Let a client send events, and wait until all have them."""
    first = crowd.said
    crowd.say(count)
    crowd.hear(first, count)
    return count


def _send(cluster: Cluster, crowd: Listeners, count: int, rate: float) -> Run:
    first = cluster.publisher.send(count, rate)
    run = crowd.hear(first, count, count / rate if rate else 0.0)
    cluster.publisher.wait()
    return run

"""What Prometheus is told: the counters of each path, and how the process is.

Needs the extra ``[prometheus]``. Nothing is counted here: a scrape reads what the core counts, in
any thread, since each number is read whole. Labels are bounded as the counters are: paths are the
program's, and events, codes and reasons are at most a hundred for each path, see
`tornado_websockets.stats`.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import django
import tornado
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

import tornado_websockets
from tornado_websockets.histogram import Histogram
from tornado_websockets.layers import layer
from tornado_websockets.process import ProcessStats
from tornado_websockets.runtime import runtime
from tornado_websockets.stats import PathStats
from tornado_websockets.websocket import WebSocket, registry

__all__ = ["Metrics", "new_registry"]

PREFIX: Final = "tornado_websockets"

BOUNDS_S: Final = (0.0001, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)
"""Bounds of the buckets that durations are exported in: few, as each is a series of each path."""


class Number(NamedTuple):
    """One number for each path."""

    family: type[CounterMetricFamily | GaugeMetricFamily]
    name: str
    help: str
    read: Callable[[WebSocket], float]


class Count(NamedTuple):
    """A counter for each path, by one more label."""

    name: str
    label: str
    help: str
    read: Callable[[PathStats], Mapping[Any, float]]


NUMBERS: Final = (
    Number(GaugeMetricFamily, "connections", "Connections that are open.", len),
    Number(
        GaugeMetricFamily,
        "connections_peak",
        "Most connections that were open at a time.",
        lambda websocket: websocket.stats.peak,
    ),
    Number(
        CounterMetricFamily,
        "connections_opened",
        "Connections opened.",
        lambda websocket: websocket.stats.opened,
    ),
    Number(
        CounterMetricFamily,
        "events_in",
        "Messages received and handed to a callback.",
        lambda websocket: websocket.stats.events_in,
    ),
    Number(
        CounterMetricFamily,
        "events_out",
        "Messages sent, one for each client that a broadcast went to.",
        lambda websocket: websocket.stats.events_out,
    ),
    Number(
        CounterMetricFamily,
        "bytes_in",
        "Bytes received, frames and all.",
        lambda websocket: websocket.stats.bytes_in,
    ),
    Number(
        CounterMetricFamily,
        "bytes_out",
        "Bytes of the messages sent, frames and all.",
        lambda websocket: websocket.stats.bytes_out,
    ),
)

COUNTS: Final = (
    Count("connections_closed", "code", "Connections closed.", lambda stats: stats.closed),
    Count("handshakes_rejected", "reason", "Handshakes refused.", lambda stats: stats.rejected),
    Count("warnings", "code", "Messages that could not be used.", lambda stats: stats.warnings),
    Count("slow_readers", "action", "What was done about slow readers.", lambda stats: stats.slow),
    Count(
        "callback_errors",
        "event",
        "Calls of callbacks that raised.",
        lambda stats: {event: each.errors for event, each in stats.events.copy().items()},
    ),
)


class Metrics(Collector):
    """Reads everything anew for each scrape, so that any number of them agree."""

    def __init__(self) -> None:
        self._process = ProcessStats(runtime.threads)
        self._started = time.time()

    def collect(self) -> Iterator[Metric]:
        """Yield what is exported; in any thread."""
        websockets = [each for each in list(registry.values()) if each.monitored]
        yield from _numbers(websockets)
        yield from _counts(websockets)
        yield from _durations(websockets)
        yield from self._server()

    def _server(self) -> Iterator[Metric]:
        versions = {
            "version": tornado_websockets.__version__,
            "python": platform.python_version(),
            "django": django.get_version(),
            "tornado": tornado.version,
        }
        yield InfoMetricFamily(PREFIX, "Versions.", value=versions)
        process = self._process
        yield CounterMetricFamily(
            "process_cpu_seconds", "Processor time of all threads.", value=process.cpu_seconds
        )
        for name, help, value in (
            ("process_resident_memory_bytes", "Memory in use.", process.rss_bytes),
            (f"{PREFIX}_start_time_seconds", "When the server was loaded.", self._started),
            (
                f"{PREFIX}_loop_lag_seconds",
                "How late the event loop was at most, in the last ten seconds.",
                runtime.lag.max_s,
            ),
            (
                f"{PREFIX}_layer_up",
                "Whether the layer works: 1, or 0 while other processes cannot be reached.",
                not layer().trouble,
            ),
            (f"{PREFIX}_threads", "Threads for callbacks.", runtime.threads.size),
            (f"{PREFIX}_threads_busy", "Threads that run a callback.", runtime.threads.busy),
            (
                f"{PREFIX}_threads_queued",
                "Callbacks that wait for a thread.",
                runtime.threads.queued,
            ),
        ):
            yield GaugeMetricFamily(name, help, value=value)


def new_registry() -> CollectorRegistry:
    """Return a registry of these metrics alone, apart from Prometheus's global one."""
    made = CollectorRegistry()
    made.register(Metrics())
    return made


def _numbers(websockets: Iterable[WebSocket]) -> Iterator[Metric]:
    for number in NUMBERS:
        family = number.family(f"{PREFIX}_{number.name}", number.help, labels=["path"])
        for websocket in websockets:
            family.add_metric([websocket.path], number.read(websocket))
        yield family


def _counts(websockets: Iterable[WebSocket]) -> Iterator[Metric]:
    for count in COUNTS:
        name, labels = f"{PREFIX}_{count.name}", ["path", count.label]
        family = CounterMetricFamily(name, count.help, labels=labels)
        for websocket in websockets:
            # A copy is made at once, whatever the event loop counts meanwhile.
            for label, value in dict(count.read(websocket.stats)).items():
                family.add_metric([websocket.path, str(label)], value)
        yield family


def _durations(websockets: Iterable[WebSocket]) -> Iterator[Metric]:
    paths = HistogramMetricFamily(
        f"{PREFIX}_callback_seconds",
        "How long calls of callbacks took, waiting included.",
        labels=["path"],
    )
    events = SummaryMetricFamily(
        f"{PREFIX}_event_seconds",
        "How long the calls for one event took.",
        labels=["path", "event"],
    )
    for websocket in websockets:
        of_path = Histogram()
        for event, stats in websocket.stats.events.copy().items():
            calls = stats.latency.snapshot()
            of_path.merge(calls)
            events.add_metric([websocket.path, event], calls.count, calls.total_s)
        counts = [*of_path.up_to(*BOUNDS_S), of_path.count]
        names = [*map(str, BOUNDS_S), "+Inf"]
        buckets = list(zip(names, counts, strict=True))
        paths.add_metric([websocket.path], buckets, of_path.total_s)
    yield paths
    yield events

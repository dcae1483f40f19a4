"""What Prometheus is told is what clients did, in a bounded number of series."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from prometheus_client import REGISTRY
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from tornado.httpclient import HTTPClientError

from tests.rawclient import connect
from tests.tws_admin.conftest import Shared
from tornado_websockets import __version__
from tornado_websockets.stats import MAX_KEYS
from tornado_websockets.testing import Server
from tornado_websockets.websocket import WebSocket
from tws_admin.metrics.collector import new_registry

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape() -> Samples:
    """Return every sample by name and labels, as Prometheus reads them."""
    text = generate_latest(new_registry()).decode()
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    return found


def value(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((f"tornado_websockets_{name}", frozenset(labels.items())))


async def test_it_tells_what_clients_did(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    ws = WebSocket("/chat")

    @ws.on
    async def say(data: Any) -> None:
        ws.emit("said", data)

    @ws.on
    def fail() -> None:
        raise ValueError

    first, second = [await server.connect("/chat") for _ in range(2)]
    with pytest.raises(HTTPClientError, match="403"):
        await server.connect("/chat", Origin="https://evil.example")
    for _ in range(3):
        first.emit("say", "x")
    first.send("no JSON")
    first.emit("fail")
    codes: list[str] = []
    while len(codes) < 2:
        event, data = await first.receive()
        codes += [data.code] if event == "warning" else []
    await second.close(4321)
    samples = scrape()
    assert {
        name: value(samples, name, path="/chat")
        for name in (
            *("connections", "connections_peak", "connections_opened_total"),
            *("events_in_total", "events_out_total", "bytes_in_total", "bytes_out_total"),
        )
    } == {
        "connections": 1,
        "connections_peak": 2,
        "connections_opened_total": 2,
        "events_in_total": 4,
        "events_out_total": 3 * 2 + 2,
        "bytes_in_total": ws.stats.bytes_in,
        "bytes_out_total": ws.stats.bytes_out,
    }
    assert value(samples, "connections_closed_total", path="/chat", code="4321") == 1
    assert value(samples, "handshakes_rejected_total", path="/chat", reason="origin") == 1
    assert value(samples, "warnings_total", path="/chat", code="invalid_json") == 1
    assert value(samples, "warnings_total", path="/chat", code="handler_error") == 1
    assert value(samples, "callback_errors_total", path="/chat", event="say") == 0
    assert value(samples, "callback_errors_total", path="/chat", event="fail") == 1
    assert value(samples, "event_seconds_count", path="/chat", event="say") == 3
    calls = ws.stats.latency.count
    assert value(samples, "callback_seconds_count", path="/chat") == calls > 3
    assert value(samples, "callback_seconds_bucket", path="/chat", le="30.0") == calls
    total_s = value(samples, "event_seconds_sum", path="/chat", event="say")
    assert total_s is not None
    assert 0 < total_s < 3


async def test_it_tells_what_was_done_about_slow_readers(server: Server) -> None:
    ws = WebSocket("/feed", slow_reader="drop_oldest", limits={"send_frames": 1})
    async with connect(server.port, "/feed", tls=False) as client:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(20):
            while not ws.stats.slow:
                ws.broadcast("block", "x" * 60_000)
                await asyncio.sleep(0)
    dropped = value(scrape(), "slow_readers_total", path="/feed", action="dropped")
    assert dropped == ws.stats.slow["dropped"] > 0


async def test_it_tells_how_the_process_is(server: Server) -> None:
    samples = scrape()
    [info] = [labels for name, labels in samples if name == "tornado_websockets_info"]
    assert dict(info)["version"] == __version__
    assert value(samples, "threads") == 8
    assert value(samples, "threads_busy") == value(samples, "threads_queued") == 0
    assert abs((value(samples, "start_time_seconds") or 0) - time.time()) < 60
    assert value(samples, "loop_lag_seconds") is not None
    assert samples["process_resident_memory_bytes", frozenset()] > 2**20
    assert samples["process_cpu_seconds_total", frozenset()] > 0


async def test_it_tells_whether_other_processes_can_be_reached(shared: Shared) -> None:
    assert value(scrape(), "layer_up") == 1
    shared.layer.wrong = "Redis has not answered for 3 s"
    assert value(scrape(), "layer_up") == 0


def test_a_path_that_is_not_monitored_is_left_out() -> None:
    WebSocket("/shown")
    WebSocket("/watching", monitored=False)
    paths = {dict(labels).get("path") for _name, labels in scrape()}
    assert paths - {None} == {"/shown"}


def test_labels_are_text_whatever_a_path_is_called() -> None:
    path = '/a"b\\c {d="1"} 2 <script>'
    WebSocket(path)
    assert value(scrape(), "connections", path=path) == 0


def test_what_clients_make_up_is_bounded() -> None:
    ws = WebSocket("/chat")
    for number in range(10 * MAX_KEYS):
        ws.stats.closed.add(4000 + number)
        ws.stats.events[f"event_{number}"].latency.add(1)
    samples = scrape()
    for name in ("connections_closed_total", "event_seconds_count"):
        found = [key for key in samples if key[0] == f"tornado_websockets_{name}"]
        assert MAX_KEYS <= len(found) <= MAX_KEYS + 1
    closed = [v for (name, _), v in samples.items() if name.endswith("connections_closed_total")]
    assert sum(closed) == 10 * MAX_KEYS


def test_two_hundred_paths_take_no_time() -> None:
    for number in range(200):
        stats = WebSocket(f"/path/{number}").stats
        for event in ("open", "message", "close"):
            for nanoseconds in (1_000, 1_000_000):
                stats.events[event].latency.add(nanoseconds)
    begun = time.process_time()
    samples = scrape()
    assert time.process_time() - begun < 5  # a fifth of a second, where nobody else computes
    assert len(samples) > 200 * 10


def test_it_stays_out_of_the_registry_of_all() -> None:
    new_registry()
    names = {family.name for family in REGISTRY.collect()}
    assert not [name for name in names if name.startswith("tornado_websockets")]

"""What is read of the core is what clients did."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from tests.tws_admin.feed.conftest import row
from tests.tws_admin.operators import until
from tornado_websockets.modules import Module, ProgressBar
from tornado_websockets.runtime import runtime
from tornado_websockets.testing import Server
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin.feed.reading import NOTHING, Reader, versions
from tws_admin.feed.sampler import SERIES


async def test_the_counters_are_those_of_what_clients_did(server: Server, reader: Reader) -> None:
    chat = WebSocket("/chat")

    @chat.on
    async def say(socket: WebSocketHandler, data: Any) -> None:
        socket.emit("said", data)

    first, second = [await server.connect("/chat") for _ in range(2)]
    for number in range(3):
        first.emit("say", {"number": number})
        await first.receive()
    first.send("{")
    await first.receive()
    await second.close()
    measured = reader.measure()
    found = row(reader, "/chat")
    counted = {
        "connections": 1,
        "opened": 2,
        "closed": 1,
        "rejected": 0,
        "events_in": 3,
        "events_out": 4,  # the warning as well
        "errors": 0,
        "warnings": 1,
    }
    assert {key: found[key] for key in counted} == counted
    assert {key: measured[key] for key in counted if key in measured} == counted
    assert found["peak"] == 2
    assert found["closed_by_code"] == {"1000": 1}
    assert found["warnings_by_code"] == {"invalid_json": 1}
    assert (found["rejected_by_reason"], found["slow_by_action"]) == ({}, {})
    assert found["bytes_in"] == chat.stats.bytes_in > 0
    assert measured["bytes_out"] == chat.stats.bytes_out > 0
    assert measured.keys() >= set(SERIES)
    assert measured["p50_ms"] == found["p50_ms"] > 0
    assert reader.totals() == {**{key: found[key] for key in NOTHING}, "peak": 2}


async def test_percentiles_are_of_the_last_seconds(server: Server, reader: Reader) -> None:
    chat = WebSocket("/chat")

    @chat.on
    async def say(socket: WebSocketHandler) -> None:
        socket.emit("said")

    client = await server.connect("/chat")
    client.emit("say")
    await client.receive()
    chat.stats.events["say"].latency.add(1_000_000_000)
    assert reader.measure()["p99_ms"] == pytest.approx(1000, rel=0.07)
    assert row(reader, "/chat")["p99_ms"] == pytest.approx(1000, rel=0.07)
    for _ in range(10):
        assert reader.measure()["p99_ms"] is None
    chat.stats.events["say"].latency.add(1_000_000)
    reader.measure()
    assert row(reader, "/chat")["p99_ms"] == pytest.approx(1, rel=0.07)


async def test_paths_that_watch_others_are_in_no_number(server: Server, reader: Reader) -> None:
    WebSocket("/watch", monitored=False)
    await server.connect("/watch")
    reader.measure()
    assert reader.paths() == []
    assert reader.totals() == {**NOTHING, "peak": 0}


async def test_a_path_that_is_no_more_is_not_read(reader: Reader) -> None:
    from tornado_websockets.websocket import registry

    WebSocket("/chat")
    reader.measure()
    del registry["/chat"]
    reader.measure()
    assert reader.paths() == []
    again = WebSocket("/chat")
    reader.measure()
    assert row(reader, "/chat")["declared"] == again.place


async def test_progress_bars_are_shown_with_their_watchers(server: Server, reader: Reader) -> None:
    path = WebSocket("/work")
    bar = path.bind(ProgressBar("upload", max=10))
    path.bind(ProgressBar("idle"))
    WebSocket("/watch", monitored=False).bind(ProgressBar("hidden"))
    await server.connect("/work")
    bar.reset()
    bar.tick("first part")
    reader.measure()
    upload, idle = reader.bars()
    assert (upload["path"], upload["name"], upload["watchers"]) == ("/work", "upload", 1)
    assert (upload["value"], upload["label"], upload["done"]) == (1, "first part", False)
    assert upload["started"] <= upload["updated"]
    assert (idle["name"], idle["started"]) == ("idle", None)


async def test_other_modules_are_no_progress_bars(reader: Reader) -> None:
    class Clock(Module):
        kind = "clock"

        def initialize(self) -> None: ...

    WebSocket("/work").bind(Clock("wall"))
    reader.measure()
    assert reader.bars() == []
    assert row(reader, "/work")["modules"] == [{"kind": "clock", "name": "wall"}]


async def test_the_server_tells_of_itself(reader: Reader) -> None:
    found = reader.server()
    assert found.items() >= versions().items()
    assert found["pid"] == os.getpid()
    assert found["rss_bytes"] > 1 << 20
    assert 0 <= found["uptime_s"] < 60
    assert found["loop_lag_ms"] >= 0


async def test_threads_at_work_are_counted(server: Server, reader: Reader) -> None:
    go_on = asyncio.Event()
    loop = asyncio.get_running_loop()
    work = WebSocket("/work")

    @work.on
    def wait() -> None:
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(10)

    client = await server.connect("/work")
    client.emit("wait")
    await until(lambda: reader.measure()["threads_busy"] == 1)
    assert reader.server()["threads_busy"] == 1
    assert reader.server()["threads"] == runtime.threads.size
    go_on.set()
    await until(lambda: reader.measure()["threads_busy"] == 0)

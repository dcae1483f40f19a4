"""What happens to a client that sends too much, or what cannot be used: over both transports."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.rawclient import Frame, RawClient, masked, text
from tests.tornado_websockets.limits.conftest import Clock
from tests.tornado_websockets.wire.conftest import Serve
from tests.tornado_websockets.wire.conftest import serve as serve
from tests.tornado_websockets.wire.conftest import tls as tls
from tornado_websockets.frames import BINARY, CLOSE
from tornado_websockets.limits import conduct
from tornado_websockets.limits.loggate import LogGate
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler

ECHO = '{"event":"message","data":{"n":1}}'
PAGE = 4096


@pytest.fixture(autouse=True)
def quiet_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    """No line was written in the last second."""
    monkeypatch.setattr(conduct, "_gate", LogGate(time.monotonic))


@pytest.fixture
def still(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Have clients earn nothing but by the clock of the test, however slow the machine is."""
    monkeypatch.setattr(conduct, "time", SimpleNamespace(monotonic=clock))
    return clock


def echo(**limits: Any) -> WebSocket:
    ws = WebSocket("/echo", limits=limits)

    @ws.on
    async def message(socket: WebSocketHandler, data: Any) -> None:
        socket.emit("message", data)

    return ws


def event(frame: Frame) -> str:
    """Return the event of a frame; of a warning its code, of a close its code."""
    if frame.opcode == CLOSE:
        return str(frame.code)
    message = json.loads(frame.payload)
    return str(message["data"].get("code", message["event"]))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def events(client: RawClient, number: int) -> list[str]:
    return [event(await client.receive()) for _ in range(number)]


async def test_a_burst_is_handled_the_next_warned_about_and_who_goes_on_is_closed(
    still: Clock, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    ws = echo(messages_per_second=1, burst=50)
    async with serve() as connect, connect("/echo") as client:
        client.send(text(ECHO) * 50)
        assert await events(client, 50) == ["message"] * 50
        client.send(text(ECHO) * 45)
        assert await events(client, 45) == ["too_many_messages"] * 45
        client.send(text(ECHO) * 100)
        got: list[str] = []
        while not got or got[-1] == "too_many_messages":
            got += await events(client, 1)
        assert got == ["too_many_messages"] * 5 + ["4029"]
        await client.cut()
        await until(lambda: len(ws) == 0)
    assert ws.stats.closed.as_dict() == {"4029": 1}
    assert ws.stats.warnings["too_many_messages"] == 50
    [line] = [r.getMessage() for r in caplog.records if r.name.endswith(".security")]
    assert line.startswith("closed 1 connections with 4029, too many messages; at last <WebSocket")


async def test_who_keeps_to_the_rate_is_never_warned(serve: Serve) -> None:
    ws = echo(messages_per_second=50, burst=2)
    async with serve() as connect, connect("/echo") as client:
        for _ in range(25):
            client.send(text(ECHO))
            assert await events(client, 1) == ["message"]
            await asyncio.sleep(0.025)
    assert not ws.stats.warnings


async def test_who_waits_may_go_on(still: Clock, serve: Serve) -> None:
    echo(messages_per_second=10, burst=2)
    async with serve() as connect, connect("/echo") as client:
        client.send(text(ECHO) * 3)
        assert sorted(await events(client, 3)) == ["message", "message", "too_many_messages"]
        still.now += 0.35
        client.send(text(ECHO) * 2)
        assert await events(client, 2) == ["message", "message"]


async def test_bytes_are_limited_as_messages_are(still: Clock, serve: Serve) -> None:
    ws = echo(bytes_per_second=1000, message_size=1000)
    message = json.dumps({"event": "message", "data": {"text": "é" * 100}}, ensure_ascii=False)
    size = len(message.encode())
    async with serve() as connect, connect("/echo") as client:
        client.send(text(message) * (1000 // size))
        assert await events(client, 1000 // size) == ["message"] * (1000 // size)
        client.send(text(message) * 20)
        async with asyncio.timeout(20):
            while (last := (await events(client, 1))[0]) == "too_many_messages":
                pass
        assert last == "4029"
    assert ws.stats.warnings["too_many_messages"] >= 1


async def test_a_message_of_the_largest_size_fits_whatever_the_rate(serve: Serve) -> None:
    echo(bytes_per_second=10, message_size=5000)
    message = json.dumps({"event": "message", "data": {"text": "x" * 4900}})
    async with serve() as connect, connect("/echo") as client:
        client.send(text(message))
        assert await events(client, 1) == ["message"]


async def test_without_limits_nothing_is_counted(serve: Serve) -> None:
    ws = echo()
    async with serve() as connect, connect("/echo") as client:
        client.send(text(ECHO) * 5000)
        assert await events(client, 5000) == ["message"] * 5000
        [socket] = ws
        assert not socket._is_metered


BAD = [
    text("{"),
    text("[]"),
    text("{}"),
    text('{"event":"message","data":1}'),
    text('{"event":"nobody"}'),
    text('{"event":"open"}'),
    masked(BINARY, b"x"),
    text('{"event":"message","data":' + '{"a":' * 120 + "1" + "}" * 121),
]


async def test_the_first_bad_frames_are_answered_and_the_next_one_closes(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    ws = echo(bad_frames=len(BAD))
    async with serve() as connect, connect("/echo") as client:
        for frame in BAD:
            client.send(frame)
        codes = await events(client, len(BAD))
        assert codes[0] == codes[-1] == "invalid_json"
        assert len(set(codes)) == len(BAD) - 1
        client.send(text(ECHO))
        assert await events(client, 1) == ["message"]
        client.send(text("{"))
        assert await events(client, 1) == ["4509"]
        await client.cut()
        await until(lambda: len(ws) == 0)
    assert ws.stats.closed.as_dict() == {"4509": 1}
    assert ws.stats.warnings.total == len(BAD) + 1
    [line] = [r.getMessage() for r in caplog.records if r.name.endswith(".security")]
    assert line.startswith("closed 1 connections with 4509, too many messages that cannot be used")


async def test_ten_bad_frames_are_the_default(serve: Serve) -> None:
    ws = WebSocket("/echo")
    async with serve() as connect, connect("/echo") as client:
        client.send(text("{") * 11)
        assert await events(client, 11) == ["invalid_json"] * 10 + ["4509"]
    assert ws.stats.warnings.as_dict() == {"invalid_json": 11}


async def test_a_failing_callback_is_not_the_clients_mistake(serve: Serve) -> None:
    ws = echo(bad_frames=1)

    @ws.on
    async def fail() -> None:
        raise LookupError

    async with serve() as connect, connect("/echo") as client:
        client.send(text('{"event":"fail"}') * 5)
        assert await events(client, 5) == ["handler_error"] * 5
        client.send(text(ECHO))
        assert await events(client, 1) == ["message"]


async def test_none_takes_any_number_of_bad_frames(serve: Serve) -> None:
    echo(bad_frames=None)
    async with serve() as connect, connect("/echo") as client:
        client.send(text("{") * 500)
        assert await events(client, 500) == ["invalid_json"] * 500


def resident() -> int:
    """Return the bytes of memory that this process takes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
async def test_a_flood_from_a_client_that_does_not_read_costs_next_to_nothing(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ws = echo()
    flood = text("{") * 20_000  # 140 kB

    async def attack(times: int) -> None:
        async with connect("/echo") as client:
            for _ in range(times):
                client.send(flood)
                if client.writer.transport.is_closing():
                    break
                await asyncio.sleep(0)

    async with serve() as connect, connect("/echo") as other:
        await attack(1)
        await until(lambda: len(ws) == 1)
        before, lines = resident(), len(caplog.records)
        worst = 0.0
        attacking = asyncio.create_task(attack(23))
        while not attacking.done():
            started = time.thread_time()  # the work before it, not what the machine stands still
            other.send(text(ECHO))
            assert await events(other, 1) == ["message"]
            worst = max(worst, time.thread_time() - started)
        await attacking
        await until(lambda: len(ws) == 1)
        assert resident() - before < 5 * 1024 * 1024
        assert len(caplog.records) - lines <= 10
        assert worst < 1
    assert ws.stats.warnings.total == 22


async def test_a_client_that_is_told_and_sends_on_is_cut(serve: Serve) -> None:
    """It reads nothing, not even why, and goes on for ever."""
    ws = echo(bad_frames=3)
    async with serve() as connect, connect("/echo") as client:
        [socket] = ws

        async def flood() -> None:
            while not client.writer.transport.is_closing():
                client.send(text("{") * 1000)
                await asyncio.sleep(0.01)

        flooding = asyncio.create_task(flood())
        await until(lambda: len(ws) == 0)
        flooding.cancel()
        assert socket.close_code == 4509


async def test_warnings_that_are_not_read_do_not_pile_up_behind_a_full_buffer(
    serve: Serve,
) -> None:
    ws = WebSocket("/full", slow_reader="drop_oldest")
    async with serve() as connect, connect("/full") as client:
        [socket] = ws
        while not socket.wire.unsent:
            socket.emit("filler", {"text": "x" * 60_000})
            await asyncio.sleep(0)
        for _ in range(20):
            socket.emit("filler", {"text": "x" * 60_000})
        client.send(text("{") * 1000)
        await until(lambda: len(ws) == 0)
        assert socket.close_code == 4509
    assert ws.stats.warnings.total == 11


@pytest.mark.parametrize(
    "wrong",
    [
        {"burst": None},
        {"connections": "many"},
        {"message_size": 0},
        {"header_size": 1},
        {"no_such": 1},
        [],
        {1: 2},
    ],
)
def test_a_path_with_a_limit_that_is_none_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="limits"):
        WebSocket("/echo", limits=wrong)


async def test_a_path_has_its_own_size_of_messages(serve: Serve) -> None:
    echo(message_size=100)
    WebSocket("/wide", limits={"message_size": 200_000, "inbox": 1, "send_frames": 1})
    async with serve() as connect:
        async with connect("/echo") as client:
            client.send(masked(1, b"x" * 101))
            assert (await client.closed()).code == 1009
        async with connect("/wide") as client:
            client.send(masked(1, b"x" * 200_000))
            assert await events(client, 1) == ["invalid_json"]


async def test_a_connection_that_is_cut_while_nothing_is_read_from_it_ends(serve: Serve) -> None:
    ws = echo()
    async with serve() as connect, connect("/echo"):
        [socket] = ws
        socket.wire.stop_reading()
        socket.wire.on_connection_close()
        await until(lambda: len(ws) == 0)

"""How many may connect, and how fast: at each limit, below it and above it, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import override_settings

from tests.rawclient import KEY
from tornado_websockets.limits import capacity, descriptors
from tornado_websockets.limits.loggate import LogGate
from tornado_websockets.testing import Server
from tornado_websockets.tornadowrapper import TornadoWrapper
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler


class Guest:
    """A client that comes from an address of its own, if it likes."""

    def __init__(self, head: str, writer: asyncio.StreamWriter) -> None:
        self.status = int(head.split()[1])
        self.head = head
        self._writer = writer

    @property
    def retry_after(self) -> int:
        return int(self.head.partition("Retry-After: ")[2].split()[0])

    async def leave(self) -> None:
        self._writer.transport.abort()
        await asyncio.sleep(0)


Knock = Callable[..., Any]


@pytest.fixture
async def knock(server: Server) -> AsyncIterator[Knock]:
    guests = []

    async def knock(path: str = "/room", address: str = "127.0.0.1", **headers: str) -> Guest:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", server.port, local_addr=(address, 0)
        )
        fields = {
            "Host": server.host,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": KEY,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        lines = [f"GET /ws{path} HTTP/1.1", *(f"{name}: {v}" for name, v in fields.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        try:
            async with asyncio.timeout(20):
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except BaseException:
            writer.transport.abort()
            raise
        guests.append(Guest(head, writer))
        return guests[-1]

    yield knock
    for guest in guests:
        await guest.leave()


@pytest.fixture(autouse=True)
def nobody_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every seat that a test takes is free again behind it, and no line was written before it."""
    capacity._everyone.rates.clear()
    monkeypatch.setattr(capacity, "_gate", LogGate(time.monotonic))
    yield
    assert len(capacity._everyone.census) == 0


@contextlib.contextmanager
def limits(**limits: Any) -> Iterator[None]:
    with override_settings(TORNADO={"limits": limits}):
        yield


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_as_many_connect_as_there_may_be_and_then_503(
    knock: Knock, caplog: pytest.LogCaptureFixture
) -> None:
    room, other = WebSocket("/room"), WebSocket("/other")
    with limits(connections=3):
        guests = [await knock(), await knock("/other"), await knock()]
        assert [guest.status for guest in guests] == [101] * 3
        refused = await knock("/other")
        assert refused.status == 503
        assert refused.retry_after == capacity.RETRY_AFTER_S
        assert other.stats.rejected.as_dict() == {"connections": 1}
        await guests[0].leave()
        await until(lambda: len(room) == 1)
        assert (await knock("/other")).status == 101
    [line] = [r.getMessage() for r in caplog.records if r.name.endswith(".security")]
    assert line == "connections: refused 1 handshakes, at last 127.0.0.1 on /other"


async def test_a_flood_of_refusals_is_no_flood_of_lines(
    knock: Knock, caplog: pytest.LogCaptureFixture
) -> None:
    room = WebSocket("/room", limits={"connections": 1})
    await knock()
    started = asyncio.get_running_loop().time()
    for _ in range(100):
        assert (await knock()).status == 503
    elapsed = asyncio.get_running_loop().time() - started
    lines = [r for r in caplog.records if r.name.endswith(".security")]
    assert len(lines) <= elapsed + 1
    assert room.stats.rejected.total == 100


async def test_an_address_has_so_many_connections_and_then_429(knock: Knock) -> None:
    room = WebSocket("/room")
    with limits(connections_per_address=2):
        first = await knock(address="127.0.0.2")
        assert (await knock(address="127.0.0.2")).status == 101
        refused = await knock(address="127.0.0.2")
        assert refused.status == 429
        assert refused.retry_after > 0
        assert (await knock(address="127.0.0.3")).status == 101
        assert room.stats.rejected.as_dict() == {"connections_per_address": 1}
        await first.leave()
        await until(lambda: len(room) == 2)
        assert (await knock(address="127.0.0.2")).status == 101


async def test_an_address_has_so_many_handshakes_a_second_and_then_429(knock: Knock) -> None:
    room = WebSocket("/room")
    with limits(handshakes_per_second=3):
        loop = asyncio.get_running_loop()
        started = loop.time()
        statuses = [(await knock(address="127.0.0.4")).status for _ in range(6)]
        earned = int((loop.time() - started) * 3)
        assert statuses[:3] == [101] * 3
        assert 3 - earned <= statuses.count(429) <= 3
        assert (await knock(address="127.0.0.5")).status == 101
        refused = await knock(address="127.0.0.4")
        while refused.status == 101:
            refused = await knock(address="127.0.0.4")
        assert refused.status == 429
        assert refused.retry_after == 1
        async with asyncio.timeout(10):
            while (await knock(address="127.0.0.4")).status != 101:
                await asyncio.sleep(0.1)
        assert room.stats.rejected["handshakes_per_second"] == room.stats.rejected.total


class Known(WebSocketHandler):
    """A connection whose user a test names in a header."""

    async def prepare(self) -> None:
        super().prepare()
        name = self.request.headers.get("X-User")
        self.renew_user(User(name) if name else AnonymousUser())


class User:
    is_authenticated = True

    def __init__(self, pk: str) -> None:
        self.pk = pk

    def __str__(self) -> str:
        return self.pk


async def test_a_user_has_so_many_connections_from_anywhere_and_then_429(knock: Knock) -> None:
    room = WebSocket("/plain")
    TornadoWrapper.add_handler((r"/ws/room", Known, {"websocket": room}))
    with limits(connections_per_user=2):
        for address in ("127.0.0.1", "127.0.0.2"):
            assert (await knock(address=address, X_User="7")).status == 101
        assert (await knock(address="127.0.0.3", X_User="7")).status == 429
        assert (await knock(X_User="8")).status == 101
        assert [(await knock()).status for _ in range(4)] == [101] * 4  # nobody in particular
        assert room.stats.rejected.as_dict() == {"connections_per_user": 1}


async def test_a_path_tightens_and_widens_for_itself_alone(knock: Knock) -> None:
    WebSocket("/room", limits={"connections_per_address": 1})
    WebSocket("/wide", limits={"connections_per_address": None})
    WebSocket("/other")
    with limits(connections_per_address=2):
        assert [(await knock()).status for _ in range(2)] == [101, 429]
        assert [(await knock("/wide")).status for _ in range(4)] == [101] * 4
        assert [(await knock("/other")).status for _ in range(3)] == [101, 101, 429]


async def test_a_path_has_its_own_number_below_that_of_the_process(knock: Knock) -> None:
    WebSocket("/room", limits={"connections": 2})
    WebSocket("/wide", limits={"connections": None})
    with limits(connections=4):
        assert [(await knock()).status for _ in range(3)] == [101, 101, 503]
        assert [(await knock("/wide")).status for _ in range(3)] == [101, 101, 503]


async def test_none_is_unlimited(knock: Knock) -> None:
    WebSocket("/room")
    with limits(connections=None, connections_per_user=None):
        assert [(await knock()).status for _ in range(20)] == [101] * 20


async def test_by_default_the_file_descriptors_decide(
    knock: Knock, monkeypatch: pytest.MonkeyPatch
) -> None:
    WebSocket("/room")
    monkeypatch.setattr(descriptors, "for_connections", lambda: 2)
    assert [(await knock()).status for _ in range(3)] == [101, 101, 503]


async def test_a_handshake_that_fails_takes_no_seat(knock: Knock) -> None:
    WebSocket("/room")
    with limits(connections=1):
        for headers in (
            {"Sec_WebSocket_Key": "short"},
            {"Sec_WebSocket_Version": "8"},
            {"Upgrade": "h2c"},
            {"Origin": "https://evil.example"},
        ):
            assert (await knock(**headers)).status in (400, 403, 426)
        assert (await knock()).status == 101


async def test_who_leaves_in_the_handshake_takes_no_seat(knock: Knock, server: Server) -> None:
    room = WebSocket("/plain")
    waiting, gone, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class Slow(WebSocketHandler):
        async def prepare(self) -> None:
            super().prepare()
            waiting.set()
            await go_on.wait()

        def on_connection_close(self) -> None:
            super().on_connection_close()
            gone.set()

    TornadoWrapper.add_handler((r"/ws/room", Slow, {"websocket": room}))
    with limits(connections=1):
        knocking = asyncio.create_task(knock())
        await waiting.wait()
        knocking.cancel()
        await asyncio.wait_for(gone.wait(), 20)
        go_on.set()
        assert (await knock()).status == 101


async def test_handshakes_at_one_moment_do_not_slip_past_the_limit(knock: Knock) -> None:
    room = WebSocket("/plain")
    together = asyncio.Barrier(6)

    class Slow(WebSocketHandler):
        async def prepare(self) -> None:
            super().prepare()
            await together.wait()

    TornadoWrapper.add_handler((r"/ws/room", Slow, {"websocket": room}))
    with limits(connections=2):
        guests = await asyncio.gather(*(knock() for _ in range(6)))
        assert sorted(guest.status for guest in guests) == [101] * 2 + [503] * 4


@pytest.mark.parametrize(("body", "status"), [(b"", 101), (b"x", 400), (b"x" * 100_000, 400)])
async def test_a_handshake_has_no_body_for_which_memory_would_be_needed(
    body: bytes, status: int, server: Server
) -> None:
    WebSocket("/room")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(
        f"GET /ws/room HTTP/1.1\r\nHost: {server.host}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
    )
    async with asyncio.timeout(20):
        head = await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()
    await asyncio.sleep(0)
    assert int(head.split()[1]) == status


async def test_thousands_of_refusals_leave_nothing(
    knock: Knock, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "django.server")
    room = WebSocket("/room", limits={"connections": 1})
    await knock()
    request = (
        f"GET /ws/room HTTP/1.1\r\nHost: {server.host}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    )
    async with asyncio.timeout(60):
        for _ in range(2000):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(request.encode())
            answer = await reader.read()  # to its end: who is refused keeps no descriptor
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"Connection: close" in answer
            writer.close()
    assert room.stats.rejected.total == 2000
    assert len(room) == 1

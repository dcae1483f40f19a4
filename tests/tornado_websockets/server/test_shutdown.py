"""The end of a server with clients, requests and callbacks under way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
from django.test import override_settings
from tornado.httpclient import AsyncHTTPClient
from tornado.web import RequestHandler

from tests.rawclient import connect
from tornado_websockets import testing
from tornado_websockets.layers.event import Event
from tornado_websockets.layers.local import LocalLayer
from tornado_websockets.server.shutdown import Window
from tornado_websockets.tornadowrapper import TornadoWrapper
from tornado_websockets.websocket import WebSocket

TIMEOUT_S = 10


@asynccontextmanager
async def serving(*handlers: Any) -> AsyncIterator[tuple[testing.Server, asyncio.Task[None]]]:
    """Serve, and return the server and the task that ends with it."""
    TornadoWrapper.start_app(list(handlers))
    server = testing.Server(TornadoWrapper.listen(0))
    task = asyncio.create_task(TornadoWrapper.serve())
    await asyncio.sleep(0)
    with override_settings(ALLOWED_HOSTS=["127.0.0.1"]):
        try:
            yield server, task
        finally:
            TornadoWrapper.stop(grace_s=0.1)
            await task
            await server.disconnect()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not condition():
            await asyncio.sleep(0.005)


def test_a_window_knows_what_is_left_of_each_share() -> None:
    before = time.monotonic()
    window = Window(10)
    left = window.left(0.5)
    assert 5 - (time.monotonic() - before) <= left <= 5
    assert Window(0).left(1) == 0


@override_settings(TORNADO={"shutdown_timeout": 60})
async def test_an_idle_server_ends_at_once() -> None:
    async with serving() as (_server, task):
        start = time.monotonic()
        TornadoWrapper.stop()
        await task
        assert time.monotonic() - start < 4  # of 60: the machine may stand still meanwhile


async def test_the_end_waits_for_a_callback_whose_answer_still_reaches_its_client() -> None:
    ws = WebSocket("/work")
    go_on = asyncio.Event()
    closed: list[int | None] = []

    @ws.on
    async def work(socket: Any) -> None:
        socket.emit("started")
        await go_on.wait()
        socket.emit("done")

    @ws.on
    async def close(socket: Any) -> None:
        closed.append(socket.close_code)

    async with serving() as (server, task):
        client = await server.connect("/work")
        client.emit("work")
        client.emit("work")
        assert (await client.receive()).event == "started"
        TornadoWrapper.stop()
        await until(lambda: not TornadoWrapper.is_ready())
        client.emit("work")  # too late: it is not read
        go_on.set()
        events = [(await client.receive()).event for _ in range(3)]
        assert events == ["done", "started", "done"]
        assert await client.closed() == 1001
        assert "retry in " in (client.connection.close_reason or "")
        await task
        assert closed == [1001]


@override_settings(TORNADO={"shutdown_timeout": 5})
async def test_a_callback_that_does_not_end_keeps_its_client_for_half_of_the_time_only() -> None:
    ws = WebSocket("/work")
    cancelled: list[float] = []

    @ws.on
    async def work(socket: Any) -> None:
        socket.emit("started")
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(time.monotonic())

    async with serving() as (server, task):
        client = await server.connect("/work")
        client.emit("work")
        await client.receive()
        start = time.monotonic()
        TornadoWrapper.stop()
        assert await client.closed() == 1001
        # A second or two between the shares, for which the machine may stand still.
        assert 0.45 * 5 < time.monotonic() - start < 0.85 * 5
        assert cancelled == []
        await task
        assert 0.85 * 5 < cancelled[0] - start < 1.5 * 5


class Mortal(LocalLayer):
    """Takes nothing when it has been stopped, as one that needs a connection."""

    is_stopped = False
    sent: ClassVar[list[tuple[bool, str]]] = []

    async def stop(self) -> None:
        self.is_stopped = True
        await super().stop()

    def publish(self, path: str, event: Event) -> None:
        self.sent.append((self.is_stopped, event.name))
        super().publish(path, event)


@override_settings(TORNADO={"layer": f"{__name__}.Mortal"})
async def test_what_callbacks_send_at_the_end_is_still_taken() -> None:
    ws = WebSocket("/work")

    @ws.on
    def close() -> None:
        time.sleep(0.1)  # the last client has gone by now
        ws.emit("left")

    async with serving() as (server, task):
        await server.connect("/work")
        TornadoWrapper.stop()
        await task
    assert Mortal.sent == [(False, "left")]


async def test_a_request_under_way_is_answered_and_health_tells_of_the_end() -> None:
    go_on = asyncio.Event()
    started = asyncio.Event()

    class Slow(RequestHandler):
        async def get(self) -> None:
            started.set()
            await go_on.wait()
            self.write("slow")

    async with serving((r"/slow", Slow)) as (server, task):
        # A probe whose connection is open already.
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        probe = b"GET /health/%s HTTP/1.1\r\nHost: a\r\n\r\n"
        writer.write(probe % b"ready")
        assert (await reader.readuntil(b"ready\n")).startswith(b"HTTP/1.1 200 ")
        answer = asyncio.ensure_future(AsyncHTTPClient().fetch(f"http://{server.host}/slow"))
        await started.wait()
        TornadoWrapper.stop()
        await until(lambda: not TornadoWrapper.is_ready())
        writer.write(probe % b"ready")
        head = await reader.readuntil(b"not ready\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"Connection: close" in head
        async with asyncio.timeout(TIMEOUT_S):
            assert await reader.read() == b""
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", server.port)
        go_on.set()
        response = await answer
        assert response.body == b"slow"
        assert response.headers["Connection"] == "close"
        await task


async def test_a_handshake_on_an_open_connection_is_refused() -> None:
    go_on = asyncio.Event()
    started = asyncio.Event()
    ws = WebSocket("/chat")

    class Slow(RequestHandler):
        async def get(self) -> None:
            started.set()
            await go_on.wait()

    handshake = (
        b"GET /ws/chat HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    async with serving((r"/slow", Slow)) as (server, task):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readuntil(b"live\n")
        busy = asyncio.ensure_future(AsyncHTTPClient().fetch(f"http://{server.host}/slow"))
        await started.wait()
        TornadoWrapper.stop()
        await until(lambda: not TornadoWrapper.is_ready())
        writer.write(handshake)
        assert (await reader.readline()).startswith(b"HTTP/1.1 503 ")
        writer.close()
        go_on.set()
        await busy
        await task
        assert len(ws) == 0
        assert ws.stats.rejected.as_dict() == {"stopping": 1}


@override_settings(TORNADO={"shutdown_timeout": 0.5})
async def test_what_takes_too_long_is_cut_and_told(caplog: pytest.LogCaptureFixture) -> None:
    WebSocket("/chat")
    started = asyncio.Event()

    class Endless(RequestHandler):
        async def get(self) -> None:
            started.set()
            await asyncio.Event().wait()

    async with serving((r"/endless", Endless)) as (server, task):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        await started.wait()
        async with connect(server.port, "/chat", tls=False):  # it never answers a close
            start = time.monotonic()
            TornadoWrapper.stop()
            await task
            assert time.monotonic() - start < 3
        assert await reader.read() == b""
        writer.close()
    assert "1 HTTP requests took too long and are cut" in caplog.text
    assert "1 clients did not answer the close in time" in caplog.text


@override_settings(TORNADO={"shutdown_timeout": 20, "shutdown_delay": 3})
async def test_a_server_may_take_connections_for_a_while_though_it_is_not_ready() -> None:
    WebSocket("/chat")
    async with serving() as (server, task):
        start = time.monotonic()
        TornadoWrapper.stop()
        await until(lambda: not TornadoWrapper.is_ready())
        response = await AsyncHTTPClient().fetch(
            f"http://{server.host}/health/ready", raise_error=False
        )
        assert response.code == 503
        client = await server.connect("/chat")
        assert await client.closed() == 1001
        await task
        assert 3 <= time.monotonic() - start < 8


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit, MemoryError])
async def test_whatever_a_thread_raises_is_the_failure_of_its_callback(
    kind: type[BaseException], server: testing.Server
) -> None:
    ws = WebSocket("/chat")

    @ws.on
    def fail(socket: Any) -> None:
        raise kind("a callback")

    @ws.on
    def work(socket: Any) -> None:
        socket.emit("done")

    client = await server.connect("/chat")
    client.emit("fail")
    assert (await client.receive()).data.code == "handler_error"
    client.emit("work")
    assert (await client.receive()).event == "done"

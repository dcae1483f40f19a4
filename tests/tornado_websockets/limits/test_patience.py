"""Half a request, however it is cut short, does not stay; a slow one that goes on does."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from django.test import override_settings
from tornado.web import RequestHandler, stream_request_body

import tornado_websockets
from tests.rawclient import TLS
from tornado_websockets import testing
from tornado_websockets.limits import patience
from tornado_websockets.limits.loggate import LogGate
from tornado_websockets.websocket import WebSocket
from tornado_websockets.wire import server as server_module

SHORT_S = 0.4
"""What the timeouts are here, of 15 s each."""

GET = b"GET /hello HTTP/1.1\r\nHost: 127.0.0.1\r\n"
POST = b"POST /%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n"
CHUNKED = b"POST /hello HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"


class Hello(RequestHandler):
    def get(self) -> None:
        self.write("hello")

    def post(self) -> None:
        self.write(f"{len(self.request.body)} bytes")


@stream_request_body
class Slow(RequestHandler):
    """Takes a long time for each part of a body."""

    def prepare(self) -> None:
        self.size = 0

    async def data_received(self, chunk: bytes) -> None:
        await asyncio.sleep(SHORT_S * 2)
        self.size += len(chunk)

    def post(self) -> None:
        self.write(f"{self.size} bytes")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "HEAD_TIMEOUT_S", SHORT_S)
    monkeypatch.setattr(patience, "BODY_TIMEOUT_S", SHORT_S)


@pytest.fixture
async def server() -> AsyncIterator[testing.Server]:
    django = tornado_websockets.django_app()

    def application(environ: Any, start_response: Any) -> list[bytes]:
        size = len(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0)))
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"Django got {size} bytes".encode()]

    django[1].start(application, threads=1, max_body_size=None)
    async with testing.serve([(r"/hello", Hello), (r"/slow", Slow), django]) as running:
        yield running


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], AbstractAsyncContextManager[Connection]]


@pytest.fixture
def connect(server: testing.Server) -> Connect:
    @asynccontextmanager
    async def connect() -> AsyncIterator[Connection]:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()
            await asyncio.sleep(0)

    return connect


async def ends_within(reader: asyncio.StreamReader, seconds: float = SHORT_S * 1.4 + 6) -> bytes:
    """Read until the connection ends, in whatever way, and return what came."""
    got = b""
    async with asyncio.timeout(seconds):
        try:
            while data := await reader.read(65536):
                got += data
        except ConnectionError:
            pass
    return got


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"G",
        b"GET /hello HTTP/1.1\r\n",
        GET,
        b"GET /ws/room HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upg",
        POST % (b"hello", 10),
        POST % (b"hello", 10) + b"x" * 9,
        POST % (b"django", 10) + b"x" * 9,
        POST % (b"django", 1_000_000),
        POST % (b"django", 1_000_000) + b"x" * 100_000,
        CHUNKED,
        CHUNKED + b"5\r\nhel",
        CHUNKED + b"5\r\nhello\r\n",
    ],
    ids=lambda half: half[:12].decode() + f" {len(half)}",
)
async def test_half_a_request_is_cut(half: bytes, connect: Connect) -> None:
    WebSocket("/room")
    started = asyncio.get_running_loop().time()
    async with connect() as (reader, writer):
        writer.write(half)
        assert await ends_within(reader) in (b"", b"HTTP/1.1 100 (Continue)\r\n\r\n")
    assert asyncio.get_running_loop().time() - started > SHORT_S * 0.9


@pytest.mark.parametrize("start", [b"", GET, POST % (b"hello", 100_000), CHUNKED + b"100\r\n"])
async def test_a_byte_now_and_then_is_not_enough(start: bytes, connect: Connect) -> None:
    async with connect() as (reader, writer):
        writer.write(start)

        async def trickle() -> None:
            while not writer.transport.is_closing():
                writer.write(b"X")
                await asyncio.sleep(SHORT_S / 8)

        trickling = asyncio.create_task(trickle())
        assert await ends_within(reader) == b""
        trickling.cancel()


async def test_an_idle_connection_is_closed_behind_its_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Enough for the request to come in time, also when the machine stands still.
    monkeypatch.setattr(server_module, "HEAD_TIMEOUT_S", 2.0)
    async with testing.serve([(r"/hello", Hello)]) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(GET + b"\r\n")
        assert (await ends_within(reader)).endswith(b"hello")
        writer.close()


@pytest.mark.parametrize("path", [b"hello", b"django"])
async def test_a_slow_upload_that_goes_on_may_take_longer(
    path: bytes, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than any pause by what the machine may stand still, and shorter than all of them.
    monkeypatch.setattr(patience, "BODY_TIMEOUT_S", 3.0)
    part = b"x" * 500  # earns a second
    async with connect() as (reader, writer):
        writer.write(POST % (path, len(part) * 7))
        for _ in range(7):
            writer.write(part)
            await asyncio.sleep(0.5)
        assert b"3500 bytes" in await asyncio.wait_for(reader.read(1000), 10)


async def test_an_application_that_is_slow_is_not_the_clients_fault(connect: Connect) -> None:
    async with connect() as (reader, writer):
        writer.write(POST % (b"slow", 6) + b"xxx")
        await asyncio.sleep(SHORT_S * 2)
        writer.write(b"xxx")
        assert b"6 bytes" in await asyncio.wait_for(reader.read(1000), 10)


async def test_slow_requests_are_told_of_once_a_second(
    connect: Connect, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "_gate", LogGate(lambda: 0.0))  # all of it in one second

    async def stall() -> None:
        async with connect() as (reader, writer):
            writer.write(POST % (b"hello", 10))
            await ends_within(reader)

    await asyncio.gather(*(stall() for _ in range(30)))
    lines = [r.getMessage() for r in caplog.records if r.name.endswith(".security")]
    assert lines == ["closed 1 slow requests, the last one from 127.0.0.1"]


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n\r\n"])
async def test_a_handshake_of_tls_that_never_ends_is_cut(sent: bytes) -> None:
    tls = {"certfile": str(TLS / "cert.pem"), "keyfile": str(TLS / "key.pem")}
    with override_settings(TORNADO=tls):
        async with testing.serve([(r"/hello", Hello)]) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(sent)
            await ends_within(reader)
            writer.close()


async def test_half_a_head_over_tls_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    # Enough for the handshake to end in time, also when the machine stands still.
    monkeypatch.setattr(server_module, "HEAD_TIMEOUT_S", 2.0)
    tls = {"certfile": str(TLS / "cert.pem"), "keyfile": str(TLS / "key.pem")}
    with override_settings(TORNADO=tls):
        async with testing.serve([(r"/hello", Hello)]) as server:
            context = ssl.create_default_context(cafile=TLS / "cert.pem")
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
            writer.write(GET)
            assert await ends_within(reader) == b""
            writer.close()


@pytest.fixture
def patient(short: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have enough time for a head, also when the machine stands still."""
    monkeypatch.setattr(server_module, "HEAD_TIMEOUT_S", 15.0)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(("size", "status"), [(999, 200), (1000, 200), (1001, None)])
async def test_a_head_has_its_size_and_not_one_byte_more(size: int, status: int | None) -> None:
    with override_settings(TORNADO={"limits": {"header_size": 1000}}):
        async with testing.serve([(r"/hello", Hello)]) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            head = GET + b"Connection: close\r\nX-Long: %b\r\n\r\n"
            writer.write(head % (b"x" * (size - len(head) + 2)))
            got = await ends_within(reader)
            assert got.startswith(b"HTTP/1.1 200 ") if status else got == b""
            writer.close()


@pytest.mark.usefixtures("patient")
async def test_a_head_of_any_size_if_you_say_so() -> None:
    with override_settings(TORNADO={"limits": {"header_size": None}}):
        async with testing.serve([(r"/hello", Hello)]) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(GET + b"Connection: close\r\nX-Long: %b\r\n\r\n" % (b"x" * 200_000))
            assert (await ends_within(reader)).startswith(b"HTTP/1.1 200 ")
            writer.close()

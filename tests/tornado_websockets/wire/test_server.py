"""HTTP connections of a server that ends, request by request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from tornado.web import Application, RequestHandler

from tornado_websockets.server.sockets import open_tcp
from tornado_websockets.wire.server import ON_THE_WAY_S, Server

TIMEOUT_S = 10


class Slow(RequestHandler):
    go_on: asyncio.Event
    started = 0

    async def get(self) -> None:
        type(self).started += 1
        await self.go_on.wait()
        self.write("slow")


class Quick(RequestHandler):
    def get(self) -> None:
        self.write("quick")


class Counted(RequestHandler):
    runs = 0

    def post(self) -> None:
        type(self).runs += 1
        self.write("counted")

    get = post


class Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def ask(self, path: str) -> None:
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())

    async def answer(self) -> str:
        """Return the head of the next answer, and its body."""
        async with asyncio.timeout(TIMEOUT_S):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            [size] = [int(line[15:]) for line in head.split("\r\n") if "Content-Length" in line]
            return head + (await self.reader.readexactly(size)).decode()

    async def end(self) -> bytes:
        """Return what comes until the connection ends."""
        async with asyncio.timeout(TIMEOUT_S):
            return await self.reader.read()


class Serving:
    def __init__(self) -> None:
        Slow.go_on = asyncio.Event()
        Slow.started = 0
        self.server = Server(
            Application([("/slow", Slow), ("/quick", Quick), ("/counted", Counted)])
        )
        sockets = open_tcp(0, "127.0.0.1")
        self.port = sockets[0].getsockname()[1]
        self.server.add_sockets(sockets)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Connection(reader, writer)
        finally:
            writer.transport.abort()
            await asyncio.sleep(0)

    async def until_started(self, number: int) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while Slow.started < number:
                await asyncio.sleep(0.01)


@pytest_asyncio.fixture
async def serving() -> AsyncIterator[Serving]:
    serving = Serving()
    yield serving
    serving.server.stop()
    Slow.go_on.set()
    await serving.server.close_all_connections()


async def test_a_request_counts_until_it_is_answered(serving: Serving) -> None:
    async with serving.connect() as connection:
        connection.ask("/quick")
        assert "Connection: close" not in await connection.answer()
        assert serving.server.unanswered == 0
        connection.ask("/slow")
        await serving.until_started(1)
        assert serving.server.unanswered == 1
        Slow.go_on.set()
        await connection.answer()
        assert serving.server.unanswered == 0


async def test_requests_under_way_are_answered_and_their_connections_end(serving: Serving) -> None:
    async with serving.connect() as connection:
        connection.ask("/slow")
        await serving.until_started(1)
        finishing = asyncio.create_task(serving.server.finish_requests(TIMEOUT_S))
        await asyncio.sleep(0)
        Slow.go_on.set()
        answer = await connection.answer()
        assert "Connection: close" in answer
        assert answer.endswith("slow")
        assert await connection.end() == b""
        assert await finishing == 0


async def test_the_last_request_of_a_connection_is_answered_too(serving: Serving) -> None:
    async with serving.connect() as busy, serving.connect() as idle:
        busy.ask("/slow")
        await serving.until_started(1)
        finishing = asyncio.create_task(serving.server.finish_requests(TIMEOUT_S))
        await asyncio.sleep(0)
        idle.ask("/quick")
        answer = await idle.answer()
        assert "Connection: close" in answer
        assert answer.endswith("quick")
        assert await idle.end() == b""
        Slow.go_on.set()
        assert await finishing == 0


async def test_a_server_that_stood_still_reads_first_what_came_meanwhile(serving: Serving) -> None:
    async with serving.connect() as connection:
        async with asyncio.timeout(TIMEOUT_S):
            while not serving.server._exchanges:
                await asyncio.sleep(0.01)
        finishing = asyncio.create_task(serving.server.finish_requests(TIMEOUT_S))
        await asyncio.sleep(0)
        connection.ask("/quick")
        time.sleep(2 * ON_THE_WAY_S)  # as where other processes have the processor
        assert (await connection.answer()).endswith("quick")
        assert await finishing == 0


async def test_idle_connections_are_closed_when_all_is_answered(serving: Serving) -> None:
    async with serving.connect() as silent, serving.connect() as half:
        half.writer.write(b"GET /quick HTTP/1.1\r\n")
        async with asyncio.timeout(TIMEOUT_S):
            while len(serving.server._exchanges) < 2:
                await asyncio.sleep(0.01)
        assert await serving.server.finish_requests(TIMEOUT_S) == 0
        assert await silent.end() == b""
        assert await half.end() == b""


async def test_what_takes_too_long_is_told(serving: Serving) -> None:
    async with serving.connect() as connection:
        connection.ask("/slow")
        await serving.until_started(1)
        assert await serving.server.finish_requests(0.1) == 1
        Slow.go_on.set()
        assert (await connection.answer()).endswith("slow")


async def test_a_server_without_connections_ends_at_once(serving: Serving) -> None:
    async with asyncio.timeout(0.04):
        assert await serving.server.finish_requests(TIMEOUT_S) == 0


HIDDEN = b"GET /counted HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize(
    "last",
    [
        b"POST /counted HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"POST /counted HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"POST /counted HTTP/1.0\r\nHost: a\r\n\r\n",
    ],
)
async def test_nothing_behind_the_last_request_of_a_connection_is_one(
    serving: Serving, last: bytes
) -> None:
    for _ in range(20):  # what had been read already was taken only now and then
        Counted.runs = 0
        async with serving.connect() as connection:
            connection.writer.write(last + HIDDEN * 3)
            answers = await connection.end()
        assert answers.count(b"HTTP/1.1 ") == 1
        assert Counted.runs <= 1
        assert serving.server.unanswered == 0

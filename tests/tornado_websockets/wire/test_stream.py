"""From Tornado's stream to a transport; `test_wire` runs over both of them."""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tornado.iostream import BaseIOStream, IOStream
from tornado.util import _websocket_mask
from tornado.web import RequestHandler
from tornado.websocket import WebSocketHandler

from tests.rawclient import connect
from tornado_websockets import testing
from tornado_websockets.websocket import WebSocket
from tornado_websockets.wire.stream import StreamTransport


def test_tornado_has_what_is_used_of_its_private_names() -> None:
    assert _websocket_mask(b"abcd", b"\0\0\0\0\0") == b"abcda"
    assert "_read_buffer" in BaseIOStream.__init__.__code__.co_names
    assert "_read_buffer_size" in BaseIOStream.__init__.__code__.co_names
    assert "socket" in IOStream.__init__.__code__.co_names
    assert callable(WebSocketHandler._detach_stream)
    assert "detach" in WebSocketHandler._detach_stream.__code__.co_names
    assert callable(RequestHandler.detach)
    source = inspect.getsource(WebSocketHandler.get)
    assert "get_websocket_protocol()" in source
    assert "accept_connection(self)" in source


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def resident_memory() -> int:
    """Return the bytes that this process, server and clients, has in memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_plain_connection_leaves_tornados_stream_and_tls_stays_in_it() -> None:
    ws = WebSocket("/chat")
    async with testing.serve() as server:
        await server.connect("/chat")
        transport = ws[0].wire._transport
        assert not isinstance(transport, StreamTransport)
        assert isinstance(transport, asyncio.Transport)


def handler_count() -> int:
    # By their types: what is lazy would be made by asking it what it is.
    return sum(issubclass(type(thing), WebSocketHandler) for thing in gc.get_objects())


async def test_ten_thousand_connections_that_come_and_go_leave_nothing(
    server: testing.Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "django.server")  # pytest keeps each line of the log
    ws = WebSocket("/chat")

    async def visit() -> None:
        async with connect(server.port, "/chat", tls=False):
            pass  # and is aborted

    async def visits(count: int) -> None:
        for _ in range(count // 50):
            await asyncio.gather(*(visit() for _ in range(50)))
        await until(lambda: not len(ws))

    await visits(1000)
    handlers = handler_count()
    descriptors = open_descriptors()
    growth = []
    for _ in range(2):
        memory = resident_memory()
        await visits(5_000)
        growth.append(resident_memory() - memory)
    await until(lambda: open_descriptors() <= descriptors + 5)
    # Half a KiB left of each would be as much, every time; what else grows in this process does so
    # once.
    assert min(growth) < 2.5 * 1024 * 1024
    assert handler_count() <= handlers + 5
    assert ws.stats.opened == 11_000
    assert ws.stats.closed.total == 11_000

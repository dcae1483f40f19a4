"""The helper for tests, used as its users use it."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import TestCase

from tornado_websockets import testing
from tornado_websockets.websocket import WebSocket


class EchoTests(TestCase):
    """The example of the module's documentation, and the transaction of a test."""

    async def test_echo(self) -> None:
        ws = WebSocket("/echo")

        @ws.on
        def message(socket: Any, data: Any) -> None:
            socket.emit("message", data)

        async with testing.serve() as server:
            client = await server.connect("/echo")
            client.emit("message", {"message": "hi"})
            assert await client.receive() == ("message", {"message": "hi"})

    async def test_callbacks_share_the_transaction_of_the_test(self) -> None:
        ws = WebSocket("/groups")

        @ws.on
        def add(socket: Any, data: Any) -> None:
            Group.objects.create(name=data.name)
            socket.emit("names", {"names": list(Group.objects.values_list("name", flat=True))})

        await Group.objects.acreate(name="of the test")
        async with testing.serve() as server:
            client = await server.connect("/groups")
            client.emit("add", {"name": "of the callback"})
            names = (await client.receive()).data.names
        assert sorted(names) == ["of the callback", "of the test"]
        assert await Group.objects.acount() == 2

    async def test_nothing_is_left_behind(self) -> None:
        assert await Group.objects.acount() == 0


async def test_threads_of_their_own_on_request(server: testing.Server) -> None:
    ws = WebSocket("/thread")

    @ws.on
    def name(socket: Any) -> None:
        socket.emit("name", threading.current_thread().name)

    client = await server.connect("/thread")
    client.emit("name")
    assert (await client.receive()).data.message.startswith("tornado_websockets-event")


async def test_a_closed_connection_is_an_error_that_tells_the_code(server: testing.Server) -> None:
    ws = WebSocket("/kick")
    client = await server.connect("/kick")
    ws[0].close(4500, "kicked")
    with pytest.raises(ConnectionError, match="closed with 4500: kicked"):
        await client.receive()


async def test_a_client_may_be_closed_twice(server: testing.Server) -> None:
    WebSocket("/twice")
    client = await server.connect("/twice")
    await client.close()
    await client.close()
    assert await client.closed() == 1000


async def test_a_silence_is_a_timeout(server: testing.Server) -> None:
    WebSocket("/quiet")
    client = await server.connect("/quiet")
    with pytest.raises(TimeoutError):
        await client.receive(timeout_s=0.05)

"""A connection after its handshake: pings, and the versions that are spoken."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any

import pytest
import tornado.websocket
from django.test import override_settings
from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from tornado_websockets import testing
from tornado_websockets.websocket import WebSocket

HURRY = {"ping_interval": 0.1, "ping_timeout": 0.1}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


def test_tornado_has_what_is_used_of_its_private_names() -> None:
    protocol = tornado.websocket.WebSocketProtocol13
    assert set(protocol.__init__.__code__.co_varnames) >= {"handler", "mask_outgoing", "params"}
    assert "_received_pong" in protocol._handle_message.__code__.co_names
    assert "periodic_ping" in protocol.start_pinging.__code__.co_names
    params = tornado.websocket._WebSocketParams
    assert params.__init__.__code__.co_varnames[1:5] == (
        "ping_interval",
        "ping_timeout",
        "max_message_size",
        "compression_options",
    )


async def test_a_client_that_answers_no_ping_is_closed_with_a_code_to_come_back() -> None:
    ws = WebSocket("/quiet")
    codes: list[Any] = []

    @ws.on
    async def close(socket: Any) -> None:
        codes.append(socket.close_code)

    with override_settings(TORNADO=HURRY):
        async with testing.serve() as server:
            with socket.create_connection(("127.0.0.1", server.port)) as raw:
                raw.settimeout(30)
                raw.sendall(
                    b"GET /ws/quiet HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                )
                received = b""
                while b"ping timed out" not in received:
                    received += await asyncio.to_thread(raw.recv, 4096)
                code = struct.pack("!H", 1011)
                assert received.endswith(b"\x89\x00\x88\x10" + code + b"ping timed out")
            await until(lambda: not len(ws))


async def test_a_client_that_answers_pings_stays() -> None:
    ws = WebSocket("/lively")

    @ws.on
    async def wait(socket: Any) -> None:
        await asyncio.sleep(1)
        socket.emit("waited")

    with override_settings(TORNADO=HURRY):
        async with testing.serve() as server:
            client = await server.connect("/lively")
            client.emit("wait")
            assert await client.receive() == ("waited", {})


async def test_a_client_whose_pongs_cannot_be_read_stays() -> None:
    ws = WebSocket("/full")

    @ws.on
    async def wait(socket: Any) -> None:
        await asyncio.sleep(1)
        socket.emit("waited")

    with override_settings(TORNADO={**HURRY, "limits": {"inbox": 1}}):
        async with testing.serve() as server:
            client = await server.connect("/full")
            for _ in range(3):
                client.emit("wait")
            for _ in range(3):
                assert await client.receive() == ("waited", {})


async def test_no_interval_is_no_pings() -> None:
    ws = WebSocket("/calm")
    with override_settings(TORNADO={"ping_interval": 0}):
        async with testing.serve() as server:
            client = await server.connect("/calm")
            ws.broadcast("news")
            assert await client.receive() == ("news", {})


async def test_another_version_is_told_which_one_is_spoken(server: testing.Server) -> None:
    WebSocket("/chat")
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "8"}
    with pytest.raises(HTTPClientError) as caught:
        await AsyncHTTPClient().fetch(f"http://{server.host}/ws/chat", headers=headers)
    assert caught.value.code == 426
    assert caught.value.response is not None
    assert caught.value.response.headers["Sec-WebSocket-Version"] == "13"

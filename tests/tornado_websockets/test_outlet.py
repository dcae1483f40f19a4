"""What a connection sends: who is shown it, and how much of it waits."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tornado.websocket import WebSocketClosedError

from tests.rawclient import connect
from tornado_websockets.exceptions import EncodeError
from tornado_websockets.testing import Server
from tornado_websockets.websocket import WebSocket

Shown = list[tuple[str, Any, str, dict[str, Any]]]


def show(ws: WebSocket) -> Shown:
    """Return what the tap of a WebSocket will be shown, decoded."""
    shown: Shown = []

    def tap(direction: str, socket: Any, event: str, envelope: str | bytes) -> None:
        shown.append((direction, socket, event, json.loads(envelope)))

    ws.tap = tap
    return shown


async def test_the_tap_is_shown_what_comes_and_what_goes(server: Server) -> None:
    ws = WebSocket("/chat")

    @ws.on
    def message(socket: Any, data: Any) -> None:
        socket.emit("one", {"n": data.n})
        ws.emit("all", "x")

    client = await server.connect("/chat")
    shown = show(ws)
    client.emit("message", {"n": 1})
    assert [(await client.receive()).event for _ in range(2)] == ["one", "all"]
    assert shown == [
        ("in", ws[0], "message", {"event": "message", "data": {"n": 1}}),
        ("out", ws[0], "one", {"event": "one", "data": {"n": 1}}),
        ("out", None, "all", {"event": "all", "data": {"message": "x"}}),
    ]


async def test_the_tap_is_shown_nothing_that_is_not_sent(server: Server) -> None:
    ws = WebSocket("/chat")
    client = await server.connect("/chat")
    shown = show(ws)
    socket = ws[0]
    with pytest.raises(EncodeError):
        socket.emit("odd", {"value": object()})
    client.send("no JSON")
    client.emit("unheard_of")
    for code in ("invalid_json", "unknown_event"):
        assert (await client.receive()).data.code == code
    await client.close()
    with pytest.raises(WebSocketClosedError):
        socket.emit("late")
    assert shown == []


async def test_a_tap_is_of_one_path_and_can_be_taken_away(server: Server) -> None:
    watched, other = WebSocket("/watched"), WebSocket("/other")
    first, second = await server.connect("/watched"), await server.connect("/other")
    shown = show(watched)
    for ws in (watched, other):
        ws.broadcast("news")
    watched.tap = None
    watched.broadcast("more")
    assert [(await first.receive()).event for _ in range(2)] == ["news", "more"]
    assert (await second.receive()).event == "news"
    assert [event for _, _, event, _ in shown] == ["news"]


async def test_what_a_client_does_not_read_is_unsent(server: Server) -> None:
    ws = WebSocket("/chat", slow_reader="drop_oldest", limits={"send_bytes": 2**22})
    async with connect(server.port, "/chat", tls=False) as client:
        async with asyncio.timeout(10):
            while not len(ws):
                await asyncio.sleep(0.01)
        socket = ws[0]
        assert socket.unsent_bytes == 0
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(20):
            while socket.unsent_bytes < 2**20:
                socket.emit("block", "x" * 60_000)
                await asyncio.sleep(0)
        assert socket.unsent_bytes == socket.wire.unsent
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(20):
            while socket.unsent_bytes:
                await client.receive()


async def test_nothing_is_unsent_on_a_connection_that_has_ended(server: Server) -> None:
    ws = WebSocket("/chat")
    client = await server.connect("/chat")
    socket = ws[0]
    await client.close()
    assert socket.unsent_bytes == 0

"""One client's connection: what it may send, what callbacks do with it, how it ends."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import override_settings
from tornado.httpclient import HTTPClientError
from tornado.websocket import WebSocketClosedError

from tornado_websockets import testing
from tornado_websockets.message import WARNINGS
from tornado_websockets.testing import Client, Server
from tornado_websockets.websocket import WebSocket


@pytest.fixture
def echo() -> WebSocket:
    ws = WebSocket("/echo")

    @ws.on
    async def message(socket: Any, data: Any) -> None:
        socket.emit("message", data)

    @ws.on
    async def fail() -> None:
        raise ValueError("the secret of the server")

    return ws


async def serves_on(client: Client) -> bool:
    client.emit("message", {"still": "there"})
    return await client.receive() == ("message", {"still": "there"})


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("not json", "invalid_json"),
        ("[]", "not_an_object"),
        ("1", "not_an_object"),
        ("null", "not_an_object"),
        ("{}", "missing_event"),
        ('{"event": 1}', "missing_event"),
        ('{"event": "message", "data": []}', "invalid_data"),
        ('{"event": "nobody_knows"}', "unknown_event"),
        ('{"event": "open"}', "reserved_event"),
        ('{"event": "close"}', "reserved_event"),
        (b"\x00\xff", "binary_not_supported"),
        ('{"event": "fail"}', "handler_error"),
    ],
)
async def test_a_frame_that_cannot_be_used_is_answered_and_the_connection_lives(
    frame: str | bytes, code: str, echo: WebSocket, server: Server
) -> None:
    client = await server.connect("/echo")
    client.send(frame)
    assert await client.receive() == ("warning", {"code": code, "message": WARNINGS[code]})
    assert await serves_on(client)


async def test_who_asks_whether_the_server_is_there_is_told_so_at_once(server: Server) -> None:
    ws = WebSocket("/busy")
    release = asyncio.Event()

    @ws.on
    async def wait(socket: Any) -> None:
        await release.wait()
        socket.emit("waited")

    client = await server.connect("/busy")
    client.emit("wait")
    client.emit("tws_ping")
    assert await client.receive() == ("tws_pong", {})
    release.set()
    assert (await client.receive()).event == "waited"
    assert ws.stats.events_in == 1
    assert not ws.stats.warnings.total


async def test_a_failure_goes_to_the_log_and_not_to_the_client(
    echo: WebSocket, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    client = await server.connect("/echo")
    client.emit("fail")
    warning = await client.receive()
    assert "secret" not in json.dumps(warning)
    (record,) = [r for r in caplog.records if r.name == "tornado_websockets"]
    assert "fail (line" in record.getMessage()
    assert "/echo" in record.getMessage()
    assert record.exc_info


async def test_a_cancelled_wait_is_a_failure_like_any_other(server: Server) -> None:
    ws = WebSocket("/cancel")

    @ws.on
    async def wait() -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    client = await server.connect("/cancel")
    client.emit("wait")
    client.emit("wait")
    assert [(await client.receive()).data.code for _ in range(2)] == ["handler_error"] * 2


async def test_a_message_that_is_too_big_closes_that_connection_only(
    echo: WebSocket, server: Server
) -> None:
    client, other = await server.connect("/echo"), await server.connect("/echo")
    client.emit("message", {"text": "x" * (64 * 1024)})
    assert await client.closed() == 1009
    assert await serves_on(other)


async def test_a_message_of_the_largest_size_is_handled(echo: WebSocket, server: Server) -> None:
    client = await server.connect("/echo")
    frame = json.dumps({"event": "message", "data": {"text": ""}})
    text = "x" * (64 * 1024 - len(frame))
    client.emit("message", {"text": text})
    assert (await client.receive()).data.text == text


@override_settings(TORNADO={"limits": {"bad_frames": None}})
async def test_the_server_survives_ten_thousand_random_frames(
    echo: WebSocket, server: Server
) -> None:
    generator = random.Random(20261122)
    client, other = await server.connect("/echo"), await server.connect("/echo")
    alphabet = '{}[]":,event data\\u0n1.-é'
    for _ in range(10_000):
        length = generator.randrange(40)
        if generator.random() < 0.5:
            client.send("".join(generator.choices(alphabet, k=length)))
        else:
            client.send(generator.randbytes(length))
    for _ in range(10_000):
        event, data = await client.receive()
        assert event == "warning"
        assert data.code in WARNINGS
    assert await serves_on(client)
    assert await serves_on(other)


async def test_messages_of_one_connection_are_handled_strictly_in_order(server: Server) -> None:
    ws = WebSocket("/order")

    @ws.on
    async def slow(socket: Any, data: Any) -> None:
        await asyncio.sleep(0.001)
        socket.emit("handled", data)

    @ws.on
    def threaded(socket: Any, data: Any) -> None:
        socket.emit("handled", data)

    @ws.on
    async def quick(socket: Any, data: Any) -> None:
        socket.emit("handled", data)

    client = await server.connect("/order")
    for n in range(300):
        client.emit(("slow", "threaded", "quick")[n % 3], {"n": n})
    assert [(await client.receive()).data.n for _ in range(300)] == list(range(300))


async def test_a_busy_callback_does_not_hold_up_other_clients_or_the_close(server: Server) -> None:
    ws = WebSocket("/busy")
    release = threading.Event()
    closed = asyncio.Event()

    @ws.on
    def block() -> None:
        assert release.wait(30)

    @ws.on
    async def ping(socket: Any) -> None:
        socket.emit("pong")

    @ws.on
    async def close() -> None:
        closed.set()

    client, other = await server.connect("/busy"), await server.connect("/busy")
    client.emit("block")
    other.emit("ping")
    assert (await other.receive()).event == "pong"
    await client.close()
    assert len(ws) == 1
    assert not closed.is_set()  # it runs behind what the client has sent
    release.set()
    await asyncio.wait_for(closed.wait(), 10)


async def test_open_and_close_are_called_in_order_with_the_connection(server: Server) -> None:
    ws = WebSocket("/life")
    life: list[Any] = []
    ended = asyncio.Event()

    @ws.on
    def open(socket: Any, data: Any) -> None:
        life.append(("open", socket.id, data, len(ws)))

    @ws.on
    async def message(socket: Any) -> None:
        life.append(("message", socket.id))

    @ws.on
    async def close(socket: Any) -> None:
        life.append(("close", socket.id, socket.close_code, socket.close_reason, len(ws)))
        ended.set()

    client = await server.connect("/life")
    client.emit("message")
    identity = ws[0].id
    await client.close(4000, "bye")
    await asyncio.wait_for(ended.wait(), 10)
    assert life == [
        ("open", identity, {}, 1),
        ("message", identity),
        ("close", identity, 4000, "bye", 0),
    ]


async def test_emit_to_a_client_that_has_gone_raises(server: Server) -> None:
    ws = WebSocket("/gone")
    result: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @ws.on
    async def close(socket: Any) -> None:
        try:
            socket.emit("too_late")
        except WebSocketClosedError:
            result.set_result("raised")

    client = await server.connect("/gone")
    await client.close()
    assert await asyncio.wait_for(result, 10) == "raised"


async def test_a_callback_whose_client_has_gone_is_no_error(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    ws = WebSocket("/gone")
    release, finished = threading.Event(), asyncio.Event()

    @ws.on
    def work(socket: Any) -> None:
        assert release.wait(30)
        socket.emit("result")

    @ws.on
    async def close() -> None:
        finished.set()

    client = await server.connect("/gone")
    client.emit("work")
    await client.close()
    release.set()
    await asyncio.wait_for(finished.wait(), 10)
    assert not [r for r in caplog.records if r.levelname in ("WARNING", "ERROR")]


@pytest.mark.parametrize("kind", ["loop", "thread"])
async def test_a_callback_closes_its_client(kind: str, server: Server) -> None:
    ws = WebSocket("/kick")

    @ws.on
    async def loop(socket: Any) -> None:
        socket.close(4500, "kicked")

    @ws.on
    def thread(socket: Any) -> None:
        socket.close(4500, "kicked")

    client = await server.connect("/kick")
    client.emit(kind)
    assert await client.closed() == 4500
    assert client.connection.close_reason == "kicked"


async def test_a_client_that_is_cut_off_leaves(echo: WebSocket, server: Server) -> None:
    client = await server.connect("/echo")
    client.connection.protocol.stream.close()  # type: ignore[union-attr]
    async with asyncio.timeout(10):
        while len(echo):
            await asyncio.sleep(0.01)


async def test_a_full_inbox_pauses_reading_and_loses_nothing() -> None:
    ws = WebSocket("/full")
    release = asyncio.Event()

    @ws.on
    async def message(socket: Any, data: Any) -> None:
        await release.wait()
        socket.emit("handled", data)

    with override_settings(TORNADO={"limits": {"inbox": 2}}):
        async with testing.serve() as server:
            client = await server.connect("/full")
            for n in range(50):
                client.emit("message", {"n": n})
            release.set()
            assert [(await client.receive()).data.n for _ in range(50)] == list(range(50))


async def test_a_connection_knows_who_it_is(echo: WebSocket, server: Server) -> None:
    await server.connect("/echo")
    (handler,) = echo
    assert handler.websocket is echo
    assert handler.ip == "127.0.0.1"
    assert len(bytes.fromhex(handler.id)) == 8
    assert 0 <= (datetime.now(UTC) - handler.connected_at).total_seconds() < 60
    assert str(handler) == f"<WebSocketHandler {handler.id} of /echo from 127.0.0.1>"


@pytest.mark.parametrize(
    "origin",
    ["http://127.0.0.1:{port}", "HTTP://127.0.0.1:{port}"],
)
async def test_a_page_of_the_same_origin_connects(
    origin: str, echo: WebSocket, server: Server
) -> None:
    client = await server.connect("/echo", Origin=origin.format(port=server.port))
    assert await serves_on(client)


async def test_a_page_of_the_same_site_and_origin_connects(echo: WebSocket, server: Server) -> None:
    origin = f"http://{server.host}"
    client = await server.connect("/echo", Origin=origin, Sec_Fetch_Site="same-site")
    assert await serves_on(client)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Origin", "http://evil.example"),
        ("Origin", "null"),
        ("Origin", "http://127.0.0.1:1"),
        ("Origin", "http://[::1"),
        ("Origin", "http://127.0.0.1@evil.example"),
        ("Host", "evil.example"),
    ],
)
async def test_another_origin_is_refused_before_the_upgrade(
    name: str, value: str, echo: WebSocket, server: Server
) -> None:
    headers: dict[str, Any] = {name: value}
    with pytest.raises(HTTPClientError) as caught:
        await server.connect("/echo", **headers)
    assert caught.value.code == 403
    assert len(echo) == 0


async def test_rebinding_is_refused(echo: WebSocket, server: Server) -> None:
    with pytest.raises(HTTPClientError) as caught:
        await server.connect("/echo", Host="evil.example", Origin="http://evil.example")
    assert caught.value.code == 403


async def test_a_path_without_websocket_is_not_found(echo: WebSocket, server: Server) -> None:
    with pytest.raises(HTTPClientError) as caught:
        await server.connect("/echo/more")
    assert caught.value.code == 404


@override_settings(TORNADO={"shutdown_timeout": 0.1})
async def test_a_callback_that_does_not_end_is_cancelled_when_the_server_stops() -> None:
    ws = WebSocket("/endless")
    ended: list[str] = []

    @ws.on
    async def wait(socket: Any) -> None:
        socket.emit("waiting")
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async with testing.serve() as server:
        client = await server.connect("/endless")
        client.emit("wait")
        await client.receive()
    assert ended == ["cancelled"]

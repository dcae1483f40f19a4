"""One connection, over either transport: the same behaviour, seen from outside."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import struct
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from socket import SHUT_WR
from typing import Any

import pytest
from django.test import override_settings
from tornado.websocket import WebSocketClosedError

from tests.rawclient import RawClient, close, connect, masked, text
from tests.tornado_websockets.wire.conftest import Serve
from tornado_websockets.encoding import encode
from tornado_websockets.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from tornado_websockets.outgoing import Outgoing
from tornado_websockets.testing import Server
from tornado_websockets.tornadowrapper import TornadoWrapper
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler

HURRY = {"ping_interval": 0.2, "ping_timeout": 0.2}
# For clients that answer: enough time to do so, also when the machine stands still.
PATIENCE = {"ping_interval": 0.2, "ping_timeout": 1}
ECHO = '{"event":"message","data":{"n":1}}'


@pytest.fixture
def echo() -> WebSocket:
    ws = WebSocket("/echo")

    @ws.on
    async def message(socket: WebSocketHandler, data: Any) -> None:
        socket.emit("message", data)

    return ws


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def resident_memory() -> int:
    """Return the bytes that this process, server and clients, has in memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def echoes(client: RawClient) -> bool:
    client.send(text(ECHO))
    return (await client.receive()).payload == ECHO.encode()


async def test_a_message_is_answered(echo: WebSocket, serve: Serve) -> None:
    async with serve() as connect, connect("/echo") as client:
        assert client.head.startswith("HTTP/1.1 101 ")
        assert "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in client.head
        assert await echoes(client)


async def test_what_comes_right_behind_the_handshake_is_not_lost(
    echo: WebSocket, serve: Serve
) -> None:
    async with serve() as connect, connect("/echo", behind=text(ECHO) * 3) as client:
        for _ in range(3):
            assert (await client.receive()).payload == ECHO.encode()
        assert await echoes(client)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_bytes_may_come_in_any_pieces(size: int, echo: WebSocket, serve: Serve) -> None:
    data = text(ECHO)
    async with serve() as connect, connect("/echo") as client:
        for start in range(0, len(data), size):
            client.send(data[start : start + size])
            await asyncio.sleep(0)
        assert (await client.receive()).payload == ECHO.encode()


async def test_fragments_with_a_ping_between_are_one_message(echo: WebSocket, serve: Serve) -> None:
    half = len(ECHO) // 2
    async with serve() as connect, connect("/echo") as client:
        client.send(masked(TEXT, ECHO[:half].encode(), fin=False))
        client.send(masked(PING, b"between"))
        client.send(masked(CONTINUATION, ECHO[half:].encode()))
        assert await client.receive() == (0x80 | PONG, b"between")
        assert (await client.receive()).payload == ECHO.encode()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x02{}", 1002),  # no mask
        (masked(TEXT, b"{}", rsv=0x40), 1002),
        (masked(TEXT, b"{}", rsv=0x10), 1002),
        (masked(0x3, b""), 1002),
        (masked(0xB, b""), 1002),
        (masked(CONTINUATION, b"x"), 1002),
        (masked(TEXT, b"a", fin=False) + masked(TEXT, b"b"), 1002),
        (masked(PING, b"", fin=False), 1002),
        (masked(PING, b"x" * 126), 1002),
        (masked(CLOSE, b"x"), 1002),
        (close(1005), 1002),
        (close(2999), 1002),
        (masked(CLOSE, b"\x03\xe8\xff"), 1007),
        (masked(TEXT, b"\xff"), 1007),
        (masked(TEXT, b"ab\xf4\x90", fin=False), 1007),
        (b"\x81\xff" + struct.pack("!Q", 1 << 63) + b"mask", 1002),
        (b"\x81\xff" + struct.pack("!Q", 1 << 40) + b"mask", 1009),
        (b"\x81\xfe\xff\xffmask", None),
        (masked(TEXT, b"x" * 40_000, fin=False) + masked(CONTINUATION, b"x" * 40_000), 1009),
    ],
)
async def test_what_is_not_rfc_6455_ends_that_connection_with_its_code(
    data: bytes, code: int | None, echo: WebSocket, serve: Serve
) -> None:
    async with serve() as connect, connect("/echo") as client, connect("/echo") as other:
        client.send(data)
        if code is not None:
            assert (await client.closed()).code == code
        assert await echoes(other)


async def test_a_client_that_keeps_sending_after_its_mistake_reads_why(
    echo: WebSocket, serve: Serve
) -> None:
    async with serve() as connect, connect("/echo") as client:
        client.send(masked(TEXT, b"x" * 1_000_000))
        frame = await client.receive()
        assert (frame.opcode, frame.code) == (CLOSE, 1009)
        await client.cut()
        await until(lambda: not len(echo))


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (masked(CLOSE), b""),
        (close(1000), b"\x03\xe8"),
        (close(1001, "bye"), b"\x03\xe9"),
        (close(4999, "é" * 61), b"\x13\x87"),
    ],
)
async def test_a_close_is_answered_with_its_code(
    sent: bytes, answer: bytes, echo: WebSocket, serve: Serve
) -> None:
    ended: list[Any] = []

    @echo.on
    async def close(socket: WebSocketHandler) -> None:
        ended.append((socket.close_code, socket.close_reason))

    async with serve() as connect, connect("/echo") as client:
        client.send(sent + text(ECHO))
        assert (await client.closed()).payload == answer
        await until(lambda: bool(ended))
    code = struct.unpack("!H", answer)[0] if answer else None
    assert ended[0][0] == code
    assert not len(echo)


@pytest.mark.parametrize(
    ("code", "reason", "payload"),
    [
        (None, None, b""),
        (4001, "é" * 100, b"\x0f\xa1" + "é".encode() * 61),
        (None, "bye", b"\x03\xe8bye"),
    ],
)
async def test_a_callback_closes_and_the_client_answers(
    code: int | None, reason: str | None, payload: bytes, serve: Serve
) -> None:
    ws = WebSocket("/kick")
    ended: list[Any] = []

    @ws.on
    async def kick(socket: WebSocketHandler) -> None:
        socket.emit("last words")
        socket.close(code, reason)
        socket.close(1000)  # the first one holds
        with pytest.raises(WebSocketClosedError):
            socket.emit("too late")
        with pytest.raises(WebSocketClosedError):
            socket.ping()

    @ws.on
    async def close(socket: WebSocketHandler) -> None:
        ended.append(socket.close_code)

    async with serve() as connect, connect("/kick") as client:
        client.send(text('{"event":"kick"}') + text('{"event":"kick"}'))
        assert json.loads((await client.receive()).payload)["event"] == "last words"
        assert await client.receive() == (0x80 | CLOSE, payload)
        client.send(masked(CLOSE, payload))
        await client.ended()
        await until(lambda: bool(ended))


@pytest.mark.parametrize("code", [999, 1004, 1005, 1006, 1015, 2999, 5000])
async def test_a_code_that_may_not_be_sent_is_an_error_at_the_call(
    code: int, echo: WebSocket, serve: Serve
) -> None:
    async with serve() as connect, connect("/echo") as client:
        assert await echoes(client)
        with pytest.raises(ValueError, match=f"got {code}"):
            echo[0].close(code)
        assert await echoes(client)


async def test_a_client_that_does_not_answer_a_close_is_cut(
    echo: WebSocket, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tornado_websockets.wire.ending.CLOSE_TIMEOUT_S", 0.1)
    async with serve() as connect, connect("/echo") as client:
        assert await echoes(client)
        echo[0].close(1000)
        assert (await client.receive()).opcode == CLOSE
        await client.cut()
        await until(lambda: not len(echo))


async def test_a_ping_is_answered_with_what_it_carries(echo: WebSocket, serve: Serve) -> None:
    async with serve() as connect, connect("/echo") as client:
        for payload in (b"", b"x" * 125):
            client.send(masked(PING, payload))
            assert await client.receive() == (0x80 | PONG, payload)
        client.send(masked(PONG, b"nobody asked"))
        assert await echoes(client)


async def test_a_client_that_answers_no_ping_is_told_to_come_back(
    echo: WebSocket, serve: Serve
) -> None:
    codes: list[Any] = []

    @echo.on
    async def close(socket: WebSocketHandler) -> None:
        codes.append((socket.close_code, socket.close_reason))

    async with serve(**HURRY) as connect, connect("/echo") as client:
        assert await client.receive() == (0x80 | PING, b"")
        frame = await client.receive()
        assert (frame.code, frame.payload[2:]) == (1011, b"ping timed out")
        await client.cut()
        await until(lambda: bool(codes))
    assert codes == [(1011, "ping timed out")]


@pytest.mark.parametrize("answer", [masked(PONG), text(ECHO)])
async def test_a_client_that_says_anything_stays(
    answer: bytes, echo: WebSocket, serve: Serve
) -> None:
    async with serve(**PATIENCE) as connect, connect("/echo") as client:
        pings = 0
        while pings < 4:
            if (await client.receive()).opcode == PING:
                pings += 1
                client.send(answer)
        assert len(echo) == 1


async def test_no_timeout_pings_for_ever(echo: WebSocket, serve: Serve) -> None:
    async with serve(ping_interval=0.05, ping_timeout=0) as connect, connect("/echo") as client:
        for _ in range(4):
            assert (await client.receive()).opcode == PING
        assert await echoes(client)


async def test_a_busy_callback_does_not_cost_its_client_the_connection(serve: Serve) -> None:
    ws = WebSocket("/busy")

    @ws.on
    async def work(socket: WebSocketHandler) -> None:
        await asyncio.sleep(1)
        socket.emit("worked")

    async with serve(**PATIENCE, limits={"inbox": 1}) as connect, connect("/busy") as client:
        client.send(text('{"event":"work"}') * 4)  # more than the inbox holds: reading pauses
        worked = 0
        while worked < 4:
            frame = await client.receive()
            assert frame.opcode in (TEXT, PING)
            worked += frame.opcode == TEXT
            if frame.opcode == PING:
                client.send(masked(PONG))  # which is not read while reading pauses


async def test_who_asks_is_told_that_the_server_is_there_while_it_reads_nothing(
    serve: Serve,
) -> None:
    ws = WebSocket("/busy")
    release = asyncio.Event()

    @ws.on
    async def work() -> None:
        await release.wait()

    async with serve(**HURRY, limits={"inbox": 1}) as connect, connect("/busy") as client:
        client.send(text('{"event":"tws_ping"}'))
        client.send(text('{"event":"work"}') * 4)  # more than the inbox holds: reading pauses
        told = 0
        while told < 4:  # the first one is the answer
            frame = await client.receive()
            assert frame.opcode in (TEXT, PING)
            if frame.opcode == TEXT:
                assert frame.payload == b'{"event":"tws_pong","data":{}}'
                told += 1
        release.set()


async def test_the_interface_of_tornado_works_in_callbacks(serve: Serve) -> None:
    ws = WebSocket("/tornado")
    pongs: list[bytes] = []

    @ws.on
    async def speak(socket: WebSocketHandler) -> None:
        socket.on_pong = pongs.append  # type: ignore[assignment,method-assign]
        await socket.write_message("text")
        await socket.write_message(b"bytes", binary=True)
        await socket.write_message({"a": "dict"})
        socket.ping(b"hello?")
        with pytest.raises(ValueError, match="at most 125 bytes, got 126"):
            socket.ping("é" * 63)
        socket.set_nodelay(True)
        await socket.drain()
        assert socket.request.path == "/ws/tornado"
        assert socket.selected_subprotocol is None

    @ws.on
    def thread(socket: WebSocketHandler) -> None:
        socket.write_message("from a thread")
        socket.ping(b"thread")

    async with serve() as connect, connect("/tornado") as client:
        client.send(text('{"event":"speak"}'))
        assert await client.receive() == (0x80 | TEXT, b"text")
        assert await client.receive() == (0x80 | BINARY, b"bytes")
        assert await client.receive() == (0x80 | TEXT, b'{"a": "dict"}')
        assert await client.receive() == (0x80 | PING, b"hello?")
        client.send(masked(PONG, b"hello?"))
        await until(lambda: pongs == [b"hello?"])
        client.send(text('{"event":"thread"}'))
        assert await client.receive() == (0x80 | TEXT, b"from a thread")
        assert await client.receive() == (0x80 | PING, b"thread")


@pytest.mark.parametrize("policy", ["close", "drop_oldest", "latest"])
async def test_a_reader_that_stops_costs_what_its_policy_allows_and_nobody_else_anything(
    policy: str, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "tornado_websockets")
    ws = WebSocket("/news", slow_reader=policy)
    codes: list[Any] = []

    @ws.on
    async def close(socket: WebSocketHandler) -> None:
        codes.append(socket.close_code)

    data = {"text": "x" * 10_000}
    silent = {"ping_interval": 0}  # a ping would come between, or nobody would answer it
    async with serve(**silent) as connect, connect("/news") as slow, connect("/news") as good:
        slow.reader._transport.pause_reading()
        await until(lambda: len(ws) == 2)
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for n in range(2000):  # 20 MB, beyond what the kernel buffers for a socket
            ws.broadcast(f"event{n % 7}", {**data, "n": n})
            assert json.loads((await good.receive()).payload)["data"]["n"] == n
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        assert grown < 3 * 1024 * 1024
        if policy == "close":
            await until(lambda: codes == [4008])
            assert len(ws) == 1
            assert [r.message for r in caplog.records if "too slowly" in r.message]
            return
        slow.reader._transport.resume_reading()
        got: list[int] = []
        while not got or got[-1] < 1999:
            got.append(json.loads((await slow.receive()).payload)["data"]["n"])
        assert len(ws) == 2
        assert got == sorted(set(got))
        assert len(got) < 2000
        if policy == "latest":
            assert got[-7:] == list(range(1993, 2000))


class Listener(asyncio.Protocol):
    """Keeps the length and the checksum of what it gets, and calls when it is all of a message."""

    def __init__(self, complete: Callable[[], None]) -> None:
        self.complete = complete
        self.expected = 0
        self.size = 0
        self.checksum = 0

    def data_received(self, data: bytes) -> None:
        self.size += len(data)
        self.checksum = zlib.crc32(data, self.checksum)
        if self.size >= self.expected:
            self.complete()


@pytest.fixture
def silent() -> Iterator[None]:
    """Have no pings, which would come between the messages of a test that takes long."""
    with override_settings(TORNADO={"ping_interval": 0}):
        yield


@pytest.mark.parametrize("policy", ["close", "drop_oldest", "latest"])
async def test_one_of_a_hundred_readers_stops_and_the_others_lose_nothing(
    policy: str, silent: None, server: Server
) -> None:
    ws = WebSocket("/news", slow_reader=policy)
    missing = 0
    all_have_it = asyncio.Event()

    def complete() -> None:
        nonlocal missing
        missing -= 1
        if not missing:
            all_have_it.set()

    listeners = [Listener(complete) for _ in range(99)]
    size = checksum = 0

    async def broadcast(count: int) -> None:
        nonlocal size, checksum, missing
        for n in range(count):
            data = {"text": "x" * 10_000, "n": n}
            frame = Outgoing("news", encode("news", data)).frame
            size, checksum = size + len(frame), zlib.crc32(frame, checksum)
            for listener in listeners:
                listener.expected = size
            missing = len(listeners)
            all_have_it.clear()
            ws.broadcast("news", data)
            async with asyncio.timeout(20):
                await all_have_it.wait()

    async with contextlib.AsyncExitStack() as stack:

        async def client() -> Any:
            return await stack.enter_async_context(connect(server.port, "/news", tls=False))

        for listener in listeners:
            (await client()).writer.transport.set_protocol(listener)
        await until(lambda: len(ws) == 99)
        await broadcast(50)
        (await client()).writer.transport.pause_reading()
        await until(lambda: len(ws) == 100)
        tracemalloc.start()
        # Four seconds' worth at 300 a second: twice what the kernel keeps for a socket.
        await broadcast(1200)
        grown, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert grown <= peak < 3 * 1024 * 1024
        assert ws.stats.slow.total > 0
        assert len(ws) == (99 if policy == "close" else 100)
    assert {(listener.size, listener.checksum) for listener in listeners} == {(size, checksum)}


async def test_a_slow_reader_that_goes_on_reading_stays(serve: Serve) -> None:
    ws = WebSocket("/ticker", slow_reader="drop_oldest")
    # The kernel tells of what was read in lumps: too short a timeout would see none of them.
    hurry = {"ping_interval": 0.2, "ping_timeout": 2}
    async with serve(**hurry) as connect, connect("/ticker") as client:
        await until(lambda: len(ws) == 1)
        loop = asyncio.get_running_loop()
        end = loop.time() + 5  # two timeouts, in which it reads a tenth of what is sent
        while loop.time() < end:
            for _ in range(10):
                ws.broadcast("tick", {"text": "x" * 40_000})
            await client.reader.readexactly(40_000)
            await asyncio.sleep(0.005)
        assert ws.stats.slow.total > 0
        assert len(ws) == 1


async def test_drain_waits_for_a_slow_reader(serve: Serve) -> None:
    ws = WebSocket("/stream")
    sent: list[int] = []

    @ws.on
    async def start(socket: WebSocketHandler) -> None:
        for n in range(1000):
            socket.emit("block", {"text": "x" * 20_000})
            sent.append(n)
            await socket.drain()

    async with serve() as connect, connect("/stream") as client:
        client.reader._transport.pause_reading()
        client.send(text('{"event":"start"}'))
        await until(lambda: bool(sent))
        count = -1
        while count != len(sent):
            count = len(sent)
            await asyncio.sleep(0.2)
        assert count < 1000
        client.reader._transport.resume_reading()
        for _ in range(1000):
            await client.receive()
    assert len(sent) == 1000


async def test_drain_ends_with_the_connection(serve: Serve) -> None:
    ws = WebSocket("/stream")
    ended: list[str] = []

    @ws.on
    async def start(socket: WebSocketHandler) -> None:
        while not socket.wire.is_closing():
            socket.wire.write_message("x" * 20_000)
            await socket.drain()
        ended.append("drained")

    async with serve() as connect, connect("/stream") as client:
        client.reader._transport.pause_reading()
        client.send(text('{"event":"start"}'))
        # It waits for room: an event that was not read yet would go with the connection.
        await until(lambda: any(socket.unsent_bytes for socket in ws))
        client.writer.transport.abort()
        await until(lambda: ended == ["drained"])


async def test_a_connection_that_breaks_ends_who_sends_and_drains(serve: Serve) -> None:
    """The transport takes all that is written then; its end is told in a turn of the loop."""
    ws = WebSocket("/stream")
    rounds = 0

    @ws.on
    async def start(socket: WebSocketHandler) -> None:
        nonlocal rounds
        socket.wire._transport.get_extra_info("socket").shutdown(SHUT_WR)
        while not socket.wire.is_closing() and rounds < 1000:
            rounds += 1
            socket.emit("block", {"text": "x" * 20_000})
            await socket.drain()

    async with serve() as connect, connect("/stream") as client:
        client.send(text('{"event":"start"}'))
        await until(lambda: rounds > 0 and len(ws) == 0)
    assert rounds < 10


async def test_who_sends_and_drains_lets_others_have_their_turn(serve: Serve) -> None:
    """Also while the client takes everything at once."""
    ws = WebSocket("/stream")
    turns: list[int] = []

    @ws.on
    async def start(socket: WebSocketHandler) -> None:
        count = 0

        async def other() -> None:
            nonlocal count
            while True:
                count += 1
                await asyncio.sleep(0)

        others = asyncio.create_task(other())
        for _ in range(100):
            socket.emit("tick")
            await socket.drain()
        others.cancel()
        turns.append(count)

    async with serve() as connect, connect("/stream") as client:
        client.send(text('{"event":"start"}'))
        await until(lambda: bool(turns))
    assert turns[0] >= 99


async def test_unread_answers_to_pings_do_not_pile_up(echo: WebSocket, serve: Serve) -> None:
    async with serve(ping_interval=0) as connect, connect("/echo") as client:
        client.reader._transport.pause_reading()
        head = masked(PING, b"0" * 125, mask=b"\0\0\0\0")[:-125]

        async def pings(start: int, stop: int) -> None:
            for n in range(start, stop):
                client.send(head + b"%0125d" % n)
                if not n % 500:
                    await client.writer.drain()
            await until(lambda: echo.stats.bytes_in == stop * len(head + b"%0125d" % 0))

        await pings(0, 1000)
        memory = resident_memory()
        await pings(1000, 100_000)
        # The answers are 12.7 MB. The kernel takes about 4; were the rest kept, it would be more.
        assert resident_memory() - memory < 5 * 1024 * 1024
        assert echo[0].wire.unsent < 128 * 1024
        client.reader._transport.resume_reading()
        frame = await client.receive()
        while frame.payload != b"%0125d" % 99_999:
            assert frame.opcode == PONG
            frame = await client.receive()


async def test_a_close_behind_unread_messages_reaches_the_client(
    echo: WebSocket, serve: Serve
) -> None:
    async with serve() as connect, connect("/echo") as client:
        assert await echoes(client)
        client.reader._transport.pause_reading()
        count = 0
        while echo[0].wire.unsent < 200_000:
            echo.broadcast("block", {"text": "x" * 60_000})
            count += 1
        echo[0].close(4001, "enough")
        client.reader._transport.resume_reading()
        for _ in range(count):
            assert (await client.receive()).opcode == TEXT
        frame = await client.receive()
        assert (frame.opcode, frame.code) == (CLOSE, 4001)


DEFLATE = "permessage-deflate"


def inflated(frame: Any) -> Any:
    assert frame.first & 0x40
    return json.loads(zlib.decompressobj(-15).decompress(frame.payload + b"\0\0\xff\xff"))


async def test_compression_is_off_unless_it_is_switched_on(echo: WebSocket, serve: Serve) -> None:
    async with serve() as connect, connect("/echo", Sec_WebSocket_Extensions=DEFLATE) as client:
        assert "Extensions" not in client.head
        assert await echoes(client)


async def test_a_compressed_message_is_answered_compressed(serve: Serve) -> None:
    ws = WebSocket("/deflate", compression={"level": 9})

    @ws.on
    async def message(socket: WebSocketHandler, data: Any) -> None:
        socket.emit("message", data)

    body = json.dumps({"event": "message", "data": {"text": "x" * 2000}}).encode()
    squeezed = zlib.compressobj(wbits=-15)
    payload = (squeezed.compress(body) + squeezed.flush(zlib.Z_SYNC_FLUSH))[:-4]
    async with (
        serve() as connect,
        connect("/deflate", Sec_WebSocket_Extensions=DEFLATE) as client,
        connect("/deflate") as plain,
    ):
        assert "permessage-deflate; server_no_context_takeover" in client.head
        client.send(masked(TEXT, payload[:7], rsv=0x40, fin=False))
        client.send(masked(CONTINUATION, payload[7:]))
        assert inflated(await client.receive())["data"] == {"text": "x" * 2000}
        ws.broadcast("news", {"text": "y" * 2000})
        assert inflated(await client.receive())["data"] == {"text": "y" * 2000}
        assert json.loads((await plain.receive()).payload)["data"] == {"text": "y" * 2000}
        ws.broadcast("short")
        assert (await client.receive()).payload == b'{"event":"short","data":{}}'


async def test_what_a_handler_says_of_compression_goes_before_the_settings(serve: Serve) -> None:
    class Squeezing(WebSocketHandler):
        def get_compression_options(self) -> dict[str, Any]:
            return {"compression_level": 9, "mem_level": 5}

        def on_message(self, message: str | bytes) -> None:
            self.write_message(message, binary=isinstance(message, bytes))

    websocket = WebSocket("/plain")
    TornadoWrapper.add_handler((r"/ws/squeezing", Squeezing, {"websocket": websocket}))
    async with (
        serve() as connect,
        connect("/squeezing", Sec_WebSocket_Extensions=DEFLATE) as client,
    ):
        assert "permessage-deflate" in client.head
        client.send(masked(TEXT, json.dumps("x" * 500).encode()))
        assert inflated(await client.receive()) == "x" * 500
        client.send(masked(BINARY, b"short"))
        assert await client.receive() == (0x80 | BINARY, b"short")


async def test_a_handler_of_a_user_that_fails_ends_its_connection_only(
    echo: WebSocket, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(WebSocketHandler):
        def on_message(self, message: str | bytes) -> None:
            raise ValueError("a mistake of a user")

    TornadoWrapper.add_handler((r"/ws/failing", Failing, {"websocket": echo}))
    async with serve() as connect, connect("/failing") as client, connect("/echo") as other:
        client.send(text(ECHO))
        await client.cut()
        await until(lambda: len(echo) == 1)
        assert "a mistake of a user" in caplog.text
        assert await echoes(other)


async def test_a_decompression_bomb_ends_with_1009(serve: Serve) -> None:
    WebSocket("/deflate", compression=True)
    squeezed = zlib.compressobj(9, wbits=-15)
    bomb = squeezed.compress(bytes(60_000_000)) + squeezed.flush(zlib.Z_SYNC_FLUSH)
    async with (
        serve() as connect,
        connect("/deflate", Sec_WebSocket_Extensions=DEFLATE) as client,
    ):
        client.send(masked(TEXT, bomb[:-4], rsv=0x40))
        assert (await client.receive()).code == 1009
        await client.cut()


async def test_an_extension_header_that_cannot_be_read_is_refused(serve: Serve) -> None:
    WebSocket("/deflate", compression=True)
    async with serve() as connect, connect("/deflate", Sec_WebSocket_Extensions="a b=") as client:
        assert client.head.startswith("HTTP/1.1 400 ")


def test_a_path_with_a_policy_or_compression_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="one of close, drop_oldest, latest, got 'wait'"):
        WebSocket("/a", slow_reader="wait")
    with pytest.raises(ValueError, match=r"window_bits \(9-15\)"):
        WebSocket("/b", compression={"window_bits": 77})

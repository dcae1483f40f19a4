"""What is told of the server, its paths and their connections, and to whom it does no harm."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from django.dispatch import Signal
from tornado.httpclient import HTTPClientError

from tests.rawclient import connect
from tornado_websockets import signals, testing
from tornado_websockets.message import Data
from tornado_websockets.modules import ProgressBar
from tornado_websockets.testing import Server
from tornado_websockets.tornadowrapper import TornadoWrapper
from tornado_websockets.websocket import WebSocket

SIGNALS: dict[str, Signal] = {name: getattr(signals, name) for name in signals.__all__}


class Told(NamedTuple):
    """A signal that was sent.

    Attributes:
        thread: in which one.
    """

    name: str
    event: dict[str, Any]
    sender: Any
    thread: int


class Log(list[Told]):
    """The signals that were sent, in order."""

    @property
    def names(self) -> list[str]:
        return [told.name for told in self]

    async def last(self, name: str) -> dict[str, Any]:
        """Return what the last signal of a name has told, as soon as there is one."""
        async with asyncio.timeout(10):
            while name not in self.names:
                await asyncio.sleep(0.01)
        return next(told.event for told in reversed(self) if told.name == name)


@pytest.fixture
def listen() -> Iterator[Callable[[Signal, Callable[..., Any]], None]]:
    """Connect receivers for the time of a test."""
    connected: list[tuple[Signal, Callable[..., Any]]] = []

    def listen(signal: Signal, receiver: Callable[..., Any]) -> None:
        signal.connect(receiver, weak=False)
        connected.append((signal, receiver))

    yield listen
    for signal, receiver in connected:
        signal.disconnect(receiver)


@pytest.fixture
def told(listen: Callable[..., None]) -> Log:
    """Listen to every signal."""
    log = Log()

    def receiver_of(name: str) -> Callable[..., None]:
        def receive(*, signal: Signal, sender: Any, **event: Any) -> None:
            log.append(Told(name, event, sender, threading.get_ident()))

        return receive

    for name, signal in SIGNALS.items():
        listen(signal, receiver_of(name))
    return log


async def test_a_path_is_told_when_it_is_created_with_or_without_a_server(told: Log) -> None:
    early = WebSocket("/early")
    async with testing.serve():
        late = WebSocket("/late")
    found = [each.event for each in told if each.name == "path_registered"]
    assert found == [{"websocket": early}, {"websocket": late}]


async def test_start_and_end_of_the_server_are_told_each_time(told: Log) -> None:
    for _ in range(2):
        async with testing.serve():
            assert told.names[-1] == "server_started"
            assert TornadoWrapper.is_ready()
    assert told.names == ["server_started", "server_stopping"] * 2
    assert [each.event for each in told] == [{}] * 4


async def test_connections_are_told_before_the_server_that_stops_has_closed_them(
    told: Log,
) -> None:
    WebSocket("/chat")
    async with testing.serve() as server:
        client = await server.connect("/chat")
        TornadoWrapper.stop()
        assert await client.closed() == 1001
    assert told.names[-2:] == ["server_stopping", "connection_closed"]


async def test_a_connection_is_told_when_it_opens_and_how_it_ends(
    told: Log, server: Server
) -> None:
    ws = WebSocket("/chat")
    client = await server.connect("/chat")
    socket = (await told.last("connection_opened"))["socket"]
    assert socket is ws[0]
    await client.close(4123, "enough")
    closed = await told.last("connection_closed")
    duration_s = closed.pop("duration_s")
    assert closed == {"socket": socket, "code": 4123, "reason": "enough"}
    assert 0 < duration_s < 10


async def test_a_connection_that_just_ends_has_the_code_1006_and_no_reason(
    told: Log, server: Server
) -> None:
    WebSocket("/chat")
    async with connect(server.port, "/chat", tls=False):
        await told.last("connection_opened")
    closed = await told.last("connection_closed")
    assert (closed["code"], closed["reason"]) == (1006, "")


async def test_a_refused_handshake_is_told_and_opens_nothing(told: Log, server: Server) -> None:
    ws = WebSocket("/chat")
    with pytest.raises(HTTPClientError, match="403"):
        await server.connect("/chat", Origin="https://evil.example")
    assert await told.last("connection_rejected") == {
        "websocket": ws,
        "reason": "origin",
        "ip": "127.0.0.1",
    }
    assert "connection_opened" not in told.names
    assert ws.stats.rejected == {"origin": 1}


async def test_a_callback_that_fails_is_told_with_its_error(
    told: Log, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    ws = WebSocket("/chat")

    @ws.on
    def divide(data: Any) -> None:
        1 / data.by

    client = await server.connect("/chat")
    client.emit("divide", {"by": 0})
    assert (await client.receive()).data.code == "handler_error"
    failed = await told.last("callback_failed")
    assert (failed["socket"], failed["event"]) == (ws[0], "divide")
    assert isinstance(failed["error"], ZeroDivisionError)
    assert await told.last("warning_sent") == {"socket": ws[0], "code": "handler_error"}


async def test_a_message_that_cannot_be_used_is_told(told: Log, server: Server) -> None:
    ws = WebSocket("/chat")
    client = await server.connect("/chat")
    client.send("no JSON")
    await client.receive()
    assert await told.last("warning_sent") == {"socket": ws[0], "code": "invalid_json"}


async def test_nothing_is_told_of_messages_that_are_handled_well(told: Log, server: Server) -> None:
    ws = WebSocket("/chat")

    @ws.on
    async def message(socket: Any, data: Any) -> None:
        socket.emit("one", data)
        ws.emit("all", data)

    client = await server.connect("/chat")
    before = list(told)
    for _ in range(10):
        client.emit("message", {"text": "x"})
        await client.receive()
        await client.receive()
    assert list(told) == before


async def test_a_progress_bar_is_told_in_the_thread_that_drives_it(
    told: Log, server: Server
) -> None:
    bar = WebSocket("/work").bind(ProgressBar("work", max=2))

    def work() -> int:
        bar.reset()
        bar.tick("one")
        bar.tick("two")
        return threading.get_ident()

    thread = await asyncio.to_thread(work)
    progress = [each for each in told if each.name.startswith("progress_")]
    names = ["started", "updated", "updated", "done"]
    assert [each.name for each in progress] == [f"progress_{name}" for name in names]
    assert all(each.event == {"bar": bar} for each in progress)
    assert {each.thread for each in progress} == {thread}


async def test_who_opens_a_page_starts_no_bar(told: Log, server: Server) -> None:
    WebSocket("/work").bind(ProgressBar("work"))
    client = await server.connect("/work")
    assert (await client.receive()).event == "module_progressbar_work_before_init"
    assert "progress_started" not in told.names


async def test_all_are_sent_by_the_wrapper_on_the_thread_of_the_event_loop(
    told: Log, server: Server
) -> None:
    ws = WebSocket("/chat")

    @ws.on
    def fail() -> None:
        raise ValueError("in a thread")

    client = await server.connect("/chat")
    client.emit("fail")
    await client.receive()
    await client.close()
    await told.last("connection_closed")
    assert {each.sender for each in told} == {TornadoWrapper}
    assert {each.thread for each in told} == {threading.get_ident()}


async def test_a_receiver_that_fails_harms_nobody(
    listen: Callable[..., None], told: Log, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**kwargs: Any) -> None:
        raise ValueError("not my day")

    async def never_awaited(**kwargs: Any) -> None:
        raise AssertionError

    for signal in SIGNALS.values():
        signal.receivers.insert(0, signal.receivers.pop())  # whoever else listens comes after
        listen(signal, fail)
        listen(signal, never_awaited)
    ws = WebSocket("/chat")
    bar = ws.bind(ProgressBar("work", max=1))

    @ws.on
    async def message(socket: Any) -> None:
        socket.join("room")
        socket.emit("answer")

    @ws.on
    async def bad() -> None:
        raise RuntimeError

    async with testing.serve() as server:
        with pytest.raises(HTTPClientError, match="403"):
            await server.connect("/chat", Origin="https://evil.example")
        client = await server.connect("/chat")
        bar.reset()
        bar.tick()
        bar.heard("done", Data())
        client.emit("bad")
        client.emit("message")
        events = [(await client.receive()).event]
        while events[-1] != "answer":
            events.append((await client.receive()).event)
        await client.close()
    assert "warning" in events
    assert "module_progressbar_work_done" in events
    assert set(told.names) == set(SIGNALS)
    failures = {record.name for record in caplog.records if record.exc_info}
    assert {"django.dispatch", "tornado_websockets"} <= failures
    assert "receivers are plain functions" in caplog.text


async def test_a_receiver_that_exits_ends_nothing(
    listen: Callable[..., None], server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    def leave(**kwargs: Any) -> None:
        sys.exit("not my day")

    for signal in (signals.connection_opened, signals.connection_closed):
        listen(signal, leave)
    ws = WebSocket("/chat")
    events: asyncio.Queue[str] = asyncio.Queue()

    @ws.on
    async def open() -> None:
        events.put_nowait("open")

    @ws.on
    async def close() -> None:
        events.put_nowait("close")

    client = await server.connect("/chat")
    assert await asyncio.wait_for(events.get(), 10) == "open"
    await client.close()
    assert await asyncio.wait_for(events.get(), 10) == "close"
    assert len(ws) == 0
    assert caplog.text.count("SystemExit: not my day") == 2


def test_a_signal_that_nobody_receives_costs_nothing_and_needs_no_server() -> None:
    TornadoWrapper.publish(Signal(), anything=object())


def test_a_receiver_is_called_in_the_thread_that_publishes(told: Log) -> None:
    thread = threading.Thread(
        target=TornadoWrapper.publish, args=(signals.warning_sent,), kwargs={"code": "x"}
    )
    thread.start()
    thread.join()
    [found] = told
    assert (found.event, found.thread) == ({"code": "x"}, thread.ident)

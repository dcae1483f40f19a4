"""A path that clients connect to: its name, its callbacks, what it sends."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from tornado import gen

from tornado_websockets.exceptions import (
    DuplicateEventError,
    DuplicateModuleError,
    DuplicatePathError,
    EmitHandlerError,
    EncodeError,
    InvalidInstanceError,
    InvalidPathError,
    NotCallableError,
    ServerNotRunningError,
)
from tornado_websockets.modules import ProgressBar
from tornado_websockets.testing import Server
from tornado_websockets.websocket import WebSocket


@pytest.mark.parametrize("path", ["/my_ws", "my_ws", "  /my_ws ", "//my_ws"])
def test_a_path_has_one_leading_slash_and_no_blanks(path: str) -> None:
    ws = WebSocket(path)
    assert (ws.path, ws.url) == ("/my_ws", "/ws/my_ws")


@pytest.mark.parametrize("path", ["", " ", "/", " // "])
def test_a_blank_path_is_refused(path: str) -> None:
    with pytest.raises(InvalidPathError, match="needs a name, like '/chat'"):
        WebSocket(path)


@pytest.mark.parametrize("path", [None, 1, b"/chat", ["/chat"]])
def test_a_path_that_is_no_string_is_refused(path: Any) -> None:
    with pytest.raises(InvalidInstanceError, match="expected a path, like '/chat', got"):
        WebSocket(path)


def test_a_second_websocket_on_a_path_names_both_places() -> None:
    first = WebSocket("/chat")
    with pytest.raises(DuplicatePathError) as caught:
        WebSocket("chat")
    assert caught.value.first == first.place
    assert first.place.startswith(f"{__name__}:")
    assert caught.value.second.startswith(f"{__name__}:")
    assert caught.value.first != caught.value.second


@pytest.mark.parametrize("path", ["/a.b+(c)*", "/été", "/with space", "/a$", "/100%"])
async def test_a_path_is_no_regular_expression_and_is_percent_encoded(
    path: str, server: Server
) -> None:
    ws = WebSocket(path)
    client = await server.connect(ws.url.removeprefix("/ws"))
    assert len(ws) == 1
    await client.close()


async def test_a_websocket_made_while_the_server_runs_is_served(server: Server) -> None:
    late = WebSocket("/late")

    @late.on
    async def ping(socket: Any) -> None:
        socket.emit("pong")

    client = await server.connect("/late")
    client.emit("ping")
    assert await client.receive() == ("pong", {})


async def test_every_kind_of_callback_answers(server: Server) -> None:
    ws = WebSocket("/kinds")

    @ws.on
    def plain(socket: Any, data: Any) -> None:
        assert threading.current_thread() is not threading.main_thread()
        socket.emit("plain", {"n": data.n})

    @ws.on
    async def native(data: Any, socket: Any) -> None:
        await asyncio.sleep(0)
        socket.emit("native", data)

    @ws.on
    @gen.coroutine
    def coroutine(socket: Any) -> Any:
        yield gen.sleep(0)
        socket.emit("coroutine", "done")

    @ws.on
    def returns_a_coroutine(socket: Any) -> Any:
        async def later() -> None:
            socket.emit("returned")

        return later()

    client = await server.connect("/kinds")
    for event in ("plain", "native", "coroutine", "returns_a_coroutine"):
        client.emit(event, {"n": 1})
    assert [await client.receive() for _ in range(4)] == [
        ("plain", {"n": 1}),
        ("native", {"n": 1}),
        ("coroutine", {"message": "done"}),
        ("returned", {}),
    ]


async def test_a_method_gets_the_context_as_its_self(server: Server) -> None:
    ws = WebSocket("/methods")

    class Greeter:
        def __init__(self, name: str) -> None:
            self.name = name
            ws.context = self

        @ws.on
        def hello(self, socket: Any) -> None:
            socket.emit("hello", f"I am {self.name}")

    @ws.on
    def context(self: Any, socket: Any) -> None:
        socket.emit("context", repr(type(self)))

    client = await server.connect("/methods")
    client.emit("context")
    assert (await client.receive()).data.message == "<class 'NoneType'>"
    Greeter("Ann")
    client.emit("hello")
    assert (await client.receive()).data.message == "I am Ann"


def test_on_returns_the_callback_and_refuses_what_it_cannot_call() -> None:
    ws = WebSocket("/chat")

    def message(data: Any) -> None: ...

    assert ws.on(message) is message
    with pytest.raises(DuplicateEventError):
        ws.on(message)
    with pytest.raises(NotCallableError):
        ws.on("message")  # type: ignore[type-var]


async def test_emit_reaches_every_client_from_inside_a_callback(server: Server) -> None:
    ws = WebSocket("/chat")

    @ws.on
    async def shout(data: Any) -> None:
        async def task() -> None:
            ws.emit("task", data)

        ws.emit("shout", data)
        await asyncio.create_task(task())
        await asyncio.to_thread(ws.emit, "thread", data)

    @ws.on
    def shout_sync(data: Any) -> None:
        ws.emit("sync", data)

    clients = [await server.connect("/chat") for _ in range(3)]
    clients[1].emit("shout", {"n": 1})
    for client in clients:
        assert [(await client.receive()).event for _ in range(3)] == ["shout", "task", "thread"]
    clients[1].emit("shout_sync")
    for client in clients:
        assert (await client.receive()).event == "sync"


async def test_emit_outside_a_callback_is_an_error_that_names_broadcast(server: Server) -> None:
    ws = WebSocket("/chat")
    with pytest.raises(EmitHandlerError, match="use broadcast"):
        ws.emit("news")


async def test_broadcast_works_anywhere_in_order(server: Server) -> None:
    ws = WebSocket("/chat")
    client = await server.connect("/chat")
    ws.broadcast("news", "from the loop")

    def thread() -> None:
        for n in range(100):
            ws.broadcast("count", {"n": n})

    await asyncio.to_thread(thread)
    assert await client.receive() == ("news", {"message": "from the loop"})
    assert [(await client.receive()).data.n for _ in range(100)] == list(range(100))


async def test_broadcast_reaches_some_of_the_clients_when_they_are_named(server: Server) -> None:
    ws = WebSocket("/chat")
    clients = [await server.connect("/chat") for _ in range(3)]
    first, _second, third = ws.handlers
    ws.broadcast("some", to=[third, first])
    ws.broadcast("nobody", to=[])
    ws.broadcast("everybody")
    events = []
    for client in clients:
        events.append([(await client.receive()).event])
        while events[-1][-1] != "everybody":
            events[-1].append((await client.receive()).event)
    assert events == [["some", "everybody"], ["everybody"], ["some", "everybody"]]
    assert ws.stats.events_out == 5


async def test_one_of_those_named_may_have_gone(server: Server) -> None:
    ws = WebSocket("/chat")
    client, gone = await server.connect("/chat"), await server.connect("/chat")
    named = ws.handlers
    await gone.close()
    ws.broadcast("news", to=named)
    assert await client.receive() == ("news", {})


async def test_a_path_that_is_not_monitored_is_served_and_counted(server: Server) -> None:
    quiet, usual = WebSocket("/quiet", monitored=False), WebSocket("/usual")
    assert (quiet.monitored, usual.monitored) == (False, True)
    client = await server.connect("/quiet")
    quiet.broadcast("news")
    assert (await client.receive()).event == "news"
    assert (quiet.stats.opened, quiet.stats.events_out) == (1, 1)


def test_broadcast_without_a_server_is_an_error() -> None:
    with pytest.raises(ServerNotRunningError, match="on /chat: this process runs no server"):
        WebSocket("/chat").broadcast("news")


async def test_one_dead_client_never_stops_a_broadcast(server: Server) -> None:
    ws = WebSocket("/chat")
    clients = [await server.connect("/chat") for _ in range(3)]
    ws[0].wire.on_connection_close()
    ws.broadcast("news")
    assert await clients[1].receive() == ("news", {})
    assert await clients[2].receive() == ("news", {})


async def test_a_value_that_cannot_be_encoded_raises_at_the_call_site(server: Server) -> None:
    ws = WebSocket("/chat")
    client = await server.connect("/chat")
    with pytest.raises(EncodeError, match=r"data\.user"):
        ws.broadcast("news", {"user": object()})
    with pytest.raises(EncodeError, match=r"data\.user"):
        ws[0].emit("news", {"user": object()})
    ws.broadcast("news", {"socket": ws[0]})
    assert await client.receive() == ("news", {"socket": ws[0].id})


async def test_clients_are_a_sequence_in_the_order_of_arrival(server: Server) -> None:
    ws = WebSocket("/chat")
    assert len(ws) == 0
    assert ws
    assert list(ws) == ws.handlers == []
    with pytest.raises(IndexError):
        _ = ws[0]
    first = await server.connect("/chat")
    await server.connect("/chat")
    assert len(ws) == 2
    oldest, newest = ws
    assert (ws[0], ws[1], ws[-1]) == (oldest, newest, newest)
    ws[0].emit("you", "are the first")
    assert (await first.receive()).data.message == "are the first"
    await first.close()
    assert ws.handlers == [newest]


def test_a_module_is_bound_once_under_one_name() -> None:
    ws = WebSocket("/chat")
    bar = ProgressBar("upload")
    assert ws.bind(bar) is bar
    assert ws.modules == [bar]
    with pytest.raises(DuplicateModuleError, match="give it another name"):
        ws.bind(ProgressBar("upload"))
    ws.bind(ProgressBar("download"))
    with pytest.raises(InvalidInstanceError, match="expected a Module, got str"):
        ws.bind("upload")  # type: ignore[type-var]


def test_it_tells_what_and_where_it_is() -> None:
    ws = WebSocket("/chat")
    assert repr(ws) == f"<WebSocket /chat at {ws.place}>"

"""Connections join rooms and leave them; who is there is told once for each user."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import override_settings
from tornado.httpclient import HTTPClientError
from tornado.websocket import WebSocketClosedError

from tests.tornado_websockets.visitors import logged_in, visitor
from tornado_websockets.exceptions import InvalidRoomError, TooManyRoomsError
from tornado_websockets.layers import Member, PresenceChange, audience, layer
from tornado_websockets.signals import member_joined, member_left
from tornado_websockets.testing import Client, Server
from tornado_websockets.tornadowrapper import TornadoWrapper
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler


@pytest.fixture
def told() -> Iterator[list[dict[str, Any]]]:
    """The changes of presence that are told."""
    changes: list[dict[str, Any]] = []

    def joined(sender: Any, **change: Any) -> None:
        changes.append({**change, "sender": sender, "came": True})

    def left(sender: Any, **change: Any) -> None:
        changes.append({**change, "sender": sender, "came": False})

    member_joined.connect(joined)
    member_left.connect(left)
    yield changes
    member_joined.disconnect(joined)
    member_left.disconnect(left)


async def connect(server: Server, ws: WebSocket, **options: Any) -> tuple[Client, WebSocketHandler]:
    client = await server.connect(ws.path, **options)
    return client, ws[-1]


async def until_gone(ws: WebSocket, left: int = 0) -> None:
    async with asyncio.timeout(10):
        while len(ws) != left:
            await asyncio.sleep(0.001)


async def test_rooms_are_joined_and_left_once_in_any_thread(server: Server) -> None:
    ws = WebSocket("/chat")
    _client, socket = await connect(server, ws)
    assert socket.rooms == frozenset()
    for _ in range(2):
        socket.join("a")
    await asyncio.to_thread(socket.join, "b")
    assert socket.rooms == {"a", "b"}
    for _ in range(2):
        await asyncio.to_thread(socket.leave, "a")
    socket.leave("never joined")
    assert socket.rooms == {"b"}


async def test_callbacks_of_both_kinds_join(server: Server) -> None:
    ws = WebSocket("/chat")

    @ws.on
    def open(socket: Any) -> None:
        socket.join("thread")
        socket.emit("open", {"rooms": sorted(socket.rooms)})

    @ws.on
    async def more(socket: Any, data: Any) -> None:
        socket.join(data.room)
        socket.emit("more", {"rooms": sorted(socket.rooms)})

    client, _socket = await connect(server, ws)
    assert await client.receive() == ("open", {"rooms": ["thread"]})
    client.emit("more", {"room": "loop"})
    assert await client.receive() == ("more", {"rooms": ["loop", "thread"]})
    client.emit("more", {"room": 7})  # is logged, and told as any other mistake
    assert (await client.receive()).data.code == "handler_error"


async def test_clients_may_have_events_called_join_and_leave(server: Server) -> None:
    ws = WebSocket("/chat")

    @ws.on
    async def join(socket: Any) -> None:
        socket.join("r")
        socket.emit("joined")

    @ws.on
    async def leave(socket: Any) -> None:
        socket.leave("r")
        socket.emit("left")

    client, _socket = await connect(server, ws)
    client.emit("join")
    client.emit("leave")
    assert [(await client.receive()).event for _ in range(2)] == ["joined", "left"]


async def test_all_rooms_are_left_at_the_end_and_remembered_by_the_callback(
    server: Server,
) -> None:
    ws = WebSocket("/chat")
    ended: list[frozenset[str]] = []

    @ws.on
    async def close(socket: Any) -> None:
        ws.to(*socket.rooms).emit("left", {"who": socket})
        ended.append(socket.rooms)

    client, socket = await connect(server, ws)
    other, _other = await connect(server, ws)
    socket.join("a")
    socket.join("b")
    ws[1].join("b")
    await client.close()
    assert await other.receive() == ("left", {"who": socket.id})
    assert ended == [{"a", "b"}]
    assert ws.presence("a") == []
    assert [member.id for member in ws.presence("b")] == [ws[0].id]
    with pytest.raises(WebSocketClosedError):
        socket.join("a")
    socket.leave("a")
    assert socket.rooms == {"a", "b"}
    assert ws.presence("a") == []


@override_settings(TORNADO={"limits": {"rooms": 2}})
async def test_the_number_of_rooms_is_limited(server: Server) -> None:
    usual, wide = WebSocket("/usual"), WebSocket("/wide", limits={"rooms": None})
    (_, few), (_, many) = await connect(server, usual), await connect(server, wide)
    for socket in (few, many):
        socket.join("a")
        socket.join("b")
    with pytest.raises(TooManyRoomsError, match=r"limits\['rooms'\] is 2"):
        few.join("c")
    few.join("a")
    assert few.rooms == {"a", "b"}
    for number in range(100):
        many.join(f"{number}")
    assert len(many.rooms) == 102


@pytest.mark.parametrize("room", ["", None, "a\nb"])
async def test_what_is_no_room_is_refused(server: Server, room: Any) -> None:
    _client, socket = await connect(server, WebSocket("/chat"))
    for call in (socket.join, socket.leave):
        with pytest.raises(InvalidRoomError):
            call(room)


async def test_nobody_joins_before_the_handshake(server: Server) -> None:
    ws = WebSocket("/chat", allowed_origins=[])
    seen: list[bool] = []

    class Early(WebSocketHandler):
        async def prepare(self) -> None:
            try:
                self.join("r")
            except WebSocketClosedError:
                seen.append(True)
            self.set_status(403)
            self.finish()

    TornadoWrapper.add_handler((r"/ws/early", Early, {"websocket": ws}))
    with pytest.raises(HTTPClientError):
        await server.connect("/early")
    assert seen == [True]
    assert ws.presence("r") == []


async def test_anonymous_clients_are_present_one_by_one(
    server: Server, told: list[dict[str, Any]]
) -> None:
    ws = WebSocket("/chat")
    (first, socket), (_second, other) = await connect(server, ws), await connect(server, ws)
    before = datetime.now(UTC)
    socket.join("r")
    other.join("r")
    one, two = ws.presence("r")
    assert (one.id, one.user, one.name) == (socket.id, None, "")
    assert before <= one.since <= two.since <= datetime.now(UTC)
    await first.close()
    await until_gone(ws, 1)
    assert ws.presence("r") == [two]
    assert [(change["member"], change["came"]) for change in told] == [
        (one, True),
        (two, True),
        (one, False),
    ]


@pytest.mark.django_db(transaction=True)
async def test_a_user_is_present_once_however_many_tabs(
    server: Server, told: list[dict[str, Any]]
) -> None:
    ws = WebSocket("/chat", login_required=True)
    ann, hers = await visitor("ann")
    _bob, his = await visitor("bob")
    also_hers = await sync_to_async(logged_in)(ann)
    (tab, one), (_, two), (_, three) = [
        await connect(server, ws, client=browser) for browser in (hers, also_hers, his)
    ]
    for socket in (one, two, three):
        socket.join("r")
        socket.join("r")
    assert [(each.user, each.name) for each in ws.presence("r")] == [
        (str(ann.pk), "ann"),
        (str(_bob.pk), "bob"),
    ]
    await tab.close()
    await until_gone(ws, 2)
    assert len(ws.presence("r")) == 2
    two.leave("r")
    assert [each.name for each in ws.presence("r")] == ["bob"]
    assert [(each["member"].name, each["came"], each["socket"]) for each in told] == [
        ("ann", True, one),
        ("bob", True, three),
        ("ann", False, two),
    ]
    assert {(each["sender"], each["websocket"], each["room"]) for each in told} == {
        (TornadoWrapper, ws, "r")
    }
    assert told[0]["member"] == told[2]["member"]


@pytest.mark.django_db(transaction=True)
async def test_a_member_is_who_the_server_knows_at_the_join(server: Server) -> None:
    """On a path that asks for no user: somebody, until socket.user was asked for."""
    ws = WebSocket("/chat")
    ann, browser = await visitor("ann")
    _client, socket = await connect(server, ws, client=browser)
    socket.join("before")
    await socket.auser()
    socket.join("after")
    assert [each.user for each in ws.presence("before")] == [None]
    assert [each.user for each in ws.presence("after")] == [str(ann.pk)]
    socket.leave("before")
    assert ws.presence("before") == []


async def test_a_receiver_tells_the_room(server: Server) -> None:
    ws = WebSocket("/chat")

    def tell(websocket: Any, room: str, member: Any, socket: Any, **kwargs: Any) -> None:
        websocket.to(room).broadcast("came", {"id": member.id}, exclude=socket)

    member_joined.connect(tell)
    try:
        (client, first), (_second, other) = await connect(server, ws), await connect(server, ws)
        first.join("r")
        await asyncio.to_thread(other.join, "r")
        assert await client.receive() == ("came", {"id": other.id})
    finally:
        member_joined.disconnect(tell)


async def test_a_path_that_is_given_back_leaves_no_room(
    server: Server, told: list[dict[str, Any]]
) -> None:
    ws = WebSocket("/chat")
    client, socket = await connect(server, ws)
    socket.join("r")
    ws.unregister()
    await client.closed()
    await until_gone(ws)
    assert [change["came"] for change in told] == [True, False]
    assert layer().presence("/chat", "r") == []


async def test_who_was_there_through_a_server_that_has_died_is_told_without_a_socket(
    server: Server, told: list[dict[str, Any]]
) -> None:
    ws = WebSocket("/chat")
    bob = Member("user 7", "7", "bob", datetime.now(UTC))
    for path, is_there in (("/chat", False), ("/chat", True), ("/not/here", False)):
        audience.tell(PresenceChange(path, None, "r", bob, is_there))
    assert [(each["websocket"], each["member"], each["came"]) for each in told] == [
        (ws, bob, False),
        (ws, bob, True),
    ]
    assert {each["socket"] for each in told} == {None}


async def test_rooms_of_one_name_on_two_paths_are_two(server: Server) -> None:
    a, b = WebSocket("/a"), WebSocket("/b")
    (_, here), _there = await connect(server, a), await connect(server, b)
    here.join("r")
    assert len(a.presence("r")) == 1
    assert b.presence("r") == []

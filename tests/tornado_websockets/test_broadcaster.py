"""To whom of its clients a path sends: all, those in rooms, those of a user, but for some."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.utils.functional import SimpleLazyObject

from tests.tornado_websockets.visitors import logged_in, until_watched, visitor
from tornado_websockets.exceptions import (
    EmitHandlerError,
    EncodeError,
    InvalidInstanceError,
    InvalidRoomError,
    ServerNotRunningError,
)
from tornado_websockets.testing import Client, Server
from tornado_websockets.websocket import WebSocket

LAST = "last"


async def got(ws: WebSocket, *clients: Client) -> list[list[str]]:
    """Return the events that each client has been sent."""
    ws.broadcast(LAST)
    found = []
    for client in clients:
        events = []
        while (event := (await client.receive()).event) != LAST:
            events.append(event)
        found.append(events)
    return found


async def crowd(server: Server, ws: WebSocket, *rooms: str) -> list[Client]:
    """Connect a client for each argument, who joins these rooms: "ab" is in "a" and "b"."""
    clients = []
    for names in rooms:
        clients.append(await server.connect(ws.path))
        for name in names:
            ws[-1].join(name)
    return clients


async def test_rooms_get_what_is_sent_to_them_each_client_once(server: Server) -> None:
    ws, other = WebSocket("/chat"), WebSocket("/other")
    clients = await crowd(server, ws, "ab", "b", "")
    elsewhere = await crowd(server, other, "ab")
    ws.to("a").broadcast("a")
    ws.to("a", "b").broadcast("a or b", {"n": 1})
    ws.to("nobody is here").broadcast("nobody")
    ws.to().broadcast("no room at all")
    assert await got(ws, *clients) == [["a", "a or b"], ["a or b"], []]
    assert await got(other, *elsewhere) == [[]]


async def test_some_can_be_excluded(server: Server) -> None:
    ws = WebSocket("/chat")

    @ws.on
    async def say(socket: Any) -> None:
        ws.emit("emit", exclude=socket)
        ws.to("r").emit("emit to the room", exclude=socket)
        ws.to("r").broadcast("to a set", exclude={socket, ws[0]})
        ws.broadcast("to whom is named", to=[socket, ws[0]], exclude=iter([socket]))
        ws.broadcast("nobody is excluded", exclude=[])

    first, speaker, outside = await crowd(server, ws, "r", "r", "")
    speaker.emit("say")
    while (await speaker.receive()).event != "nobody is excluded":
        pass
    assert await got(ws, first, speaker, outside) == [
        ["emit", "emit to the room", "to whom is named", "nobody is excluded"],
        [],
        ["emit", "nobody is excluded"],
    ]


async def test_a_target_keeps_who_is_there_when_something_is_sent(server: Server) -> None:
    ws = WebSocket("/chat")
    target = ws.to("r")
    late, early = await crowd(server, ws, "", "r")
    target.broadcast("first")
    ws[0].join("r")
    ws[1].leave("r")
    target.broadcast("second")
    assert await got(ws, late, early) == [["second"], ["first"]]
    assert target == ws.to("r")
    with pytest.raises(dataclasses.FrozenInstanceError):
        target.rooms = ()  # type: ignore[misc]


async def test_emit_to_a_room_works_inside_callbacks_only(server: Server) -> None:
    ws = WebSocket("/chat")

    @ws.on
    async def say(socket: Any) -> None:
        await asyncio.to_thread(ws.to("r").emit, "said")

    [client] = await crowd(server, ws, "r")
    client.emit("say")
    assert (await client.receive()).event == "said"
    with pytest.raises(EmitHandlerError, match="use broadcast"):
        ws.to("r").emit("news")


async def test_broadcast_to_a_room_works_in_any_thread_in_order(server: Server) -> None:
    ws = WebSocket("/chat")
    [client] = await crowd(server, ws, "")
    socket = ws[0]

    def thread() -> None:
        for number in range(50):
            socket.join("r")
            ws.to("r").broadcast(f"in {number}")
            socket.leave("r")
            ws.to("r").broadcast("out")

    await asyncio.to_thread(thread)
    assert await got(ws, client) == [[f"in {number}" for number in range(50)]]


async def test_what_cannot_be_encoded_raises_at_the_call(server: Server) -> None:
    with pytest.raises(EncodeError, match=r"data\.user"):
        WebSocket("/chat").to("r").broadcast("news", {"user": object()})


def test_without_a_server_it_is_an_error() -> None:
    with pytest.raises(ServerNotRunningError):
        WebSocket("/chat").to("r").broadcast("news")


@pytest.mark.parametrize("room", ["", "a\n", None, 7])
def test_a_room_that_is_none_is_refused_at_once(room: Any) -> None:
    ws = WebSocket("/chat")
    for call in (lambda: ws.to("fine", room), lambda: ws.presence(room)):
        with pytest.raises(InvalidRoomError):
            call()


async def test_a_tap_is_shown_what_goes_to_rooms(server: Server) -> None:
    ws = WebSocket("/chat")
    seen: list[Any] = []
    ws.tap = lambda *event: seen.append(event)
    ws.to("r").broadcast("news", "hi")
    assert seen == [("out", None, "news", b'{"event":"news","data":{"message":"hi"}}')]


@pytest.mark.django_db(transaction=True)
async def test_a_user_has_all_connections_of_a_path_that_asks_for_users(server: Server) -> None:
    ws, other = WebSocket("/chat", login_required=True), WebSocket("/other", login_required=True)
    ann, hers = await visitor("ann")
    _bob, his = await visitor("bob")
    also_hers = await sync_to_async(logged_in)(ann)  # a session of another browser
    clients = [await server.connect("/chat", client=each) for each in (hers, also_hers, his)]
    elsewhere = await server.connect("/other", client=hers)
    ws.to_user(ann).broadcast("ann")
    ws.to_user(ann.pk).broadcast("by key")
    ws.to_user(str(ann.pk)).broadcast("as a string")
    ws.to_user(SimpleLazyObject(lambda: ann)).broadcast("as of a request", exclude=ws[0])
    ws.to_user(-1).broadcast("nobody")
    always = ["ann", "by key", "as a string"]
    assert await got(ws, *clients) == [always, [*always, "as of a request"], []]
    assert await got(other, elsewhere) == [[]]
    assert [socket.rooms for socket in ws] == [frozenset()] * 3
    await clients[0].close()
    ws.to_user(ann).broadcast("who is left")
    assert await got(ws, clients[1]) == [["who is left"]]


@pytest.mark.django_db(transaction=True)
async def test_elsewhere_a_user_has_those_whose_user_was_asked_for(server: Server) -> None:
    ws = WebSocket("/chat")

    @ws.on
    def who(socket: Any) -> None:
        socket.emit("who", socket.user.get_username())

    ann, browser = await visitor("ann")
    known, unknown = [await server.connect("/chat", client=browser) for _ in range(2)]
    known.emit("who")
    assert (await known.receive()).data.message == "ann"
    await until_watched(1)
    ws.to_user(ann).broadcast("news")
    assert await got(ws, known, unknown) == [["news"], []]


@pytest.mark.parametrize("user", [None, AnonymousUser()])
def test_nobody_is_no_user(user: Any) -> None:
    with pytest.raises(InvalidInstanceError, match="expected a user with a primary key"):
        WebSocket("/chat").to_user(user)

"""To whom of its clients a path sends: all, those in rooms, those of a user, but for some."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import SynchronousOnlyOperation
from django.db import transaction
from django.test import override_settings
from django.utils.functional import SimpleLazyObject

from tests.tornado_websockets.visitors import logged_in, until_watched, visitor
from tornado_websockets.exceptions import (
    EmitHandlerError,
    EncodeError,
    InvalidInstanceError,
    InvalidRoomError,
    LayerUnavailableError,
    ServerNotRunningError,
)
from tornado_websockets.layers import Event, LocalLayer, layer
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


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_async", [False, True])
async def test_who_has_asked_for_the_user_may_send_to_it_at_once(
    is_async: bool, server: Server
) -> None:
    ws = WebSocket("/chat")

    def plain(socket: Any) -> None:
        ws.to_user(socket.user).broadcast("mine")

    async def coroutine(socket: Any) -> None:
        ws.to_user(await socket.auser()).broadcast("mine")

    callback = coroutine if is_async else plain
    callback.__name__ = "who"
    ws.on(callback)
    _ann, browser = await visitor("ann")
    client = await server.connect("/chat", client=browser)
    client.emit("who")
    async with asyncio.timeout(10):
        assert (await client.receive()).event == "mine"
    assert await got(ws, client) == [[]]


@pytest.mark.parametrize("user", [None, AnonymousUser()])
def test_nobody_is_no_user(user: Any) -> None:
    with pytest.raises(InvalidInstanceError, match="expected a user with a primary key"):
        WebSocket("/chat").to_user(user)


async def test_abroadcast_reaches_whom_broadcast_reaches(server: Server) -> None:
    ws = WebSocket("/chat")
    inside, outside = await crowd(server, ws, "r", "")
    await ws.abroadcast("all", "hi")
    await ws.abroadcast("others", exclude=ws[0])
    await ws.to("r").abroadcast("room")
    await ws.to("r").abroadcast("nobody", exclude=[ws[0]])
    assert await got(ws, inside, outside) == [["all", "room"], ["all", "others"]]


async def test_abroadcast_may_be_awaited_on_another_event_loop(server: Server) -> None:
    """As by an async view, which Django runs on a loop of its own in a thread."""
    ws = WebSocket("/chat")
    [client] = await crowd(server, ws, "")
    await asyncio.to_thread(async_to_sync(ws.abroadcast), "from a view")
    assert await got(ws, client) == [["from a view"]]


async def test_abroadcast_without_a_server_is_an_error() -> None:
    with pytest.raises(ServerNotRunningError):
        await WebSocket("/chat").abroadcast("news")


async def test_each_way_refuses_the_event_of_the_server_where_there_is_a_history(
    server: Server,
) -> None:
    ws = WebSocket("/kept", history=10)
    for way in (ws.broadcast, ws.broadcast_on_commit, ws.to("r").broadcast):
        with pytest.raises(ValueError, match="recovered"):
            way("recovered")
    with pytest.raises(ValueError, match="recovered"):
        await ws.abroadcast("recovered")


class Broken(LocalLayer):
    """A layer that cannot be reached, and says so."""

    is_shared = True

    def publish(self, path: str, event: Event) -> None:
        raise LayerUnavailableError(path, "it is broken")


BROKEN = {"layer": f"{__name__}.Broken"}


@pytest.mark.django_db(transaction=True)
class TestOnCommit:
    async def test_it_is_sent_with_the_commit_as_it_was_at_the_call(self, server: Server) -> None:
        ws = WebSocket("/chat")
        inside, outside = await crowd(server, ws, "r", "")
        data = {"n": 1}
        seen: list[Any] = []

        def in_a_view() -> None:
            with transaction.atomic():
                ws.broadcast_on_commit("saved", data)
                ws.to("r").broadcast_on_commit("to the room", using="default")
                ws.broadcast_on_commit("to others", exclude=ws[0])
                data["n"] = 2
                ws.broadcast("at once")
                seen.extend(event for _, _, event, _ in shown)

        shown: list[Any] = []
        ws.tap = lambda *event: shown.append(event)
        await sync_to_async(in_a_view)()
        ws.tap = None
        assert seen == ["at once"]
        assert shown[1][3] == b'{"event":"saved","data":{"n":1}}'
        assert [event for _, _, event, _ in shown] == [
            "at once",
            "saved",
            "to the room",
            "to others",
        ]
        assert await got(ws, inside, outside) == [
            ["at once", "saved", "to the room"],
            ["at once", "saved", "to others"],
        ]

    async def test_nothing_is_sent_after_a_rollback(self, server: Server) -> None:
        ws = WebSocket("/chat")
        [client] = await crowd(server, ws, "")
        shown: list[Any] = []
        ws.tap = lambda *event: shown.append(event)

        def in_a_view() -> None:
            with suppress(ZeroDivisionError), transaction.atomic():
                User.objects.create_user("ann")
                ws.broadcast_on_commit("joined")
                raise ZeroDivisionError
            with transaction.atomic():
                with suppress(ZeroDivisionError), transaction.atomic():  # a savepoint
                    ws.broadcast_on_commit("in the savepoint")
                    raise ZeroDivisionError
                ws.broadcast_on_commit("kept")

        await sync_to_async(in_a_view)()
        ws.tap = None
        assert [event for _, _, event, _ in shown] == ["kept"]
        assert await got(ws, client) == [["kept"]]

    async def test_without_a_transaction_it_is_sent_at_once(self, server: Server) -> None:
        ws = WebSocket("/chat")
        [client] = await crowd(server, ws, "")
        await sync_to_async(ws.broadcast_on_commit)("now")
        assert await got(ws, client) == [["now"]]

    async def test_on_the_event_loop_django_refuses_it(self, server: Server) -> None:
        """The transaction is in a thread there: this would not be in it."""
        with pytest.raises(SynchronousOnlyOperation):
            WebSocket("/chat").broadcast_on_commit("news")

    def test_mistakes_raise_at_the_call(self) -> None:
        ws = WebSocket("/chat")
        with transaction.atomic(), pytest.raises(ServerNotRunningError):
            ws.broadcast_on_commit("news")
        with (
            override_settings(TORNADO=BROKEN),
            transaction.atomic(),
            pytest.raises(EncodeError, match=r"data\.user"),
        ):
            ws.broadcast_on_commit("news", {"user": object()})

    @pytest.mark.parametrize("in_transaction", [True, False])
    def test_a_layer_that_fails_after_the_commit_is_logged(
        self, in_transaction: bool, caplog: pytest.LogCaptureFixture
    ) -> None:
        ws = WebSocket("/chat")
        with override_settings(TORNADO=BROKEN):
            assert layer().is_shared
            if in_transaction:
                with transaction.atomic():
                    User.objects.create_user("ann")
                    ws.broadcast_on_commit("joined")
                assert User.objects.filter(username="ann").exists()
            else:
                ws.to("r").broadcast_on_commit("joined")
            with pytest.raises(LayerUnavailableError):
                ws.broadcast("joined")
        [record] = [each for each in caplog.records if each.exc_info]
        assert "/chat does not reach other processes: it is broken" in record.getMessage()

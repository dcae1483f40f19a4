"""Paths that come and go: what is left of one that was given back."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from tornado_websockets.exceptions import DuplicatePathError
from tornado_websockets.layers import audience
from tornado_websockets.modules import ProgressBar
from tornado_websockets.testing import Server
from tornado_websockets.tornadowrapper import TornadoWrapper
from tornado_websockets.websocket import WebSocket, registry


def rules() -> list[Any]:
    assert TornadoWrapper.tornado_app is not None
    return TornadoWrapper.tornado_app.wildcard_router.rules


async def test_a_path_that_is_given_back_is_served_no_more(server: Server) -> None:
    room, other = WebSocket("/room"), WebSocket("/other")
    client, bystander = await server.connect("/room"), await server.connect("/other")
    room.unregister()
    assert (room.is_registered, other.is_registered) == (False, True)
    assert await client.closed() == 1001
    assert client.connection.close_reason == "nothing is served on this path any more"
    with pytest.raises(HTTPClientError, match="404"):
        await server.connect("/room")
    other.broadcast("still", "here")
    assert (await bystander.receive()).event == "still"


async def test_another_may_take_the_path(server: Server) -> None:
    first = WebSocket("/room")
    with pytest.raises(DuplicatePathError):
        WebSocket("/room")
    first.unregister()
    second = WebSocket("/room")
    await server.connect("/room")
    assert second.stats.opened == 1
    assert first.stats.opened == 0


async def test_giving_it_back_again_does_nothing_to_the_next_one(server: Server) -> None:
    first = WebSocket("/room")
    first.unregister()
    second = WebSocket("/room")
    client = await server.connect("/room")
    first.unregister()
    assert second.is_registered
    second.broadcast("hello")
    assert (await client.receive()).event == "hello"


async def test_it_may_be_given_back_in_a_thread(server: Server) -> None:
    room = WebSocket("/room")
    client = await server.connect("/room")
    await asyncio.to_thread(room.unregister)
    assert await client.closed() == 1001


@pytest.mark.parametrize("history", [None, 10])
@pytest.mark.django_db(transaction=True)
async def test_a_client_in_the_middle_of_its_handshake_is_sent_away(
    history: int | None, server: Server
) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def wait(user: Any, request: Any) -> bool:
        arrived.set()
        await go_on.wait()
        return True

    room = WebSocket("/room", permission=wait, require_origin=False, history=history)
    connecting = asyncio.create_task(server.connect("/room"))
    await asyncio.wait_for(arrived.wait(), 10)
    room.unregister()
    go_on.set()
    assert await (await connecting).closed() == 1001
    async with asyncio.timeout(10):
        while audience.count("/room"):
            await asyncio.sleep(0.01)


def test_before_the_server_has_started_its_route_is_gone_as_well() -> None:
    room = WebSocket("/room")
    assert TornadoWrapper.tornado_handlers == [room.route]
    room.unregister()
    assert TornadoWrapper.tornado_handlers == []


async def test_nothing_is_left_of_a_thousand(server: Server) -> None:
    """Neither in the registry nor in the routes nor in memory."""
    stays = WebSocket("/stays")
    before = (dict(registry), list(TornadoWrapper.tornado_handlers), list(rules()))
    rooms = [WebSocket(f"/room/{number}") for number in range(1000)]
    for room in rooms:
        room.bind(ProgressBar())
    await (await server.connect("/room/7")).close()
    assert len(rules()) == len(before[2]) + 1000
    watched = [weakref.ref(room) for room in rooms]
    for room in rooms:
        room.unregister()
    assert (registry, TornadoWrapper.tornado_handlers, rules()) == before
    assert registry == {"/stays": stays}
    del room, rooms
    async with asyncio.timeout(10):
        while any(each() is not None for each in watched):
            gc.collect()
            await asyncio.sleep(0.01)

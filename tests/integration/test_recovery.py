"""What clients that come back get, over real connections."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import override_settings

from tests.rawclient import RawClient, connect, text
from tests.tornado_websockets.layers.clients import Page, until
from tests.tornado_websockets.visitors import may_change_users, status, visitor
from tornado_websockets import testing
from tornado_websockets.frames import TEXT
from tornado_websockets.history import offset_text
from tornado_websockets.modules import ProgressBar
from tornado_websockets.testing import Server
from tornado_websockets.websocket import History, WebSocket


def query(page: Page) -> str:
    """What a page adds to the address of its path."""
    position = page.position
    if position is None:
        return ""
    sockets = ",".join(sorted(position.sockets))
    return f"?tws_position={position.epoch}:{offset_text(position.offset)}:{sockets}"


@asynccontextmanager
async def opened(port: int, ws: WebSocket, page: Page, **headers: Any) -> AsyncIterator[RawClient]:
    """Let a page connect for a while; at the end the connection is cut without a word."""
    async with connect(port, ws.path + query(page), tls=False, **headers) as client:
        assert client.head.startswith("HTTP/1.1 101"), client.head
        yield client


async def read(
    client: RawClient, page: Page, *, until_n: int | None = None, frames: int = -1
) -> None:
    """Let a page take frames: so many, or until one has a number."""
    while frames and (until_n is None or page.numbers[-1:] != [until_n]):
        frame = await client.receive()
        assert frame.opcode == TEXT, frame
        page.take(frame.payload)
        frames -= 1


async def visited(server: Server, ws: WebSocket, **headers: Any) -> Page:
    """Return a page that was connected, and has received nothing but its position."""
    page = Page()
    async with opened(server.port, ws, page, **headers) as client:
        await read(client, page, frames=1)
    await until(lambda: len(ws) == 0)
    return page


async def test_live_is_at_most_once_and_inside_the_window_once_and_in_order(server: Server) -> None:
    """1020 connections are cut anywhere, while events are sent: no gap, no duplicate."""
    ws = WebSocket("/news", history=History(events=20_000))
    chance = random.Random(7)
    pages = [Page() for _ in range(6)]
    sent, on_their_way = 0, len(pages)
    is_over = asyncio.Event()

    async def send() -> None:
        nonlocal sent
        while not is_over.is_set():
            for _ in range(chance.randrange(1, 8)):
                sent += 1
                ws.broadcast("n", {"n": sent})
            await asyncio.sleep(0.004)

    async def come_and_go(page: Page) -> None:
        nonlocal on_their_way
        for trial in range(170):
            async with opened(server.port, ws, page) as client:
                await read(client, page, frames=chance.randrange(12) if trial else 1)
        on_their_way -= 1
        if not on_their_way:
            is_over.set()
        await is_over.wait()
        async with opened(server.port, ws, page) as client:
            await read(client, page, until_n=sent)

    await asyncio.gather(send(), *map(come_and_go, pages))
    for page in pages:
        assert page.told[0] is None
        assert set(page.told[1:]) == {True}
        assert len(page.told) > 100
        first = page.start[0] + 1  # offsets of the local layer count events
        assert page.numbers == [*range(first, sent + 1)]


@pytest.mark.parametrize("compression", [False, True])
async def test_who_comes_back_gets_what_was_missed(server: Server, compression: bool) -> None:
    ws = WebSocket("/news", history=300, compression=compression)
    page = await visited(server, ws)
    for number in range(250):
        ws.broadcast("n", {"n": number, "text": "x" * 100})
    async with opened(server.port, ws, page) as client:
        await read(client, page, until_n=249)
    assert (page.told, page.missed) == ([None, True], 250)
    assert page.numbers == [*range(250)]


async def test_who_reads_slowly_gets_all_of_a_large_history(server: Server) -> None:
    """Much more than may wait for a client, who is not closed for it, again and again."""
    ws = WebSocket(
        "/news",
        history=History(events=4000, bytes=None),
        limits={"send_frames": 5, "send_bytes": 10_000},
    )
    page, late = await visited(server, ws), Page()
    for number in range(3000):
        ws.broadcast("n", {"n": number, "text": "x" * 5000})
    async with opened(server.port, ws, page) as client:
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]
        async with opened(server.port, ws, late) as other:
            await read(other, late, frames=1)
            ws.broadcast("n", {"n": 3000})  # not for who is behind
            await read(other, late, until_n=3000)
        socket = ws[0]
        await until(lambda: socket.unsent_bytes > 0)  # the system takes the first of it
        assert socket.unsent_bytes < 200_000
        client.reader._transport.resume_reading()  # type: ignore[attr-defined]
        await read(client, page, until_n=3000)
        ws.broadcast("n", {"n": 3001})
        await read(client, page, until_n=3001)
        assert page.numbers == [*range(3002)]
        assert ws[0] is socket
    assert ws.stats.slow.total == 0


async def test_callbacks_of_who_is_behind_work_meanwhile(server: Server) -> None:
    ws = WebSocket("/news", history=History(events=3000, bytes=None))

    @ws.on
    async def open(socket: Any) -> None:
        socket.emit("hello")

    @ws.on
    async def echo(socket: Any, data: Any) -> None:
        socket.emit("echo", data)

    page = await visited(server, ws)
    for number in range(2000):
        ws.broadcast("n", {"n": number, "text": "x" * 5000})
    async with opened(server.port, ws, page) as client:
        events: list[str] = []
        while events[-1:] != ["n"] or page.numbers[-1] != 1999:
            payload = (await client.receive()).payload
            page.take(payload)
            events.append(json.loads(payload)["event"])
    assert events.count("hello") == 1
    assert events[0] == "recovered"
    assert events.index("hello") < 1000
    assert page.numbers == [*range(2000)]


async def test_a_bar_is_told_as_it_was_before_it_is_told_as_it_is(server: Server) -> None:
    """Old updates behind the state of the bar would set it back."""
    ws = WebSocket("/jobs", history=50)
    bar = ws.bind(ProgressBar("work"))
    page = await visited(server, ws)
    bar.tick()
    bar.tick()
    async with opened(server.port, ws, page) as client:
        frames = [json.loads((await client.receive()).payload) for _ in range(10)]
    names = [frame["event"].removeprefix("module_progressbar_work_") for frame in frames]
    step = ["before_update", "update", "after_update"]
    assert names == ["recovered", *step, *step, "before_init", "init", "after_init"]
    assert frames[-2]["data"]["value"] == 2


async def test_who_was_excluded_does_not_get_it_when_it_comes_back(server: Server) -> None:
    ws = WebSocket("/chat", history=10)

    @ws.on
    async def say(socket: Any, data: Any) -> None:
        ws.emit("said", data, exclude=socket)
        socket.emit("heard")

    page, other = Page(), Page()
    async with opened(server.port, ws, other) as listener:
        await read(listener, other, frames=1)
        async with opened(server.port, ws, page) as client:
            await read(client, page, frames=1)
            former = ws[1]
            client.send(text(json.dumps({"event": "say", "data": {"n": 1}})))
            assert json.loads((await client.receive()).payload)["event"] == "heard"
        ws.broadcast("said", {"n": 2})
        async with opened(server.port, ws, page) as client:
            await read(client, page, until_n=2)
            # A callback of the connection before may still be at work.
            ws.broadcast("said", {"n": 3}, exclude=former)
            ws.broadcast("said", {"n": 4})
            await read(client, page, until_n=4)
        await read(listener, other, until_n=4)
    assert page.numbers == [2, 4]
    assert other.numbers == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "told",
    ["", ":", "nonsense", "e:1-0:s", "%00", "%ff%fe", "a:9999999999999999999999-0:b", "x" * 5000],
)
async def test_a_position_that_is_none_is_told_so_and_is_no_error(
    server: Server, told: str
) -> None:
    ws = WebSocket("/news", history=10)
    path = f"{ws.path}?tws_position=1:1-0:x&tws_position={told}"
    async with connect(server.port, path, tls=False) as client:
        assert client.head.startswith("HTTP/1.1 101")
        data = json.loads((await client.receive()).payload)["data"]
        assert data["recovered"] is False
        ws.broadcast("n", {"n": 1})
        assert json.loads((await client.receive()).payload)["data"] == {"n": 1}


@pytest.mark.django_db(transaction=True)
async def test_who_comes_back_is_asked_again_who_it_is() -> None:
    async with testing.serve() as server:
        ws = WebSocket("/secret", permission="auth.change_user", history=10)
        user, browser = await visitor()
        permission = await sync_to_async(may_change_users)(user)
        headers = {
            "Origin": f"http://{server.host}",
            "Cookie": browser.cookies.output(attrs=[], header="", sep=";").strip(),
        }
        page = await visited(server, ws, **headers)
        ws.broadcast("n", {"n": 1})
        await user.user_permissions.aremove(permission)
        assert await status(server, ws.path + query(page), **headers) == 403
        assert await status(server, ws.path + query(page)) == 403
        await user.user_permissions.aadd(permission)
        async with opened(server.port, ws, page, **headers) as client:
            await read(client, page, until_n=1)


async def test_another_run_of_the_server_has_a_history_of_its_own() -> None:
    ws = WebSocket("/news", history=10)
    page = Page()
    for run in range(2):
        async with testing.serve() as server:
            async with opened(server.port, ws, page) as client:
                await read(client, page, frames=1)
                ws.broadcast("n", {"n": run})
                await read(client, page, until_n=run)
            await until(lambda: len(ws) == 0)
    assert page.told == [None, False]


async def test_what_is_sent_to_some_is_not_kept(server: Server) -> None:
    ws = WebSocket("/news", history=10)
    page, other = Page(), Page()
    async with opened(server.port, ws, other) as listener:
        await read(listener, other, frames=1)
        async with opened(server.port, ws, page) as client:
            await read(client, page, frames=1)
        ws.broadcast("some", to=[ws[0]])
        ws[0].emit("one")
        ws.broadcast("n", {"n": 1})
        async with opened(server.port, ws, page) as client:
            await read(client, page, frames=2)
    assert (page.numbers, page.missed) == ([1], 1)


async def test_who_reads_too_slowly_is_closed_and_comes_back(server: Server) -> None:
    """Also where the project leaves out events for those: here they would be missing."""
    with override_settings(TORNADO={"slow_reader": "drop_oldest"}):
        ws = WebSocket("/news", history=History(events=5000, bytes=None), limits={"send_frames": 5})
        page = Page()
        async with opened(server.port, ws, page) as client:
            await read(client, page, frames=1)
            client.reader._transport.pause_reading()  # type: ignore[attr-defined]
            number = 0
            while not ws.stats.slow.total:
                number += 1
                ws.broadcast("n", {"n": number, "text": "x" * 5000})
                await asyncio.sleep(0)
            client.reader._transport.resume_reading()  # type: ignore[attr-defined]
            with pytest.raises((AssertionError, OSError, EOFError)):
                await read(client, page)
        assert page.numbers[-1] < number
        async with opened(server.port, ws, page) as client:
            await read(client, page, until_n=number)
        assert page.numbers == [*range(1, number + 1)]
        assert page.told == [None, True]


@pytest.mark.parametrize("policy", ["drop_oldest", "latest"])
def test_a_history_and_a_policy_that_leaves_out_events_exclude_each_other(policy: str) -> None:
    with pytest.raises(ValueError, match=f"slow_reader='{policy}' leaves out events"):
        WebSocket("/news", history=10, slow_reader=policy)
    WebSocket("/news", history=10, slow_reader="close")


async def test_the_event_of_the_server_belongs_to_it_where_there_is_a_history(
    server: Server,
) -> None:
    kept, live = WebSocket("/kept", history=10), WebSocket("/live")

    @live.on
    async def recovered(socket: Any, data: Any) -> None:
        socket.emit("recovered", data)

    with pytest.raises(ValueError, match="'recovered' belongs to the server"):
        kept.on(recovered)
    client = await server.connect("/live")
    client.emit("recovered", {"n": 1})
    assert await client.receive() == ("recovered", {"n": 1})
    live.broadcast("recovered")
    assert await client.receive() == ("recovered", {})
    await server.connect("/kept")
    for send in (kept.broadcast, kept.to("r").broadcast, kept[0].emit):
        with pytest.raises(ValueError, match="on paths with a history"):
            send("recovered")

"""Whoever may, sees what is said on a path: some of it, masked, for a while, at little cost."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.test import override_settings

from tests.tornado_websockets.visitors import visitor
from tests.tws_admin.operators import PATH, XSS, ask, forbid, operator, refusal, until, watching
from tornado_websockets import signals
from tornado_websockets.testing import Client, Server, serve
from tornado_websockets.tornadowrapper import TornadoWrapper
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin.control.inspector import LASTS_S, Inspector, attach
from tws_admin.control.masking import LIMIT
from tws_admin.control.tap import EVENTS_PER_S
from tws_admin.permissions import INSPECT

CANARY = "c4n4ry-5f1d"
MAY = ("view_dashboard", "view_payloads")

database = pytest.mark.django_db(transaction=True)


def chatting(path: str = "/chat") -> WebSocket:
    """Return a path that sends everything to everybody."""
    chat = WebSocket(path)

    @chat.on
    async def message(socket: WebSocketHandler, data: dict[str, Any]) -> None:
        chat.broadcast("message", data)

    return chat


def is_tapped(websocket: WebSocket) -> bool:
    return websocket.tap is not None


async def inspecting(
    server: Server, *permissions: str, name: str = "olga", **options: float
) -> Client:
    """Connect somebody to a monitor with an inspector that is in a hurry."""
    watch = watching()
    attach(watch, Inspector(watch, **{"flush_s": 0.05, **options}))
    return await another(server, *permissions, name=name)


async def another(server: Server, *permissions: str, name: str = "oscar") -> Client:
    _user, browser = await operator(*(permissions or MAY), name=name)
    return await server.connect(PATH, client=browser)


async def inspected(client: Client, count: int) -> tuple[list[dict[str, Any]], int]:
    """Return so many of the events that are shown, at least, and how many were skipped."""
    events: list[dict[str, Any]] = []
    skipped = 0
    while len(events) + skipped < count:
        event, data = await client.receive()
        assert event == "inspected"
        assert len(data.events) <= EVENTS_PER_S
        events += data.events
        skipped += data.skipped
    return events, skipped


@database
async def test_what_is_said_is_shown(server: Server) -> None:
    """What comes in with who sent it, what goes out to all without."""
    chat = chatting()
    client = await inspecting(server)
    now = time.time()
    answer = await ask(client, "inspect", path="/chat")
    assert (answer.event, answer.data.path) == ("inspecting", "/chat")
    assert now + LASTS_S <= answer.data.until <= time.time() + LASTS_S
    ann = await server.connect("/chat")
    ann.emit("message", {"text": "hé", "Password": CANARY, "deep": [{"csrfToken": CANARY}]})
    events, skipped = await inspected(client, 2)
    assert skipped == 0
    assert [
        (each["direction"], each["connection"], each["event"], each["truncated"]) for each in events
    ] == [("in", chat[0].id, "message", False), ("out", None, "message", False)]
    for each in events:
        assert now <= each["time"] <= time.time()
        assert each["payload"] == '{"text":"hé","Password":"***","deep":[{"csrfToken":"***"}]}'
    await sync_to_async(chat[0].emit)("private", "hi")
    ((event,), _skipped) = await inspected(client, 1)
    assert (event["direction"], event["connection"]) == ("out", chat[0].id)
    assert event["payload"] == '{"message":"hi"}'


@database
async def test_nothing_is_installed_while_nobody_inspects(server: Server) -> None:
    """Not before the first, not after the last, on no other path."""
    chat, other = chatting(), chatting("/other")
    one = await inspecting(server)
    two = await another(server)
    assert not is_tapped(chat)
    await ask(one, "inspect", path="/chat")
    await ask(two, "inspect", path="/chat")
    assert is_tapped(chat)
    assert not is_tapped(other)
    answer = await ask(one, "inspect", path=None)
    assert (answer.data.path, answer.data.until) == (None, None)
    assert is_tapped(chat)
    chat.broadcast("event", {"n": 1})
    assert len((await inspected(two, 1))[0]) == 1
    await ask(two, "inspect", path="/other")
    assert not is_tapped(chat)
    assert is_tapped(other)
    await two.close()
    await until(lambda: other.tap is None)
    await ask(one, "inspect")
    assert not is_tapped(chat)
    assert not is_tapped(other)


@database
async def test_each_viewer_sees_the_path_of_its_own_choice(server: Server) -> None:
    """One each: a new choice replaces the one before."""
    chat, other = chatting(), chatting("/other")
    one = await inspecting(server)
    two = await another(server)
    await ask(one, "inspect", path="/chat")
    await ask(two, "inspect", path="/other")
    for number in range(3):
        chat.broadcast("of_chat", {"n": number})
        other.broadcast("of_other", {"n": number})
    assert {each["event"] for each in (await inspected(one, 3))[0]} == {"of_chat"}
    assert {each["event"] for each in (await inspected(two, 3))[0]} == {"of_other"}


@database
async def test_a_flood_is_sampled(server: Server) -> None:
    """Every event is accounted for: shown, or counted."""
    chat = chatting()
    client = await inspecting(server, flush_s=0.2)
    await ask(client, "inspect", path="/chat")
    for number in range(5000):
        chat.broadcast("event", {"n": number})
    events, skipped = await inspected(client, 5000)
    assert len(events) + skipped == 5000
    assert EVENTS_PER_S <= len(events) < 500


@database
async def test_what_is_large_is_cut(server: Server) -> None:
    """Two kilobytes of an event are shown, and of the largest nothing at all."""
    chat = chatting()
    client = await inspecting(server)
    await ask(client, "inspect", path="/chat")
    chat.broadcast("long", {"text": "€" * 5000})
    chat.broadcast("huge", {"text": "x" * 500_000})
    events, _skipped = await inspected(client, 2)
    assert LIMIT - 3 <= len(events[0]["payload"].encode()) <= LIMIT
    assert [each["truncated"] for each in events] == [True, True]
    assert events[1]["payload"] is None


@database
async def test_what_is_said_is_plain_text(server: Server) -> None:
    """A page that shows it has to write it as text."""
    chat = chatting()
    client = await inspecting(server)
    await ask(client, "inspect", path="/chat")
    for text in XSS:
        chat.broadcast(text, {text: text})
    events, _skipped = await inspected(client, len(XSS))
    assert [(each["event"], json.loads(each["payload"])) for each in events] == [
        (text, {text: text}) for text in XSS
    ]


@database
async def test_it_ends_by_itself(server: Server) -> None:
    """After its time; whoever wants more asks again."""
    chat, watch = chatting(), watching()
    inspector = Inspector(watch, flush_s=0.05, lasts_s=0.2)
    attach(watch, inspector)
    client = await another(server)
    await ask(client, "inspect", path="/chat")
    assert await client.receive() == ("inspecting", {"id": None, "path": None, "until": None})
    assert not is_tapped(chat)
    inspector._lasts_s = LASTS_S  # or it could end again before anybody has looked
    assert (await ask(client, "inspect", path="/chat")).data.path == "/chat"
    assert is_tapped(chat)


@database
async def test_the_permission_is_looked_at_again(server: Server) -> None:
    """It ends for who has lost it, and goes on for the others."""
    chat = chatting()
    watch = watching()
    attach(watch, Inspector(watch, flush_s=0.05, recheck_s=0.1))
    olga, browser = await operator(*MAY)
    one, two = await server.connect(PATH, client=browser), await another(server)
    await ask(one, "inspect", path="/chat")
    await ask(two, "inspect", path="/chat")
    await sync_to_async(forbid)(olga, "view_payloads")
    assert await one.receive() == ("inspecting", {"id": None, "path": None, "until": None})
    assert await refusal(one, "inspect", path="/chat") == "forbidden"
    chat.broadcast("event")
    assert (await inspected(two, 1))[0][0]["event"] == "event"


@database
async def test_a_failure_ends_nothing(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """While the database cannot tell who may, those who might go on, and it is in the log."""
    chat = chatting()
    client = await inspecting(server, recheck_s=0.1)
    await ask(client, "inspect", path="/chat")
    await execute("ALTER TABLE django_session RENAME TO elsewhere")
    try:
        await until(lambda: "the inspector of events has failed" in caplog.text)
    finally:
        await execute("ALTER TABLE elsewhere RENAME TO django_session")
    chat.broadcast("event")
    assert (await inspected(client, 1))[0][0]["event"] == "event"


@sync_to_async
def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@database
async def test_who_may_inspect(server: Server) -> None:
    """It takes a permission of its own, each time it begins; a read-only monitor shows, too."""
    chat = chatting()
    client = await inspecting(server, "view_dashboard", "send_event", "close_connections")
    answer = await ask(client, "inspect", path="/chat")
    assert (answer.event, answer.data["code"]) == ("refused", "forbidden")
    assert INSPECT in answer.data["message"]
    assert not is_tapped(chat)
    _root, browser = await visitor("root", is_superuser=True, is_staff=True)
    root = await server.connect(PATH, client=browser)
    with override_settings(TWS_ADMIN={"read_only": True}):
        assert await refusal(root, "inspect", path="/chat") == "inspecting"


@database
async def test_what_cannot_be_inspected_is_refused(server: Server) -> None:
    """And what was inspected before goes on."""
    chat, tapped = chatting(), chatting("/tapped")

    def tap(direction: str, socket: Any, event: str, envelope: str | bytes) -> None:
        """Belong to the project."""

    tapped.tap = tap
    client = await inspecting(server)
    await ask(client, "inspect", path="/chat")
    assert await refusal(client, "inspect", path="/nowhere") == "not_found"
    for wrong in (PATH, "/tapped", "", "x" * 201, 5, True, ["/chat"]):
        assert await refusal(client, "inspect", path=wrong) == "invalid", wrong
    assert tapped.tap is tap
    chat.broadcast("event")
    assert len((await inspected(client, 1))[0]) == 1


@database
async def test_the_tap_of_the_project_is_left_alone(server: Server) -> None:
    """One that it sets while somebody inspects is not taken away with ours."""
    chat = chatting()
    client = await inspecting(server)
    await ask(client, "inspect", path="/chat")

    def tap(direction: str, socket: Any, event: str, envelope: str | bytes) -> None:
        """Belong to the project."""

    chat.tap = tap
    await ask(client, "inspect", path=None)
    assert chat.tap is tap


@database
async def test_threads_send_while_taps_come_and_go(server: Server) -> None:
    """Nobody who sends ever notices."""
    chat = chatting()
    client = await inspecting(server)
    errors: list[BaseException] = []
    is_over = threading.Event()

    def send() -> None:
        while not is_over.is_set():
            try:
                chat.broadcast("event", {"n": 1})
            except BaseException as error:  # noqa: BLE001  whatever it is
                errors.append(error)
            time.sleep(0.0005)

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(30):
            await ask(client, "inspect", path="/chat")
            await ask(client, "inspect", path=None)
    finally:
        is_over.set()
        for thread in threads:
            await asyncio.to_thread(thread.join)
    assert errors == []
    assert not is_tapped(chat)


@database
async def test_it_ends_with_the_server() -> None:
    """The next server of the process begins without a tap, and can be inspected anew."""
    chat, watch = chatting(), watching()
    attach(watch, Inspector(watch, flush_s=0.05))
    _user, browser = await operator(*MAY)
    for _ in range(2):
        async with serve(share_thread=False) as server:
            client = await server.connect(PATH, client=browser)
            await ask(client, "inspect", path="/chat")
            chat.broadcast("event")
            assert len((await inspected(client, 1))[0]) == 1
            assert is_tapped(chat)
        assert not is_tapped(chat)


@database
async def test_it_ends_before_the_viewers_do(server: Server) -> None:
    """When the server is about to stop, nobody is shown anything any more."""
    chat = chatting()
    client = await inspecting(server)
    await ask(client, "inspect", path="/chat")
    TornadoWrapper.publish(signals.server_stopping)
    assert not is_tapped(chat)

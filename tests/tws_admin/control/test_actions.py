"""Operators act on others: each only as permitted, each act on record."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import pytest
from asgiref.sync import sync_to_async
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import connection
from django.test import override_settings
from tornado.httpclient import HTTPClientError

from tests.tws_admin.operators import PATH, XSS, ask, operator, refusal, until, watching
from tornado_websockets.exceptions import LayerUnavailableError
from tornado_websockets.models import Dashboard
from tornado_websockets.testing import Client, Server, serve
from tornado_websockets.websocket import WebSocket
from tws_admin import monitor, websockets
from tws_admin.control import connections
from tws_admin.control.actions import SHARE, attach

pytestmark = pytest.mark.django_db(transaction=True)

CANARY = "c4n4ry-5f1d"


class Noted(list[tuple[Any, ...]]):
    """What the monitor's own log was told."""

    def __call__(self, kind: str, path: str | None = None, **more: Any) -> None:
        self.append((kind, path, more))


class Entry(NamedTuple):
    """A row of Django's log of admin actions."""

    who: str
    whom: str
    message: str


@sync_to_async
def entries() -> list[Entry]:
    """Return the log of admin actions, the oldest first."""
    rows = LogEntry.objects.order_by("pk").select_related("user", "content_type")
    for row in rows:
        assert row.action_flag == CHANGE
        assert row.content_type is not None
        assert row.content_type.model_class() is Dashboard
        assert row.get_admin_url() is None
        assert str(row)
    return [Entry(row.user.username, row.object_repr, row.get_change_message()) for row in rows]


async def acting(server: Server, *permissions: str, **fields: Any) -> tuple[Client, Noted]:
    """Connect somebody to a monitor with these actions."""
    noted, watch = Noted(), watching()
    attach(watch, noted)
    connections.attach(watch)
    _user, browser = await operator("view_dashboard", *permissions, **fields)
    return await server.connect(PATH, client=browser), noted


async def test_one_connection_is_closed(server: Server) -> None:
    """With 4500, which tells it not to come back; the others stay."""
    chat = WebSocket("/chat")
    clients = [await server.connect("/chat") for _ in range(3)]
    identity = chat[1].id
    operator, noted = await acting(server, "close_connections")
    answer = await ask(operator, "disconnect", connection=identity, reason="spam")
    assert (answer.event, answer.data["count"]) == ("done", 1)
    assert await clients[1].closed() == 4500
    assert clients[1].connection.close_reason == "spam"
    await until(lambda: len(chat) == 2)
    whom = f"connection {identity} of 127.0.0.1 on /chat"
    assert await entries() == [Entry("olga", whom, f"Disconnected 1 connection ({whom}): spam")]
    assert noted == [("action", "/chat", {"by": "olga", "what": "disconnect", "count": 1})]
    assert await refusal(operator, "disconnect", connection=identity) == "not_found"


async def test_everybody_on_a_path_is_sent_away(server: Server) -> None:
    """And nobody else; without a reason there is one that says who it was."""
    chat, other = WebSocket("/chat"), WebSocket("/other")
    clients = [await server.connect("/chat") for _ in range(5)]
    await server.connect("/other")
    operator, noted = await acting(server, "close_connections")
    assert (await ask(operator, "disconnect", path="/chat")).data["count"] == 5
    for client in clients:
        assert await client.closed() == 4500
        assert client.connection.close_reason == "disconnected by an administrator"
    await until(lambda: not len(chat))
    assert len(other) == 1
    assert noted == [("action", "/chat", {"by": "olga", "what": "disconnect", "count": 5})]
    assert (await ask(operator, "disconnect", path="/chat")).data["count"] == 0
    assert [entry.message for entry in await entries()] == [
        "Disconnected 5 connections (path /chat): disconnected by an administrator",
        "Disconnected 0 connections (path /chat): disconnected by an administrator",
    ]


async def test_all_connections_of_a_user_are_closed(server: Server) -> None:
    """On every path, by the primary key, as a number or a text; but for those that watch."""
    chat, other = WebSocket("/chat", login_required=True), WebSocket("/other", login_required=True)
    ann, browser = await operator(name="ann")
    _bob, browser_of_bob = await operator(name="bob")
    gone = [await server.connect(path, client=browser) for path in ("/chat", "/other", "/chat")]
    await server.connect("/chat", client=browser_of_bob)
    client, noted = await acting(server, "close_connections", is_superuser=True)
    assert (await ask(client, "disconnect", user=str(ann.pk))).data["count"] == 3
    for each in gone:
        assert await each.closed() == 4500
    await until(lambda: (len(chat), len(other)) == (1, 0))
    assert [entry.whom for entry in await entries()] == [f"user ann ({ann.pk})"]
    assert noted == [("action", None, {"by": "olga", "what": "disconnect", "count": 3})]

    assert await refusal(client, "disconnect", user=ann.pk) == "not_found"
    assert await refusal(client, "disconnect", user=_bob.pk) == "done"


async def test_who_acts_does_not_disconnect_the_monitor(server: Server) -> None:
    """An operator who is sent away by another goes on watching."""
    client, _noted = await acting(server, "close_connections", name="oscar")
    _user, browser = await operator("view_dashboard", "close_connections")
    other = await server.connect(PATH, client=browser)
    own = (await ask(other, "connections")).data["rows"]
    assert own == []
    assert await refusal(client, "disconnect", path=PATH) == "invalid"
    assert await refusal(client, "disconnect", user=_user.pk) == "not_found"
    assert await entries() == []


async def test_many_are_closed_in_shares(server: Server) -> None:
    """The event loop has its turns between; all are closed in the end."""
    chat = WebSocket("/chat")
    for _ in range(SHARE + 20):
        await server.connect("/chat")
    client, _noted = await acting(server, "close_connections")
    assert (await ask(client, "disconnect", path="/chat")).data["count"] == SHARE + 20
    await until(lambda: not len(chat))
    assert chat.stats.closed == {4500: SHARE + 20}


async def test_an_event_is_sent_to_a_path(server: Server) -> None:
    """Everybody there gets it as if the program had sent it; nobody else does."""
    WebSocket("/chat")
    other = WebSocket("/other")
    clients = [await server.connect("/chat") for _ in range(3)]
    await server.connect("/other")
    operator, noted = await acting(server, "send_event")
    payload = {"text": "Maintenance at 22:00", "secret": CANARY, "list": [1, {"a": None}]}
    answer = await ask(operator, "send", path="/chat", name="notice", payload=payload)
    assert (answer.event, answer.data["count"]) == ("done", 3)
    for client in clients:
        assert await client.receive() == ("notice", payload)
    assert other.stats.events_out == 0
    message = "Sent the event notice to 3 connections (path /chat)"
    assert await entries() == [Entry("olga", "path /chat", message)]
    assert noted == [("action", "/chat", {"by": "olga", "what": "send", "count": 3})]
    assert CANARY not in str(noted)


async def test_an_event_is_sent_to_one_connection(server: Server) -> None:
    """The others of its path get nothing; without a payload it is an empty object."""
    chat = WebSocket("/chat")
    clients = [await server.connect("/chat") for _ in range(2)]
    operator, noted = await acting(server, "send_event")
    assert (await ask(operator, "send", connection=chat[1].id, name="poke")).data["count"] == 1
    chat.broadcast("after")
    assert await clients[1].receive() == ("poke", {})
    assert await clients[0].receive() == ("after", {})
    assert noted == [("action", "/chat", {"by": "olga", "what": "send", "count": 1})]
    (entry,) = await entries()
    assert entry.message.startswith("Sent the event poke to 1 connection (connection ")


async def test_what_is_written_about_others_is_plain_text(server: Server) -> None:
    """Names of paths, users and events stand in the log as they are: admin escapes them."""
    client, _noted = await acting(server, is_superuser=True)
    for number, text in enumerate(XSS):
        path = f"/{number}{text}"
        websocket = WebSocket(path, login_required=True)
        _user, browser = await operator(name=text)
        victim = await server.connect(websocket.url.removeprefix("/ws"), client=browser)
        answer = await ask(client, "send", path=path, name=text, payload={text: text})
        assert answer.data["count"] == 1
        assert await victim.receive() == (text, {text: text})
        await ask(client, "disconnect", connection=websocket[0].id, reason=text)
        assert await victim.closed() == 4500
        assert victim.connection.close_reason == text
        sent, closed = (await entries())[-2:]
        assert sent.message == f"Sent the event {text} to 1 connection (path {path})"
        assert f" of {text} on {path}): {text}" in closed.message


async def test_what_cannot_be_asked_is_refused(server: Server) -> None:
    """With a code and a sentence; nothing is done and nothing is written."""
    chat = WebSocket("/chat")
    await server.connect("/chat")
    client, noted = await acting(server, is_superuser=True)
    one = chat[0].id
    disconnects: list[tuple[str, dict[str, Any]]] = [
        ("invalid", {}),
        ("invalid", {"path": "/chat", "connection": one}),
        ("invalid", {"path": PATH}),
        ("invalid", {"path": ""}),
        ("invalid", {"path": ["/chat"]}),
        ("not_found", {"path": "/nowhere"}),
        ("not_found", {"connection": "0" * 16}),
        ("invalid", {"connection": 5}),
        ("invalid", {"user": True}),
        ("invalid", {"user": {"pk": 1}}),
        ("invalid", {"user": "x" * 300}),
        ("not_found", {"user": 10**9}),
        ("not_found", {"user": ""}),
        ("invalid", {"path": "/chat", "reason": 5}),
        ("invalid", {"path": "/chat", "reason": "x" * 121}),
        ("invalid", {"path": "/chat", "id": [1]}),
    ]
    for code, wrong in disconnects:
        assert await ask_any(client, "disconnect", wrong) == code, wrong
    sends: list[tuple[str, dict[str, Any]]] = [
        ("invalid", {}),
        ("invalid", {"path": "/chat"}),
        ("invalid", {"name": "x", "user": 1}),
        ("invalid", {"path": PATH, "name": "x"}),
        ("invalid", {"path": "/chat", "name": ""}),
        ("invalid", {"path": "/chat", "name": 5}),
        ("invalid", {"path": "/chat", "name": "x" * 201}),
        ("invalid", {"path": "/chat", "name": "open"}),
        ("invalid", {"path": "/chat", "name": "close"}),
        ("invalid", {"path": "/chat", "name": "warning"}),
        ("invalid", {"path": "/chat", "name": "x", "payload": "text"}),
        ("invalid", {"path": "/chat", "name": "x", "payload": [1]}),
        ("invalid", {"path": "/chat", "name": "x", "payload": None}),
        ("not_found", {"path": "/nowhere", "name": "x"}),
        ("not_found", {"connection": "nobody", "name": "x"}),
    ]
    for code, wrong in sends:
        assert await ask_any(client, "send", wrong) == code, wrong
    assert (len(chat), chat.stats.events_out, noted, await entries()) == (1, 0, [], [])


async def ask_any(client: Client, event: str, data: dict[str, Any]) -> str:
    """Ask with an id that may be wrong, and return the code of the refusal."""
    client.emit(event, {"id": 1, **data})
    answer = await client.receive()
    assert answer.event == "refused"
    assert answer.data["message"]
    return str(answer.data["code"])


async def test_what_cannot_be_written_is_not_done(server: Server) -> None:
    """Without the log of admin actions, nobody is sent away and nothing is sent."""
    chat = WebSocket("/chat")
    await server.connect("/chat")
    client, noted = await acting(server, is_superuser=True)

    @sync_to_async
    def execute(sql: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)

    await execute("ALTER TABLE django_admin_log RENAME TO elsewhere")
    try:
        for event in ("disconnect", "send"):
            answer = await ask(client, event, path="/chat", name="x")
            assert (answer.event, answer.data["code"]) == ("warning", "handler_error")
    finally:
        await execute("ALTER TABLE elsewhere RENAME TO django_admin_log")
    assert (len(chat), chat.stats.events_out, noted) == (1, 0, [])


# Who may do what.

ACTIONS: dict[str, dict[str, Any]] = {
    "connections": {},
    "connection": {"connection": "one"},
    "recipients": {"path": "/chat"},
    "send": {"path": "/chat", "name": "notice"},
    "disconnect": {"path": "/chat"},
}

# What each is answered in this order; None when it cannot even connect.
WHO: dict[str, tuple[dict[str, Any], tuple[str, ...], list[str] | None]] = {
    "user": ({"is_staff": False}, ("view_dashboard", "close_connections", "send_event"), None),
    "staff": ({}, ("close_connections", "send_event"), None),
    "inactive": ({"is_active": False, "is_superuser": True}, (), None),
    "viewer": (
        {},
        ("view_dashboard",),
        ["connections", "connection", "forbidden", "forbidden", "forbidden"],
    ),
    "inspector": (
        {},
        ("view_dashboard", "view_payloads", "view_metrics"),
        ["connections", "connection", "forbidden", "forbidden", "forbidden"],
    ),
    "sender": (
        {},
        ("view_dashboard", "send_event"),
        ["connections", "connection", "recipients", "done", "forbidden"],
    ),
    "closer": (
        {},
        ("view_dashboard", "close_connections"),
        ["connections", "connection", "forbidden", "forbidden", "done"],
    ),
    "superuser": (
        {"is_superuser": True},
        (),
        ["connections", "connection", "recipients", "done", "done"],
    ),
}


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("who", WHO)
async def test_who_may_do_what(who: str, read_only: bool, server: Server) -> None:
    """The server's answer to each, each time; and what was done, no more, is on record."""
    fields, permissions, expected = WHO[who]
    chat, watch, noted = WebSocket("/chat"), watching(), Noted()
    attach(watch, noted)
    connections.attach(watch)
    await server.connect("/chat")
    _user, browser = await operator(*permissions, **{"name": who, **fields})
    if expected is None:
        with pytest.raises(HTTPClientError, match="403"):
            await server.connect(PATH, client=browser)
        return
    client = await server.connect(PATH, client=browser)
    with override_settings(TWS_ADMIN={"read_only": read_only}):
        answers = []
        for event, data in ACTIONS.items():
            data = {**data, **({"connection": chat[0].id} if event == "connection" else {})}
            answers.append(await refusal(client, event, **data))
    if read_only:
        expected = ["connections", "connection", "read_only", "read_only", "read_only"]
    assert answers == expected
    done = [event for event, answer in zip(ACTIONS, answers, strict=True) if answer == "done"]
    assert [more["what"] for _kind, _path, more in noted] == done
    assert [entry.who for entry in await entries()] == [who] * len(done)
    if "disconnect" not in done:
        assert len(chat) == 1


async def test_the_log_of_the_monitor_tells_who_acted() -> None:
    """All viewers see it, in the next tick; what was sent is not in it."""
    WebSocket("/chat")
    websockets.register()
    _user, browser = await operator(name="root", is_superuser=True)
    async with serve(share_thread=False) as server:
        victim = await server.connect("/chat")
        client = await server.connect(monitor.PATH, client=browser)
        await client.receive()  # the snapshot, after which ticks come
        client.emit("send", {"path": "/chat", "name": "notice", "payload": {"text": CANARY}})
        client.emit("disconnect", {"path": "/chat"})
        assert await victim.closed() == 4500
        actions: list[dict[str, Any]] = []
        async with asyncio.timeout(10):
            while len(actions) < 2:
                event, data = await client.receive()
                assert CANARY not in str(data)
                log = data.get("lifecycle", [])
                actions += [each for each in log if event == "tick" and each["kind"] == "action"]
    assert [(each["path"], each["by"], each["what"], each["count"]) for each in actions] == [
        ("/chat", "root", "send", 1),
        ("/chat", "root", "disconnect", 1),
    ]


async def test_nobody_and_anonymous_cannot_connect(server: Server) -> None:
    """Without a session there is no answer to anything."""
    attach(watching(), Noted())
    with pytest.raises(HTTPClientError, match="403"):
        await server.connect(PATH)
    with pytest.raises(HTTPClientError, match="403"):
        await server.connect(PATH, Origin=f"http://{server.host}")


async def test_an_event_that_other_nodes_cannot_get_is_refused(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is told that it went out."""
    chat = WebSocket("/chat")
    await server.connect("/chat")
    client, _noted = await acting(server, "send_event")

    def fail(*args: Any, **kwargs: Any) -> None:
        raise LayerUnavailableError("/chat", "Redis is away")

    monkeypatch.setattr(chat, "broadcast", fail)
    answer = await ask(client, "send", path="/chat", name="notice")
    assert (answer.event, answer.data["code"]) == ("refused", "unavailable")
    assert "Redis is away" in answer.data["message"]

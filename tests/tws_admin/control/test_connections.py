"""Whoever watches finds any of 50 000 connections, a page at a time, and no secrets of theirs."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from tests.tws_admin.conftest import Shared
from tests.tws_admin.feeds import watch
from tests.tws_admin.operators import PATH, XSS, ask, operator, refusal, watching
from tornado_websockets.testing import Client, Server
from tornado_websockets.websocket import WebSocket
from tws_admin.control.connections import LIST, ONE, attach, newest_connections
from tws_admin.control.rows import PAGE, row

ROW = {
    "id": "f" * 16,
    "path": "/chat",
    "user": None,
    "user_id": None,
    "ip": "127.0.0.1",
    "connected_at": 1000.0,
    "unsent_bytes": 0,
}
CANARY = "c4n4ry-5f1d"


async def viewer(server: Server) -> Client:
    """Connect somebody who may only watch."""
    attach(watching())
    _user, browser = await operator("view_dashboard", name="vera")
    return await server.connect(PATH, client=browser)


@pytest.mark.django_db(transaction=True)
async def test_connections_are_listed(server: Server) -> None:
    """Those of all paths, or of one; those who watch are not among them."""
    chat, private = WebSocket("/chat"), WebSocket("/private", login_required=True)
    for _ in range(3):
        await server.connect("/chat")
    ann, browser = await operator(name="ann")
    await server.connect("/private", client=browser)
    client = await viewer(server)

    _event, data = await ask(client, "connections")
    assert (data.count, data.page, data.pages) == (4, 1, 1)
    assert [each["path"] for each in data.rows] == ["/chat"] * 3 + ["/private"]
    socket = private[0]
    assert data.rows[3] == {
        "id": socket.id,
        "path": "/private",
        "user": "ann",
        "user_id": str(ann.pk),
        "ip": "127.0.0.1",
        "connected_at": socket.connected_at.timestamp(),
        "unsent_bytes": 0,
    }
    _event, data = await ask(client, "connections", path="/chat", sort="-connected_at")
    assert [each["id"] for each in data.rows] == [socket.id for socket in chat][::-1]
    _event, data = await ask(client, "connections", search="ANN", sort="user", page=9)
    assert (data.count, data.page, data.rows[0]["id"]) == (1, 1, socket.id)


@pytest.mark.django_db(transaction=True)
async def test_hundreds_of_sockets_are_one_page(server: Server) -> None:
    """What is sent does not grow with how many are connected."""
    WebSocket("/chat")
    await asyncio.gather(*(server.connect("/chat") for _ in range(300)))
    client = await viewer(server)
    seen: set[str] = set()
    for page in range(1, 7):
        _event, data = await ask(client, "connections", sort="id", page=page)
        assert (data.count, data.pages, len(data.rows)) == (300, 6, PAGE)
        seen.update(each["id"] for each in data.rows)
    assert len(seen) == 300


@pytest.mark.django_db(transaction=True)
async def test_no_user_is_looked_up_for_a_list(server: Server) -> None:
    """On a path that asks for nobody, a page of connections costs no query."""
    chat = WebSocket("/chat")
    _user, browser = await operator(name="ann")
    await server.connect("/chat", client=browser)
    client = await viewer(server)
    _event, data = await ask(client, "connections", search="ann", path="/chat")
    assert data.count == 0
    assert chat[0].known_user is None
    await sync_to_async(lambda: chat[0].user)()
    _event, data = await ask(client, "connections", search="ann", path="/chat")
    assert data.rows[0]["user"] == "ann"


@pytest.mark.django_db(transaction=True)
async def test_one_connection_is_shown_with_more(server: Server) -> None:
    """What a client has chosen is cut; what it uses to prove who it is, is not there."""
    chat = WebSocket("/chat")
    await server.connect(
        "/chat",
        User_Agent="agent " + "x" * 500,
        Origin=f"http://{server.host}",
        Cookie=f"sessionid={CANARY}-0123456789; csrftoken={CANARY}",
        Authorization=f"Bearer {CANARY}",
        X_Api_Key=CANARY,
    )
    client = await viewer(server)
    answer = await ask(client, "connection", connection=chat[0].id)
    assert answer.event == "connection"
    more = answer.data["connection"]
    assert more == {
        **row(chat[0]),
        "agent": "agent " + "x" * 194,
        "origin": f"http://{server.host}",
        "subprotocol": "",
        "secure": False,
    }
    everything = [answer, await ask(client, "connections")]
    assert CANARY not in json.dumps(everything)


@pytest.mark.django_db(transaction=True)
async def test_what_clients_call_themselves_is_plain_text(server: Server) -> None:
    """It comes as it was sent: escaping is for whoever writes a page of it."""
    for number, text in enumerate(XSS):
        _user, browser = await operator(name=f"{number} {text}")
        websocket = WebSocket(f"/{number}{text}", login_required=True)
        path = websocket.url.removeprefix("/ws")
        await server.connect(path, client=browser, User_Agent=text)
    client = await viewer(server)
    _event, data = await ask(client, "connections", sort="user")
    for number, text in enumerate(XSS):
        found = data.rows[number]
        assert (found["user"], found["path"]) == (f"{number} {text}", f"/{number}{text}")
        more = (await ask(client, "connection", connection=found["id"])).data["connection"]
        assert more["agent"] == text


@pytest.mark.django_db(transaction=True)
async def test_what_cannot_be_asked_is_refused(server: Server) -> None:
    """With a code, and a sentence that says what was expected; the connection stays open."""
    WebSocket("/chat")
    client = await viewer(server)
    pages: list[tuple[str, dict[str, Any]]] = [
        ("invalid", {"path": 5}),
        ("invalid", {"path": PATH}),
        ("not_found", {"path": "/nowhere"}),
        ("invalid", {"search": ["x"]}),
        ("invalid", {"search": "x" * 201}),
        ("invalid", {"sort": "cookie"}),
        ("invalid", {"sort": "--id"}),
        ("invalid", {"sort": {"id": 1}}),
        ("invalid", {"page": 0}),
        ("invalid", {"page": -1}),
        ("invalid", {"page": "1"}),
        ("invalid", {"page": True}),
        ("invalid", {"page": 10**7}),
        ("invalid", {"page": None}),
    ]
    for code, wrong in pages:
        assert await refusal(client, "connections", **wrong) == code, wrong
    ones: list[tuple[str, dict[str, Any]]] = [
        ("invalid", {}),
        ("invalid", {"connection": 5}),
        ("not_found", {"connection": "0" * 16}),
    ]
    for code, wrong in ones:
        assert await refusal(client, "connection", **wrong) == code, wrong
    assert await refusal(client, "connections") == "connections"


@pytest.mark.django_db(transaction=True)
async def test_those_who_watch_are_not_to_be_found(server: Server) -> None:
    """Not by their id either."""
    watch = watching()
    attach(watch)
    _user, browser = await operator("view_dashboard", "send_event")
    client = await server.connect(PATH, client=browser)
    assert (await ask(client, "connections")).data.rows == []
    assert await refusal(client, "connection", connection=watch[0].id) == "not_found"
    assert await refusal(client, "recipients", connection=watch[0].id) == "not_found"
    assert await refusal(client, "recipients", path=PATH) == "invalid"


@pytest.mark.django_db(transaction=True)
async def test_recipients_are_counted_for_who_may_send(server: Server) -> None:
    """How many an event would reach: one, or all of a path."""
    attach(watching())
    chat = WebSocket("/chat")
    WebSocket("/empty")
    for _ in range(3):
        await server.connect("/chat")
    _user, browser = await operator("view_dashboard", "send_event")
    client = await server.connect(PATH, client=browser)
    assert (await ask(client, "recipients", path="/chat")).data["count"] == 3
    assert (await ask(client, "recipients", path="/empty")).data["count"] == 0
    assert (await ask(client, "recipients", connection=chat[1].id)).data["count"] == 1
    assert await refusal(client, "recipients") == "invalid"
    assert await refusal(client, "recipients", path="/chat", connection=chat[1].id) == "invalid"
    assert await refusal(client, "recipients", path="/nowhere") == "not_found"

    _user, browser = await operator("view_dashboard", name="vera")
    client = await server.connect(PATH, client=browser)
    assert await refusal(client, "recipients", path="/chat") == "forbidden"


@pytest.mark.django_db(transaction=True)
async def test_the_connections_of_all_nodes_are_one_list(shared: Shared) -> None:
    chat = WebSocket("/chat")
    await shared.server.connect("/chat")
    mine = row(chat[0])
    other = {**mine, "id": "f" * 16, "connected_at": 9e9}
    shared.layer.add("b" * 16, answers={LIST: {"count": 1, "page": 1, "pages": 1, "rows": [other]}})
    watcher = await watch(shared.server)
    _event, data = await ask(watcher.client, "connections", sort="-connected_at")
    assert data["rows"] == [other, mine]
    assert (data["count"], data["nodes"]) == (2, {"asked": 2, "answered": 2})
    _event, data = await ask(watcher.client, "connections", node="b" * 16)
    assert data["rows"] == [other]
    assert [asked for _topic, asked, _node in shared.layer.asked[-2:]] == [
        {"path": None, "search": "", "sort": "-connected_at", "page": 1, "from_start": True},
        {"path": None, "search": "", "sort": "", "page": 1, "from_start": False},
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "wrong",
    [
        {"rows": ["no row"]},
        {"rows": [{"id": "f" * 16}]},
        {"rows": [{**ROW, "connected_at": 1e300}]},
        {"rows": [{**ROW, "unsent_bytes": "many"}]},
        {"rows": {}},
        {"count": -5},
    ],
)
async def test_a_node_that_tells_nonsense_is_as_good_as_silent(shared: Shared, wrong: Any) -> None:
    chat = WebSocket("/chat")
    await shared.server.connect("/chat")
    answer = {"count": 1, "page": 1, "pages": 1, "rows": [ROW], **wrong}
    shared.layer.add("b" * 16, answers={LIST: answer, ONE: {"connection": wrong}})
    watcher = await watch(shared.server)
    event, data = await ask(watcher.client, "connections", sort="-connected_at")
    assert (event, data["rows"]) == ("connections", [row(chat[0])])
    assert data["nodes"] == {"asked": 2, "answered": 1}
    _event, data = await ask(watcher.client, "connection", connection="f" * 16)
    assert data["code"] == "not_found"


class TestOverSeveralNodes:
    """What a page shows before its scripts have asked."""

    async def test_it_is_the_newest_of_all(self, shared: Shared) -> None:
        chat = WebSocket("/chat")
        await shared.server.connect("/chat")
        other = {**row(chat[0]), "id": "f" * 16, "connected_at": 9e9}
        answer = {"count": 70, "page": 1, "pages": 2, "rows": [other]}
        shared.layer.add("b" * 16, answers={LIST: answer})
        found = await asyncio.to_thread(newest_connections, None, within_s=5.0)
        assert [each["id"] for each in found["rows"]] == ["f" * 16, chat[0].id]
        assert (found["count"], found["pages"]) == (71, 2)

    async def test_it_is_that_of_those_who_answer_in_time(self, shared: Shared) -> None:
        chat = WebSocket("/chat")
        await shared.server.connect("/chat")
        shared.layer.add("c" * 16)  # says nothing at all
        other = {**row(chat[0]), "id": "f" * 16}
        answer = {"count": 1, "page": 1, "pages": 1, "rows": [other]}
        shared.layer.add("b" * 16, answers={LIST: answer})
        found = await asyncio.to_thread(newest_connections, None, within_s=5.0)
        assert found["count"] == 2
        shared.layer.delay_s = 5.0
        found = await asyncio.to_thread(newest_connections, None, within_s=0.1)
        assert found["count"] == 1
        own = await asyncio.to_thread(newest_connections, shared.layer.node.id, within_s=0.1)
        assert own["count"] == newest_connections(None, within_s=1.0)["count"] == 1

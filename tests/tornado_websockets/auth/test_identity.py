"""Whose a connection is, when somebody asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.test import TestCase, override_settings
from django.test.utils import CaptureQueriesContext

from tests.tornado_websockets.visitors import ENGINES, engine, visitor
from tornado_websockets.auth import accounts
from tornado_websockets.exceptions import UserNotLoadedError
from tornado_websockets.testing import Server, isolated_registry, serve
from tornado_websockets.websocket import WebSocket

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def who() -> WebSocket:
    """A path that tells clients who they are."""
    ws = WebSocket("/who")

    @ws.on
    def thread(socket: Any) -> None:
        socket.emit("thread", {"user": socket.user.get_username()})

    @ws.on
    async def loop(socket: Any) -> None:
        user = await socket.auser()
        socket.emit("loop", {"user": user.get_username(), "same": user is socket.user})

    @ws.on
    async def attribute(socket: Any) -> None:
        try:
            socket.emit("attribute", {"user": socket.user.get_username()})
        except UserNotLoadedError as error:
            socket.emit("attribute", {"error": str(error)})

    return ws


@pytest.mark.parametrize("name", ENGINES)
async def test_a_user_is_known_by_the_session_of_any_engine(
    name: str, who: WebSocket, server: Server, tmp_path: Path
) -> None:
    with engine(name, tmp_path):
        _user, browser = await visitor("ann")
        client = await server.connect("/who", client=browser)
        client.emit("thread")
        assert await client.receive() == ("thread", {"user": "ann"})
        other = await server.connect("/who", client=browser)
        other.emit("loop")
        assert await other.receive() == ("loop", {"user": "ann", "same": True})


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "our_session=",
        "our_session=short",
        "our_session=" + "x" * 32,
        "our_session=" + "x" * 5000,
        'our_session="\\000\\000\\000\\000\\000\\000\\000\\000"',
        "our_session=../../../../etc/passwd",
        "our_session=a b c d e f g h",
        "our_session=x:y:z:::::::",
        "sessionid=" + "x" * 32,
        "=;;;=;our_session",
        "our_session=\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8",
    ],
    ids=lambda cookie: repr(cookie[:30]),
)
async def test_without_a_session_it_is_nobody(
    name: str, cookie: str, who: WebSocket, server: Server, tmp_path: Path
) -> None:
    with engine(name, tmp_path):
        client = await server.connect("/who", Cookie=cookie, Origin=f"http://{server.host}")
        client.emit("thread")
        assert await client.receive() == ("thread", {"user": ""})
        client.emit("loop")
        assert await client.receive() == ("loop", {"user": "", "same": True})


async def test_the_event_loop_does_not_wait_for_a_user(who: WebSocket, server: Server) -> None:
    _user, browser = await visitor()
    client = await server.connect("/who", client=browser)
    client.emit("attribute")
    _event, data = await client.receive()
    assert "await socket.auser()" in data.error
    assert "login_required=True" in data.error
    client.emit("loop")
    await client.receive()
    client.emit("attribute")
    assert await client.receive() == ("attribute", {"user": "ann"})


async def test_a_path_that_never_asks_pays_nothing(server: Server) -> None:
    ws = WebSocket("/quiet")

    @ws.on
    async def message(socket: Any, data: Any) -> None:
        socket.emit("message", data)

    _user, browser = await visitor()
    loaded: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "load", loaded.append)
        client = await server.connect("/quiet", client=browser)
        client.emit("message")
        await client.receive()
    assert loaded == []
    assert ws[0].known_user is None


async def test_without_an_origin_a_cookie_makes_nobody_somebody(server: Server) -> None:
    """Whoever tells no origin could be a page that got a browser to send its cookies."""
    _user, browser = await visitor()
    for ws, expected in (
        (WebSocket("/unsaid"), AnonymousUser),
        (WebSocket("/waived", require_origin=False), User),
        (WebSocket("/login", require_origin=False, login_required=True), User),
    ):
        cookie = browser.cookies.output(attrs=[], header="", sep=";").strip()
        await server.connect(ws.path, Cookie=cookie)
        assert type(await ws[0].auser()) is expected


async def test_the_user_is_looked_up_once(who: WebSocket, server: Server) -> None:
    _user, browser = await visitor()
    await server.connect("/who", client=browser)
    socket = who[0]

    def count() -> list[int]:
        counts = []
        for _ in range(2):
            with CaptureQueriesContext(connection) as queries:
                assert socket.user.get_username() == "ann"
            counts.append(len(queries))
        return counts

    assert await sync_to_async(count)() == [2, 0]


async def test_a_session_made_with_an_older_key_counts_and_stays_as_it_is(
    who: WebSocket, server: Server
) -> None:
    """To renew it here would log the browser out: it does not get the new cookie."""
    _user, browser = await visitor()
    with override_settings(SECRET_KEY="the next", SECRET_KEY_FALLBACKS=["only for the tests"]):
        for _ in range(2):
            client = await server.connect("/who", client=browser)
            client.emit("thread")
            assert await client.receive() == ("thread", {"user": "ann"})


async def test_a_failure_to_look_up_is_a_failure_of_the_callback(
    who: WebSocket, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with override_settings(SESSION_ENGINE="tests.no_such_engine"):
        client = await server.connect("/who", Origin=f"http://{server.host}", Cookie="a=b")
        client.emit("thread")
        assert (await client.receive()).data.code == "handler_error"
    client.emit("thread")
    assert await client.receive() == ("thread", {"user": ""})


async def test_the_log_names_the_user_of_a_callback_that_failed(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    ws = WebSocket("/fail")

    @ws.on
    def fail(socket: Any) -> None:
        raise ValueError(socket.user.get_username())

    user, browser = await visitor("ann\x1b[31m\n" + "x" * 120)
    client = await server.connect("/fail", client=browser)
    client.emit("fail")
    await client.receive()
    (record,) = [r for r in caplog.records if r.name == "tornado_websockets"]
    message = record.getMessage()
    assert f"of user '{user.pk}', 'ann\\x1b[31m\\nxxx" in message
    assert "/fail" in message
    assert "\n" not in message
    assert len(message) < 500


class SharedTests(TestCase):
    """In Django's TestCase, the user of its transaction is found."""

    async def test_the_user_of_the_test(self) -> None:
        with isolated_registry():
            ws = WebSocket("/mine", login_required=True)

            @ws.on
            async def name(socket: Any) -> None:
                socket.emit("name", socket.user.get_username())

            user = await User.objects.acreate(username="bob")
            await self.async_client.aforce_login(user)
            async with serve() as server:
                client = await server.connect("/mine", client=self.async_client)
                client.emit("name")
                assert await client.receive() == ("name", {"message": "bob"})

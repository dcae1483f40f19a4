"""A session that has ended takes its connections along."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tornado.httpclient import HTTPClientError

from tests.rawclient import RawClient, close, connect, text
from tests.tornado_websockets import flaky_engine
from tests.tornado_websockets.visitors import (
    ENGINES,
    engine,
    logged_in,
    may_change_users,
    until_watched,
    visitor,
)
from tornado_websockets.auth.judgement import judge
from tornado_websockets.auth.sessions import digest
from tornado_websockets.auth.watch import Watch, watch
from tornado_websockets.testing import Client, Server
from tornado_websockets.websocket import WebSocket

pytestmark = pytest.mark.django_db(transaction=True)

PERIOD_S = 0.3


@pytest.fixture
def often() -> Iterator[None]:
    """Check every `PERIOD_S`."""
    with override_settings(TORNADO={"recheck_period": PERIOD_S}):
        yield


@pytest.fixture
def never() -> Iterator[None]:
    """Check nothing by itself within a test."""
    with override_settings(TORNADO={"recheck_period": 1000}):
        yield


async def assert_ended(client: Client) -> None:
    assert await client.closed() == 4501
    assert client.connection.close_reason == "session ended"


@sync_to_async
def behind_our_back(change: Any) -> None:
    """Change the database as another process does, whose signals are not ours."""
    change()


def update(user: User, **fields: Any) -> Any:
    return lambda: User.objects.filter(pk=user.pk).update(**fields)


def delete_session(user: User) -> None:
    Session.objects.all()._raw_delete("default")


def delete_permissions(user: User) -> None:
    User.user_permissions.through.objects.all()._raw_delete("default")


def delete(user: User) -> None:
    delete_permissions(user)
    User.objects.filter(pk=user.pk)._raw_delete("default")


CHANGES = {
    "deactivated": lambda user: update(user, is_active=False)(),
    "password changed": lambda user: update(user, password="md5$x$y")(),
    "deleted": delete,
    "session deleted": delete_session,
    "session expired": lambda user: Session.objects.update(expire_date=timezone.now()),
    "permission removed": delete_permissions,
}


@pytest.mark.parametrize("change", list(CHANGES))
async def test_what_ends_elsewhere_is_noticed_within_the_period(
    change: str, often: None, server: Server
) -> None:
    ws = WebSocket("/mine", permission="auth.change_user")
    ann, browser = await visitor("ann")
    bob, others = await visitor("bob", is_superuser=True)
    await sync_to_async(may_change_users)(ann)
    with override_settings(SESSION_ENGINE="django.contrib.sessions.backends.db"):
        first = await server.connect("/mine", client=browser)
        second = await server.connect("/mine", client=browser)
        other = await server.connect("/mine", client=others)
    await behind_our_back(lambda: CHANGES[change](ann))
    start = time.monotonic()
    await assert_ended(first)
    await assert_ended(second)
    assert time.monotonic() - start < PERIOD_S + 5  # the machine may stand still meanwhile
    with pytest.raises(HTTPClientError):
        await server.connect("/mine", client=browser)
    if change.startswith("session"):
        await assert_ended(other)
    else:
        assert len(ws) == 1
        assert ws[0].user == bob


@pytest.mark.parametrize("name", ENGINES)
async def test_the_end_of_a_user_is_noticed_with_any_engine(
    name: str, often: None, server: Server, tmp_path: Path
) -> None:
    WebSocket("/mine", login_required=True)
    with engine(name, tmp_path):
        ann, browser = await visitor()
        client = await server.connect("/mine", client=browser)
        await behind_our_back(update(ann, is_active=False))
        await assert_ended(client)


@pytest.mark.parametrize("name", ["cached_db", "cache", "file"])
async def test_a_session_that_another_process_flushes_is_noticed_with_any_engine_that_keeps_it(
    name: str, often: None, server: Server, tmp_path: Path
) -> None:
    WebSocket("/mine", login_required=True)
    with engine(name, tmp_path):
        _ann, browser = await visitor()
        client = await server.connect("/mine", client=browser)
        await sync_to_async(lambda: browser.session.flush())()
        await assert_ended(client)


@pytest.mark.parametrize("name", ENGINES)
async def test_a_logout_in_this_process_ends_the_session_at_once(
    name: str, never: None, server: Server, tmp_path: Path
) -> None:
    ws = WebSocket("/mine", login_required=True)
    with engine(name, tmp_path):
        ann, browser = await visitor("ann")
        elsewhere = await sync_to_async(logged_in)(ann)
        client = await server.connect("/mine", client=browser)
        if name != "signed_cookies":  # made in one second, two are the same
            await server.connect("/mine", client=elsewhere)
        await sync_to_async(browser.logout)()
        await assert_ended(client)
        with pytest.raises(HTTPClientError):
            await server.connect("/mine", client=browser)
    assert len(ws) == (name != "signed_cookies")  # the other browser is still logged in


async def test_who_asked_for_the_user_later_is_watched_as_well(never: None, server: Server) -> None:
    ws = WebSocket("/later")

    @ws.on
    def ask(socket: Any) -> None:
        socket.emit("user", socket.user.get_username())

    _ann, browser = await visitor("ann")
    asked, quiet = [await server.connect("/later", client=browser) for _ in range(2)]
    asked.emit("ask")
    await asked.receive()
    await until_watched(1)
    await sync_to_async(browser.logout)()
    await assert_ended(asked)
    async with asyncio.timeout(10):
        while len(ws) > 1:  # nobody knows who the other is
            await asyncio.sleep(0.01)
    quiet.emit("ask")
    assert await quiet.receive() == ("user", {"message": ""})


async def test_nobody_is_not_watched(never: None, server: Server) -> None:
    ws = WebSocket("/open")
    await server.connect("/open", Origin=f"http://{server.host}")
    assert isinstance(await ws[0].auser(), AnonymousUser)
    assert len(watch) == 0


async def test_a_connection_that_has_gone_is_forgotten(never: None, server: Server) -> None:
    WebSocket("/mine", login_required=True)
    ann, browser = await visitor()
    clients = [await server.connect("/mine", client=browser) for _ in range(3)]
    assert len(watch) == 3
    await clients[0].close()
    clients[1].connection.protocol.stream.close()  # type: ignore[union-attr]
    await until_watched(1)
    assert watch.has_user(str(ann.pk))
    await clients[2].close()
    await until_watched(0)
    assert not watch.has_user(str(ann.pk))
    assert not watch.has_session(digest(browser.session.session_key or ""))


async def test_all_sessions_users_and_permissions_take_one_query_each(
    never: None, server: Server
) -> None:
    for number in range(3):
        WebSocket(f"/{number}", permission="auth.change_user")
    WebSocket("/login", login_required=True)
    for number in range(5):
        user, browser = await visitor(f"user{number}")
        await sync_to_async(may_change_users)(user)
        for path in ("/0", "/1", "/2", "/login"):
            await server.connect(path, client=browser)
    assert len(watch) == 20

    @sync_to_async
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            verdicts = judge(list(watch))
        assert all(verdict.user is not None and verdict.answer for verdict in verdicts)
        return len(queries)

    assert await count() == 3


async def test_the_user_of_a_connection_becomes_what_it_is_in_the_database(
    often: None, server: Server
) -> None:
    ws = WebSocket("/mine", login_required=True)
    ann, browser = await visitor("ann")
    await server.connect("/mine", client=browser)
    assert not ws[0].user.is_staff
    await behind_our_back(update(ann, is_staff=True))
    async with asyncio.timeout(10):
        while not ws[0].user.is_staff:
            await asyncio.sleep(0.01)


async def test_without_a_database_connections_stay_and_it_is_logged_once(
    often: None, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    ws = WebSocket("/mine", login_required=True)
    with override_settings(SESSION_ENGINE=flaky_engine.__name__):
        ann, browser = await visitor()
        client = await server.connect("/mine", client=browser)
        before = watch.failures
        flaky_engine.is_down.set()
        try:
            async with asyncio.timeout(10):
                while watch.failures < before + 3:
                    await asyncio.sleep(0.01)
        finally:
            flaky_engine.is_down.clear()
        assert len(ws) == 1
        await behind_our_back(update(ann, is_active=False))
        await assert_ended(client)
    lines = [r.getMessage() for r in caplog.records if r.name == "tornado_websockets.security"]
    assert lines == [
        "sessions cannot be checked; their connections stay",
        "sessions can be checked again",
    ]


async def test_a_permission_function_is_asked_again_and_its_failures_close_nothing(
    often: None, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    allowed = {"thread", "loop", "broken"}
    asked = asyncio.Event()

    def thread(user: Any, request: Any) -> bool:
        return "thread" in allowed

    async def loop(user: Any, request: Any) -> bool:
        return "loop" in allowed

    def broken(user: Any, request: Any) -> bool:
        if "broken" in allowed:
            return True
        server_loop.call_soon_threadsafe(asked.set)
        raise ValueError("broken")

    server_loop = asyncio.get_running_loop()
    _ann, browser = await visitor()
    clients = {}
    for function in (thread, loop, broken):
        WebSocket("/" + function.__name__, permission=function)
        clients[function.__name__] = await server.connect("/" + function.__name__, client=browser)
    allowed.clear()
    await assert_ended(clients["thread"])
    await assert_ended(clients["loop"])
    await asyncio.wait_for(asked.wait(), 10)
    await until_watched(1)
    assert "the permission of /broken cannot be told" in caplog.text


async def test_after_the_end_nothing_that_the_client_sends_is_handled(
    never: None, server: Server
) -> None:
    ws = WebSocket("/mine", login_required=True)
    handled: list[int] = []

    @ws.on
    async def message(data: Any) -> None:
        handled.append(data.n)

    _ann, browser = await visitor()
    cookie = browser.cookies.output(attrs=[], header="", sep=";").strip()
    headers: Any = {"Cookie": cookie, "Origin": f"http://{server.host}"}
    client: RawClient
    async with connect(server.port, "/mine", tls=False, **headers) as client:
        await until_watched(1)
        await sync_to_async(browser.logout)()
        assert (await client.receive()).code == 4501
        with suppress(OSError):
            for n in range(10):
                client.send(text(f'{{"event": "message", "data": {{"n": {n}}}}}'))
                await asyncio.sleep(0)
            client.send(close(4501))
        await client.cut()
    assert handled == []


async def test_a_session_that_ends_during_its_handshake_opens_nothing_that_stays(
    never: None, server: Server
) -> None:
    """The user was there when the handshake asked, and is gone when it is answered."""
    _ann, browser = await visitor()
    key = browser.session.session_key
    assert key is not None

    async def logs_out(user: Any, request: Any) -> bool:
        watch.end(digest(key))
        return True

    WebSocket("/race", permission=logs_out)
    client = await server.connect("/race", client=browser)
    await assert_ended(client)


async def test_a_watch_of_an_older_event_loop_begins_anew() -> None:
    of_before = Watch()
    of_before._loop = asyncio.new_event_loop()
    of_before._loop.close()
    of_before._ended["key"] = 0.0
    of_before.end("other")
    assert list(of_before._ended) == ["other"]

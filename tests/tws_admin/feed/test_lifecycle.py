"""The log of what happens, filled by a real server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.tornado_websockets.visitors import visitor
from tests.tws_admin.operators import until
from tornado_websockets.modules import ProgressBar
from tornado_websockets.testing import Server
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin.feed.lifecycle import Lifecycle, name_of
from tws_admin.feed.state import LOG_SIZE


@pytest.fixture
def lifecycle() -> Iterator[Lifecycle]:
    lifecycle = Lifecycle()
    lifecycle.connect()
    yield lifecycle
    lifecycle.disconnect()


class Book:
    """All that was ever in a log."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        self.events: list[dict[str, Any]] = []

    @property
    def kinds(self) -> list[str]:
        self.events += self._lifecycle.take()[0]
        return [event["kind"] for event in self.events]

    async def wait_for(self, kind: str) -> dict[str, Any]:
        await until(lambda: kind in self.kinds)
        return next(event for event in self.events if event["kind"] == kind)


@pytest.fixture
def book(lifecycle: Lifecycle) -> Book:
    return Book(lifecycle)


async def test_connections_come_and_go(server: Server, book: Book) -> None:
    WebSocket("/chat")
    client = await server.connect("/chat")
    opened = await book.wait_for("connection_opened")
    await client.close(4000, "b" * 100)
    closed = await book.wait_for("connection_closed")
    assert [event["n"] for event in book.events] == [1, 2, 3]
    assert book.kinds[0] == "path_registered"
    assert opened.keys() == {"n", "time", "kind", "path", "id", "user", "ip"}
    assert (opened["path"], opened["user"], opened["ip"]) == ("/chat", None, "127.0.0.1")
    assert closed.keys() == {*opened, "code", "reason", "duration_s"}
    assert (closed["id"], closed["code"], closed["reason"]) == (opened["id"], 4000, "b" * 100)
    assert 0 <= closed["duration_s"] < 10


async def test_the_peak_is_seen_however_short_it_was(server: Server, lifecycle: Lifecycle) -> None:
    WebSocket("/a")
    WebSocket("/b")
    for client in [await server.connect(path) for path in ("/a", "/a", "/b")]:
        await client.close()
    await server.connect("/a")
    assert lifecycle.peak == 3


async def test_refused_handshakes_have_their_reason(server: Server, book: Book) -> None:
    WebSocket("/chat")
    with pytest.raises(Exception, match="403"):
        await server.connect("/chat", Origin="http://evil.example")
    rejected = await book.wait_for("connection_rejected")
    assert (rejected["path"], rejected["ip"]) == ("/chat", "127.0.0.1")
    assert rejected["reason"] == "origin"


async def test_mistakes_of_callbacks_and_of_clients(
    server: Server, book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    """Which callback, and the class of its exception; never what it or the client said."""
    chat = WebSocket("/chat")

    @chat.on
    async def say(socket: WebSocketHandler, data: Any) -> None:
        raise LookupError(data.secret)

    client = await server.connect("/chat")
    client.emit("say", {"secret": "canary"})
    failed = await book.wait_for("callback_failed")
    client.send("no JSON: canary")
    await until(lambda: book.kinds.count("warning") == 2)
    assert (failed["event"], failed["error"]) == ("say", "LookupError")
    codes = [event["code"] for event in book.events if event["kind"] == "warning"]
    assert codes == ["handler_error", "invalid_json"]
    assert "canary" not in str(book.events)


@pytest.mark.django_db(transaction=True)
async def test_a_user_that_is_known_is_named(server: Server, book: Book) -> None:
    WebSocket("/private", login_required=True)
    _user, browser = await visitor("ann")
    await server.connect("/private", client=browser)
    assert (await book.wait_for("connection_opened"))["user"] == "ann"


@pytest.mark.django_db(transaction=True)
async def test_a_user_that_nobody_has_asked_for_is_not_looked_up(
    server: Server, book: Book
) -> None:
    WebSocket("/public")
    _user, browser = await visitor("ann")
    await server.connect("/public", client=browser)
    opened = await book.wait_for("connection_opened")
    assert opened["user"] is None


async def test_paths_that_watch_others_are_left_out(server: Server, book: Book) -> None:
    quiet = WebSocket("/quiet", monitored=False, login_required=True)
    watched = WebSocket("/watch", monitored=False)
    bar = watched.bind(ProgressBar("work", max=1))

    @watched.on
    async def fail() -> None:
        raise ValueError

    with pytest.raises(Exception, match="403"):
        await server.connect(quiet.path)
    client = await server.connect(watched.path)
    client.emit("fail")
    client.send("{")
    await until(lambda: watched.stats.warnings.total == 2)
    bar.reset()
    bar.tick()
    await client.close()
    assert book.kinds == []
    assert book._lifecycle.peak == 0


async def test_progress_is_told_from_any_thread(server: Server, book: Book) -> None:
    """Its start and its end, and not each step."""
    bar = WebSocket("/work").bind(ProgressBar("upload", max=3))

    def work() -> None:
        bar.reset()
        for number in range(3):
            bar.tick(f"part {number}")

    await asyncio.to_thread(work)
    assert book.kinds == ["path_registered", "progress_started", "progress_done"]
    done = book.events[-1]
    assert (done["path"], done["name"], done["label"]) == ("/work", "upload", "part 2")
    pace = book._lifecycle.paces[bar]
    assert pace.started <= pace.updated


async def test_steps_of_a_bar_that_began_earlier_are_noticed(
    server: Server, lifecycle: Lifecycle
) -> None:
    bar = WebSocket("/work").bind(ProgressBar("upload"))
    bar.tick()
    assert bar in lifecycle.paces


def test_texts_are_cut(lifecycle: Lifecycle) -> None:
    lifecycle.log("action", "/chat", what="x" * 1000, count=3)
    [event], _count = lifecycle.take()
    assert event["what"] == "x" * 200
    assert event["count"] == 3


def test_a_flood_is_bounded_and_counted(lifecycle: Lifecycle) -> None:
    for _ in range(LOG_SIZE + 10):
        lifecycle.log("warning")
    events, count = lifecycle.take()
    assert (len(events), count) == (LOG_SIZE, LOG_SIZE + 10)
    assert events[-1]["n"] == count
    assert lifecycle.take() == ([], count)


def test_threads_do_not_share_a_number(lifecycle: Lifecycle) -> None:
    def write() -> None:
        for _ in range(100):
            lifecycle.log("action")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events, count = lifecycle.take()
    assert [event["n"] for event in events] == list(range(1, count + 1))
    assert count == 400


async def test_after_the_end_nothing_is_received(server: Server, lifecycle: Lifecycle) -> None:
    lifecycle.disconnect()
    WebSocket("/chat")
    await server.connect("/chat")
    assert lifecycle.take() == ([], 0)


def test_nobody_has_no_name() -> None:
    assert name_of(None) is None

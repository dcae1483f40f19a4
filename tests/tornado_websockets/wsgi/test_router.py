"""Starting and stopping the threads."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.tornado_websockets.wsgi.serving import (
    Complaints,
    Environ,
    Serve,
    eventually,
    ok,
    read_all,
    read_until,
)
from tornado_websockets.wsgi import DjangoRouter

GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def pool_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("django")]


def test_a_new_router_has_no_threads() -> None:
    """It is made in a settings module."""
    before = pool_threads()
    DjangoRouter().stop()
    assert pool_threads() == before


def test_stopping_joins_the_threads(serve: Serve) -> None:
    """Once and again."""
    before = pool_threads()
    server = serve(ok())
    server.get()
    assert len(pool_threads()) > len(before)
    server.router.stop()
    assert pool_threads() == before
    server.router.stop()
    assert server.get()[0].status == 503


def test_a_router_starts_once(serve: Serve) -> None:
    """Until it is stopped."""
    server = serve(ok(b"one"))
    with pytest.raises(RuntimeError, match="started already"):
        server.router.start(ok(), threads=1, max_body_size=None)
    server.router.stop()
    server.router.start(ok(b"two"), threads=1, max_body_size=None)
    assert server.get()[1] == b"two"


def test_there_must_be_threads() -> None:
    """At least one."""
    router = DjangoRouter()
    with pytest.raises(ValueError, match="max_workers"):
        router.start(ok(), threads=0, max_body_size=None)


class Waiting:
    """An application that waits for a word before it answers, or between two events."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.release = threading.Event()
        self.closed = threading.Event()

    def answer(self, environ: Environ, start_response: Any) -> list[bytes]:
        self.begun.set()
        assert self.release.wait(10)
        start_response("200 OK", [])
        return [b"done"]

    def stream(self, environ: Environ, start_response: Any) -> Any:
        start_response("200 OK", [])
        try:
            while True:
                yield b"event"
                assert self.release.wait(10)
                yield b"x" * 65536
        finally:
            self.closed.set()


def test_running_requests_finish(serve: Serve) -> None:
    """While the router stops."""
    waiting = Waiting()
    server = serve(waiting.answer)
    with server.raw(GET) as client:
        assert waiting.begun.wait(5)
        stopping = threading.Thread(target=server.router.stop)
        stopping.start()
        eventually(lambda: server.get()[0].status == 503, "the stop")
        assert stopping.is_alive()
        waiting.release.set()
        stopping.join(5)
        assert read_all(client).endswith(b"\r\n\r\ndone")
    assert not stopping.is_alive()


def test_a_stream_without_an_end_is_cut(serve: Serve, complaints: Complaints) -> None:
    """After the grace, and its client is told by the closing of the connection."""
    waiting = Waiting()
    server = serve(waiting.stream)
    with server.raw(GET) as client:
        read_until(client, b"event\r\n")
        waiting.release.set()
        server.router.stop(grace_s=0.1)
        assert waiting.closed.is_set()
        assert not read_all(client).endswith(b"0\r\n\r\n")
    assert complaints() == []


def test_an_upload_that_does_not_come_is_cut(serve: Serve) -> None:
    """The view that reads it gets an error."""
    errors = []

    def application(environ: Environ, start_response: Any) -> list[bytes]:
        try:
            environ["wsgi.input"].read()
        except OSError as error:
            errors.append(error)
        start_response("400 Bad Request", [])
        return []

    server = serve(application)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n"
    with server.raw(head + bytes(70_000)) as client:
        eventually(lambda: server.running() == 1, "the request")
        server.router.stop(grace_s=0.1)
        assert len(errors) == 1
        read_until(client, b"\r\n\r\n")


def test_a_view_that_ends_while_the_event_loop_stops_is_answered(serve: Serve) -> None:
    """What it gave is sent as soon as the loop goes on."""
    waiting = Waiting()
    server = serve(waiting.answer)
    with server.raw(GET) as client:
        assert waiting.begun.wait(5)

        async def stop() -> None:
            release = threading.Timer(0.1, waiting.release.set)
            release.start()
            server.router.stop()
            assert waiting.release.is_set()

        server.run(stop())
        assert read_all(client).endswith(b"\r\n\r\ndone")


def test_stopping_on_the_event_loop_does_not_block_it_for_ever(serve: Serve) -> None:
    """There nothing can be sent meanwhile, so streams are cut at once."""
    waiting = Waiting()
    server = serve(waiting.stream)
    with server.raw(GET) as client:
        read_until(client, b"event\r\n")
        waiting.release.set()

        async def stop() -> None:
            server.router.stop()

        server.run(stop())
        assert waiting.closed.is_set()
        read_all(client)

"""Responses that take their time: streams, slow clients, clients that leave."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.tornado_websockets.wsgi.serving import (
    Complaints,
    Environ,
    Serve,
    eventually,
    read_past,
    read_until,
)
from tornado_websockets.wsgi import output as output_module

MIB = 1024 * 1024
GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


class Stream:
    """An application whose body is an endless stream, or one of so many blocks."""

    def __init__(self, block: bytes = b"x" * 65536, *, blocks: int = 10**9) -> None:
        self.block = block
        self.blocks = blocks
        self.given = 0
        self.closed = threading.Event()
        self.pause: threading.Event | None = None
        self.thread = 0

    def __call__(self, environ: Environ, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        return self.generate()

    def generate(self) -> Iterator[bytes]:
        self.thread = threading.get_ident()
        try:
            while self.given < self.blocks:
                self.given += 1
                yield self.block
                if self.pause is not None:
                    assert self.pause.wait(10)
        finally:
            assert threading.get_ident() == self.thread
            self.closed.set()

    def settled(self) -> bool:
        """Tell whether no more blocks are asked for."""
        before = self.given
        time.sleep(0.2)
        return before == self.given


def test_each_block_is_sent_as_it_comes(serve: Serve) -> None:
    """Server-sent events: the first arrives although there is no second yet."""
    stream = Stream(b"data: 1\n\n", blocks=2)
    stream.pause = threading.Event()
    with serve(stream).raw(GET) as client:
        client.settimeout(6)  # of 10 until the second block
        read_until(client, b"9\r\ndata: 1\n\n\r\n")
        stream.pause.set()
        read_until(client, b"9\r\ndata: 1\n\n\r\n0\r\n\r\n")


def test_the_end_is_sent_as_it_comes(serve: Serve) -> None:
    """When everything before it has been sent long ago."""
    stream = Stream(b"only", blocks=1)
    stream.pause = threading.Event()
    with serve(stream).raw(GET) as client:
        read_until(client, b"4\r\nonly\r\n")
        stream.pause.set()
        assert client.recv(100) == b"0\r\n\r\n"


def test_the_application_waits_for_a_slow_client(serve: Serve) -> None:
    """The server holds about 1 MiB; nothing is lost."""
    stream = Stream(blocks=1024)
    server = serve(stream)
    with server.connection() as client:
        client.request("GET", "/")
        response = client.getresponse()
        eventually(lambda: stream.given > 16 and stream.settled(), "a pause")
        # What the kernel holds on both sides is several MiB.
        assert stream.given < 512
        assert sum(len(data) for data in iter(lambda: response.read(MIB), b"")) == 64 * MIB
    assert stream.closed.wait(5)


def test_a_large_block_is_sent_in_pieces(serve: Serve) -> None:
    """And arrives as it was."""
    block = bytes(range(256)) * 32_768
    stream = Stream(block, blocks=2)
    assert serve(stream).get()[1] == block * 2


def test_a_large_response_needs_its_thread_only_to_be_made(serve: Serve) -> None:
    """A slow client of a whole response leaves the only thread to others."""
    block = b"x" * (32 * MIB)

    def application(environ: Environ, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [block if environ["PATH_INFO"] == "/large" else b"small"]

    server = serve(application, threads=1)
    with server.connection() as slow:
        slow.request("GET", "/large")
        assert server.get("/small")[1] == b"small"
        assert slow.getresponse().read() == block


@pytest.mark.parametrize("pausing", [False, True])
def test_the_stream_is_closed_when_the_client_goes_away(
    serve: Serve, complaints: Complaints, access_log: Complaints, pausing: bool
) -> None:
    """On its own thread, which is free again, and without a traceback."""
    stream = Stream(b"x" * 1000)
    stream.pause = threading.Event() if pausing else None
    server = serve(stream, threads=1)
    with server.raw(GET) as client:
        read_past(client, b"xxx")
    if stream.pause is not None:
        stream.pause.set()
    assert stream.closed.wait(5)
    assert complaints() == []
    eventually(access_log, "the line of the access log")
    assert access_log()[0].getMessage().startswith('"GET / HTTP/1.1" 200 ')


def test_a_failure_of_the_application_is_logged_although_the_client_has_gone(
    serve: Serve, complaints: Complaints
) -> None:
    """It failed by itself."""

    class Failing(Stream):
        def generate(self) -> Iterator[bytes]:
            try:
                yield from super().generate()
            finally:
                raise ValueError

    with serve(Failing(b"x" * 1000)).raw(GET) as client:
        read_past(client, b"xxx")
    eventually(complaints, "the log entry")
    assert complaints()[0].exc_info


def test_a_waiting_stream_is_closed_when_the_client_goes_away(
    serve: Serve, complaints: Complaints
) -> None:
    """Although the client had not read what was sent."""
    stream = Stream()
    with serve(stream).raw(GET):
        eventually(lambda: stream.given > 16 and stream.settled(), "a pause")
        assert not stream.closed.is_set()
    assert stream.closed.wait(5)
    assert complaints() == []


def test_a_client_that_does_not_read_is_given_up(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, complaints: Complaints
) -> None:
    """It does not keep a thread for ever; its connection closes."""
    monkeypatch.setattr(output_module, "STALL_S", 0.1)
    stream = Stream()
    with serve(stream).raw(GET) as client:
        assert stream.closed.wait(5)
        with contextlib.suppress(ConnectionResetError):
            while client.recv(MIB):
                pass
    assert complaints() == []


def test_a_slow_client_is_not_given_up(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as it reads something now and then."""
    monkeypatch.setattr(output_module, "STALL_S", 2.0)
    stream = Stream(blocks=480)
    started = time.monotonic()
    with serve(stream).raw(GET) as client:
        received = 0
        while data := client.recv(65536):
            received += len(data)
            if not stream.closed.is_set():
                time.sleep(0.01)  # what is slow about this client
    assert time.monotonic() - started > output_module.STALL_S
    assert received > 480 * 65536
    assert stream.given == 480


def test_a_client_that_vanishes_in_the_middle_of_its_upload_closes_the_stream(
    serve: Serve, complaints: Complaints
) -> None:
    """The server reads nothing of the upload then, and finds out when it writes."""
    stream = Stream()
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n"
    with serve(stream).raw(head + bytes(MIB)) as client:
        read_past(client, b"xxx")
    assert stream.closed.wait(5)
    assert complaints() == []


def test_a_response_may_outlive_the_event_loop(serve: Serve, complaints: Complaints) -> None:
    """The server has stopped when the view is done: nobody to tell, nothing to complain of."""
    stream = Stream(b"x" * 1000)
    stream.pause = threading.Event()
    server = serve(stream)
    with server.raw(GET) as client:
        read_past(client, b"xxx")
        server.halt()
        stream.pause.set()
        assert stream.closed.wait(5)
    assert complaints() == []

"""Request bodies on their way to the application."""

from __future__ import annotations

import contextlib
import hashlib
import json
import select
import socket
import struct
import threading
from typing import Any

import pytest

from tests.tornado_websockets.wsgi.serving import (
    Environ,
    Serve,
    eventually,
    read_all,
    read_until,
)
from tornado_websockets.wsgi import body as body_module

MIB = 1024 * 1024
PATTERN = bytes(range(251)) * 4178 + b"end"  # about 1 MiB, repeating at no power of two


def digest(environ: Environ, start_response: Any) -> list[bytes]:
    """Answer with the length and the digest of the body, read as Django reads it."""
    left = int(environ["CONTENT_LENGTH"])
    found = hashlib.sha256()
    while left:
        data = environ["wsgi.input"].read(min(left, 10_007))
        assert data
        left -= len(data)
        found.update(data)
    answer = {"length": environ["CONTENT_LENGTH"], "digest": found.hexdigest()}
    start_response("200 OK", [])
    return [json.dumps(answer).encode()]


def expected(data: bytes) -> dict[str, str]:
    return {"length": str(len(data)), "digest": hashlib.sha256(data).hexdigest()}


def post(length: int) -> bytes:
    return b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % length


def reset(client: socket.socket) -> None:
    """Close as a client does that vanishes."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 65_536 * 3, len(PATTERN)])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_arrives_whole(serve: Serve, size: int, chunked: bool) -> None:
    """With its length, whether that was announced or not."""
    data = PATTERN[-size:] if size else b""
    sent: Any = [data[i : i + 30_011] for i in range(0, size, 30_011)] if chunked else data
    headers = {} if chunked else {"Content-Length": str(size)}
    _, answer = serve(digest).request("POST", "/", sent, headers, encode_chunked=chunked)
    assert json.loads(answer) == expected(data)


def test_a_long_body_of_unknown_length_goes_through_a_file(serve: Serve) -> None:
    """It need not fit into memory."""
    data = PATTERN * 5
    parts = [data[i : i + MIB] for i in range(0, len(data), MIB)]
    _, answer = serve(digest).request("POST", "/", parts, encode_chunked=True)
    assert json.loads(answer) == expected(data)


def test_repeated_equal_lengths_are_one(serve: Serve) -> None:
    """RFC 9110 section 8.6."""
    lengths = b"Content-Length: 70000, 70000\r\nConnection: close\r\n\r\n"
    answer = serve(digest).talk(b"POST / HTTP/1.1\r\nHost: a\r\n" + lengths + b"x" * 70_000)
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == expected(b"x" * 70_000)


@pytest.mark.parametrize("length", [b"five", b"-1", b"9" * 5000, b"1,2", b"\xb2", b""])
def test_an_impossible_length_is_refused_by_tornado(serve: Serve, length: bytes) -> None:
    """And the application never hears of it."""
    answer = serve(digest).talk(
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + length + b"\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_a_slow_sender_of_a_short_body_occupies_no_thread(serve: Serve) -> None:
    """The only thread serves somebody else meanwhile."""
    server = serve(digest, threads=1)
    with server.raw(post(10) + b"12345") as slow:
        assert server.request("POST", "/", b"x")[0].status == 200
        slow.sendall(b"67890")
        assert read_all(slow).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_long_body_is_read_while_it_arrives(serve: Serve) -> None:
    """Lines and all."""
    begun = threading.Event()

    def application(environ: Environ, start_response: Any) -> list[bytes]:
        stream = environ["wsgi.input"]
        lines = [stream.readline(), stream.read(3)]
        begun.set()
        lines.append(stream.readline())
        rest = stream.readlines()
        start_response("200 OK", [])
        return [*lines, b"%d" % len(rest), stream.read()]

    start = b"one\ntwo" + b"." * 66_000
    with serve(application).raw(post(70_000) + start) as client:
        assert begun.wait(5)
        client.sendall(b"\nz".ljust(70_000 - len(start), b"z"))
        answer = read_all(client)
    assert answer.partition(b"\r\n\r\n")[2] == b"one\ntwo" + b"." * 66_000 + b"\n1"


def test_a_client_that_sends_faster_than_the_application_reads_has_to_wait(serve: Serve) -> None:
    """The server holds no more than a little; nothing is lost."""
    go_on = threading.Event()

    def application(environ: Environ, start_response: Any) -> Any:
        assert go_on.wait(10)
        return digest(environ, start_response)

    data = PATTERN * 64
    with serve(application).raw(post(len(data))) as client:
        client.setblocking(False)
        sent = 0
        while select.select([], [client], [], 0.5)[1]:
            sent += client.send(data[sent : sent + MIB])
        # What the kernel holds on both sides is several MiB.
        assert 64 * 1024 < sent < 32 * MIB
        client.settimeout(10)
        go_on.set()
        client.sendall(data[sent:])
        answer = read_all(client)
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == expected(data)


class Reader:
    """An application that reads a whole body and keeps the error it meets."""

    def __init__(self) -> None:
        self.reading = threading.Event()
        self.finished = threading.Event()
        self.error: BaseException | None = None

    def __call__(self, environ: Environ, start_response: Any) -> list[bytes]:
        self.reading.set()
        try:
            environ["wsgi.input"].read()
        except OSError as error:
            self.error = error
        finally:
            self.finished.set()
        start_response("400 Bad Request", [])
        return [b"unreadable"]


def test_an_application_that_lets_the_error_pass_is_not_to_blame(
    serve: Serve, complaints: Any
) -> None:
    """No traceback when all that happened is that the client went away."""
    called = threading.Event()

    def application(environ: Environ, start_response: Any) -> Any:
        called.set()
        environ["wsgi.input"].read()

    server = serve(application, threads=1)
    with server.raw(post(MIB) + b"x" * 100_000):
        assert called.wait(5)
    eventually(lambda: server.running() == 0, "the end of the request")
    assert complaints() == []


@pytest.mark.parametrize("abruptly", [False, True])
def test_reading_fails_when_the_client_goes_away(
    serve: Serve, complaints: Any, abruptly: bool
) -> None:
    """With an OSError, which Django turns into UnreadablePostError."""
    reader = Reader()
    with serve(reader).raw(post(MIB) + b"x" * 100_000) as client:
        assert reader.reading.wait(5)
        if abruptly:
            reset(client)
    assert reader.finished.wait(5)
    assert isinstance(reader.error, ConnectionResetError)
    assert complaints() == []


def test_reading_fails_when_nothing_comes(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent client does not keep a thread for ever; it is answered."""
    monkeypatch.setattr(body_module, "STALL_S", 0.1)
    reader = Reader()
    with serve(reader).raw(post(MIB) + b"x" * 100_000) as client:
        read_until(client, b"unreadable")
    assert isinstance(reader.error, TimeoutError)


@pytest.mark.parametrize(
    "request_start",
    [
        post(10) + b"12345",
        post(MIB) + b"12345",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
    ],
)
def test_a_request_that_never_ends_never_starts(
    serve: Serve, access_log: Any, request_start: bytes
) -> None:
    """When the client leaves before the application was called, nobody hears of it."""
    reader = Reader()
    server = serve(reader)
    with server.raw(request_start):
        assert server.get()[0].status == 400
        reader.reading.clear()
    with contextlib.suppress(ConnectionError):
        server.get()
    eventually(lambda: len(access_log()) == 2, "the two other requests")


def test_the_application_may_close_its_input(serve: Serve) -> None:
    """The rest is thrown away."""

    def application(environ: Environ, start_response: Any) -> list[bytes]:
        environ["wsgi.input"].close()
        start_response("200 OK", [])
        return [b"ok"]

    assert serve(application).request("POST", "/", PATTERN)[1] == b"ok"

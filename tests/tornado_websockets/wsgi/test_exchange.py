"""A request and its response on one connection: sizes, refusals, keep-alive."""

from __future__ import annotations

import http.client
import socket
import threading
from typing import Any

import pytest

from tests.tornado_websockets.wsgi.serving import (
    Complaints,
    Environ,
    Serve,
    Server,
    eventually,
    ok,
    read_all,
    read_until,
)
from tornado_websockets.wsgi import DjangoRouter
from tornado_websockets.wsgi import exchange as exchange_module

MIB = 1024 * 1024
TOO_LARGE = b"413 Content Too Large: this server takes up to %d bytes in one request.\n"
NOT_SERVING = b"503 Service Unavailable: Django is not started here, or is stopping.\n"


def echo(environ: Environ, start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [environ["PATH_INFO"].encode() + environ["wsgi.input"].read()]


def deaf(environ: Environ, start_response: Any) -> list[bytes]:
    """Answer without reading the request body."""
    start_response("200 OK", [])
    return [b"ok"]


def deaf_stream(environ: Environ, start_response: Any) -> Any:
    start_response("200 OK", [])
    yield from (b"o", b"k")


def test_a_connection_carries_several_requests(serve: Serve) -> None:
    """One after the other."""
    with serve(echo).connection() as client:
        client.connect()
        connected = client.sock
        for number in range(5):
            client.request("POST", f"/{number}", b"x" * number)
            assert client.getresponse().read() == b"/%d" % number + b"x" * number
            assert client.sock is connected


def test_requests_that_were_sent_ahead_are_answered_in_order(serve: Serve) -> None:
    """Pipelining."""
    request = b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n%s\r\n--"
    many = b"".join(request % (n, b"Connection: close\r\n" if n == 9 else b"") for n in range(10))
    answer = serve(echo).talk(many)
    assert [part[-4:] for part in answer.split(b"HTTP/1.1 200 OK\r\n")[1:]] == [
        b"/%d--" % n for n in range(10)
    ]


def test_upgrades_and_unknown_methods_go_to_the_application(serve: Serve) -> None:
    """They are nothing special."""
    server = serve(echo)
    headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
    assert server.request("GET", "/ws", headers=headers)[1] == b"/ws"
    assert server.request("BREW", "/pot")[1] == b"/pot"


def test_a_body_of_the_largest_size_is_taken(serve: Serve) -> None:
    """The limit is inclusive, announced or not."""
    server = serve(echo, max_body_size=100_000)
    assert len(server.request("POST", "/", b"x" * 100_000)[1]) == 100_001
    parts = [b"x" * 50_000] * 2
    assert len(server.request("POST", "/", parts, encode_chunked=True)[1]) == 100_001


def test_any_size_is_taken_without_a_limit(serve: Serve) -> None:
    """Also more than Tornado takes by itself, 100 MiB."""
    head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    with serve(deaf).raw(head % (110 * MIB)) as client:
        for _ in range(110):
            client.sendall(bytes(MIB))
        assert read_all(client).endswith(b"\r\n\r\nok")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_too_large_is_answered_not_reset(serve: Serve, chunked: bool) -> None:
    """A client that first sends everything reads the whole answer, every time."""
    server = serve(echo, max_body_size=MIB)
    for _ in range(20):
        with server.connection() as client:
            body: Any = [bytes(MIB)] * 8 if chunked else bytes(8 * MIB)
            client.request("POST", "/", body, encode_chunked=chunked)
            response = client.getresponse()
            assert (response.status, response.read()) == (413, TOO_LARGE % MIB)
            assert response.headers["Connection"] == "close"
            assert client.sock is None


def test_a_body_too_large_is_answered_before_it_is_sent(
    serve: Serve, access_log: Complaints
) -> None:
    """The client need not wait for its own upload."""
    head = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n"
    with serve(echo, max_body_size=MIB).raw(head) as client:
        read_until(client, TOO_LARGE % MIB)
        client.sendall(bytes(5_000_000))
        assert client.recv(1) == b""
    expected = f'"POST /x HTTP/1.1" 413 {len(TOO_LARGE % MIB)} '
    assert access_log()[0].getMessage().startswith(expected)


@pytest.mark.parametrize("method", [b"POST", b"HEAD"])
def test_a_client_that_expects_100_is_refused_before_it_sends(serve: Serve, method: bytes) -> None:
    """No 100 comes first, and the connection closes."""
    head = b"%s / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\nExpect: 100-continue\r\n\r\n"
    answer = serve(echo, max_body_size=MIB).talk(head % method)
    assert answer.startswith(b"HTTP/1.1 413 Content Too Large\r\n")
    assert answer.endswith(b"\r\n\r\n" if method == b"HEAD" else TOO_LARGE % MIB)


def test_a_client_that_expects_100_gets_it(serve: Serve) -> None:
    """When its body is welcome."""
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    with serve(echo).raw(head) as client:
        assert b" 100 " in read_until(client, b"\r\n\r\n")
        client.sendall(b"ok")
        read_until(client, b"/ok")


@pytest.mark.parametrize("application", [deaf, deaf_stream])
def test_a_connection_stays_good_when_an_upload_was_not_read(
    serve: Serve, application: Any
) -> None:
    """The rest is thrown away, then the response ends."""
    with serve(application).connection() as client:
        client.connect()
        connected = client.sock
        for _ in range(3):
            client.request("POST", "/", bytes(8 * MIB))
            assert client.getresponse().read() == b"ok"
            assert client.sock is connected


def test_an_answered_client_may_stop_sending(serve: Serve, complaints: Complaints) -> None:
    """It closes in the middle of its upload, and nobody complains."""
    server = serve(deaf)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n"
    with server.raw(head + bytes(100_000)) as client:
        read_until(client, b"ok")
    assert server.get()[1] == b"ok"
    assert complaints() == []


@pytest.mark.parametrize("options", [{}, {"max_body_size": MIB}])
def test_an_answered_client_is_not_waited_for_for_ever(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, options: dict[str, int]
) -> None:
    """If the rest of its request does not come, the connection closes."""
    # Enough for what was sent to be read: closing before would reset the connection.
    monkeypatch.setattr(exchange_module, "LINGER_S", 1.0)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n"
    with serve(deaf, **options).raw(head + bytes(100_000)) as client:
        assert read_all(client).endswith((b"ok", TOO_LARGE % MIB))


def test_slow_views_leave_the_other_threads_alone(serve: Serve) -> None:
    """Twenty of them, and one thread more."""
    arrived = threading.Semaphore(0)
    release = threading.Event()

    def application(environ: Environ, start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/slow":
            arrived.release()
            assert release.wait(10)
        return echo(environ, start_response)

    server = serve(application, threads=21)
    clients = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(20)]
    try:
        for client in clients:
            client.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        for _ in clients:
            assert arrived.acquire(timeout=10)
        assert server.get("/quick")[1] == b"/quick"
        release.set()
        for client in clients:
            read_until(client, b"/slow")
    finally:
        release.set()
        for client in clients:
            client.close()


def test_requests_beyond_the_threads_wait(serve: Serve) -> None:
    """One at a time with one thread; those whose client has gone are not run."""
    called: list[str] = []
    release = threading.Event()

    def application(environ: Environ, start_response: Any) -> list[bytes]:
        called.append(environ["PATH_INFO"])
        assert release.wait(10)
        return echo(environ, start_response)

    server = serve(application, threads=1)
    with server.raw(b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n") as first:
        eventually(lambda: called, "the first request")
        with server.raw(b"GET /gone HTTP/1.1\r\nHost: a\r\n\r\n"):
            eventually(lambda: server.running() == 2, "the second request")
        # Answered on the loop, so the loop has seen by then that the second client left.
        refused = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n"
        assert b" 400 " in server.talk(refused)
        release.set()
        read_until(first, b"/first")
    assert server.get("/last")[1] == b"/last"
    assert called == ["/first", "/last"]


class TestUnstarted:
    """A router that does not serve."""

    @pytest.fixture
    def server(self) -> Any:
        server = Server(DjangoRouter())
        yield server
        server.close()

    def test_every_request_is_answered_with_503(self, server: Server) -> None:
        """In words."""
        with server.connection() as client:
            for method, body in (("GET", None), ("POST", bytes(MIB)), ("GET", None)):
                client.request(method, "/", body)
                response = client.getresponse()
                assert (response.status, response.read()) == (503, NOT_SERVING)

    def test_a_client_that_expects_100_is_answered_with_503(self, server: Server) -> None:
        """At once."""
        head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
        assert server.talk(head).endswith(NOT_SERVING)


def test_a_router_that_is_stopping_takes_no_request_that_it_has_not_begun(serve: Serve) -> None:
    """Although its beginning has arrived."""
    server = serve(echo)
    with server.raw(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab") as client:
        assert server.get()[0].status == http.client.OK
        server.router.stop()
        client.sendall(b"cd")
        read_until(client, NOT_SERVING)


def test_the_router_serves_without_an_application(serve: Serve) -> None:
    """As the only delegate of an HTTPServer it works too."""
    server = serve(ok(b"alone"), bare=True)
    assert server.get()[1] == b"alone"

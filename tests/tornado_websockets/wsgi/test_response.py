"""One call of the application, as its client sees it."""

from __future__ import annotations

import http.client
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.tornado_websockets.wsgi.serving import (
    Complaints,
    Environ,
    Serve,
    eventually,
    ok,
    read_until,
)

KEEP_ALIVE = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"


class Body:
    """A response body that notes in which threads it is used."""

    def __init__(self, *chunks: bytes, error: type[BaseException] | None = None) -> None:
        self.chunks = chunks
        self.error = error
        self.threads: list[int] = []
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self.chunks:
            self.threads.append(threading.get_ident())
            yield chunk
        if self.error:
            raise self.error("in the middle")

    def close(self) -> None:
        self.threads.append(threading.get_ident())
        self.closed.set()


def giving(body: Any, *headers: tuple[str, str], status: str = "200 OK") -> Any:
    def application(environ: Environ, start_response: Any) -> Any:
        if isinstance(body, Body):
            body.threads.append(threading.get_ident())
        start_response(status, list(headers))
        return body

    return application


def test_a_list_is_sent_whole_with_its_length(serve: Serve) -> None:
    """The length is known, so nothing is chunked."""
    response, body = serve(giving([b"one", b"", b"two"])).get()
    assert body == b"onetwo"
    assert response.headers["Content-Length"] == "6"
    assert "Transfer-Encoding" not in response.headers


def test_a_body_that_says_it_is_no_stream_is_sent_whole(serve: Serve) -> None:
    """As Django's HttpResponse does."""
    body = Body(b"one", b"two")
    body.streaming = False  # type: ignore[attr-defined]
    response, received = serve(giving(body)).get()
    assert (response.headers["Content-Length"], received) == ("6", b"onetwo")
    assert body.closed.wait(5)


def test_a_stream_without_a_length_is_chunked(serve: Serve) -> None:
    """Empty chunks would end it and are left out."""
    response, body = serve(giving(Body(b"one", b"", b"two"))).get()
    assert body == b"onetwo"
    assert response.headers["Transfer-Encoding"] == "chunked"


def test_a_stream_with_a_length_is_not_chunked(serve: Serve) -> None:
    """It ends where it said."""
    response, body = serve(giving(Body(b"one", b"two"), ("Content-Length", "6"))).get()
    assert body == b"onetwo"
    assert "Transfer-Encoding" not in response.headers


def test_an_empty_stream_ends(serve: Serve) -> None:
    """Also when there is nothing to send."""
    assert serve(giving(Body())).get()[1] == b""


def test_everything_runs_in_one_pool_thread(serve: Serve) -> None:
    """The call, each step of the body, and close()."""
    body = Body(b"one", b"two", b"three")
    serve(giving(body), threads=8).get()
    assert body.closed.wait(5)
    assert len(body.threads) == 5
    assert len(set(body.threads)) == 1


def test_a_body_is_exhausted_after_its_last_byte(serve: Serve) -> None:
    """What an application does after its last yield is done."""
    done = threading.Event()

    def generate() -> Iterator[bytes]:
        yield b"ok"
        done.set()

    assert serve(giving(generate(), ("Content-Length", "2"))).get()[1] == b"ok"
    assert done.wait(5)


@pytest.mark.parametrize(
    ("method", "status", "length"),
    [
        ("HEAD", "200 OK", "6"),
        ("GET", "204 No Content", None),
        ("GET", "304 Not Modified", "6"),
        ("HEAD", "204 No Content", None),
        ("HEAD", "304 Not Modified", "6"),
    ],
)
@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_a_response_without_a_body_leaves_the_connection_usable(
    serve: Serve, method: str, status: str, length: str | None, version: bytes
) -> None:
    """Its headers are right; the body that the application gives is not even asked for."""
    body = Body(b"one", b"two")
    server = serve(giving(body, ("Content-Length", "6"), status=status))
    request = b"%s / HTTP/%s\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"
    with server.raw() as client:
        for _ in range(2):
            client.sendall(request % (method.encode(), version))
            head = read_until(client, b"\r\n\r\n").decode()
            assert head.startswith(f"HTTP/1.1 {status}\r\n")
            assert ("Content-Length: 6\r\n" in head) == (length is not None)
            assert "Transfer-Encoding" not in head
            assert head.count("\r\n\r\n") == 1
    assert body.closed.wait(5)
    eventually(lambda: len(body.threads) == 4, "two calls and two closes")


@pytest.mark.parametrize(
    ("application", "length"),
    [
        (giving([b"12345"]), "5"),
        (giving([b""]), None),
        (giving(Body(b"12345")), None),
        (giving([b"12345"], status="304 Not Modified"), None),
        (giving([b""], ("Content-Length", "0"), status="304 Not Modified"), None),
    ],
)
def test_the_length_of_a_body_that_is_not_sent_is_told_when_known(
    serve: Serve, application: Any, length: str | None
) -> None:
    """HEAD tells what GET would; a count of the empty body of a 304 tells nothing."""
    response, body = serve(application).request("HEAD", "/")
    assert (response.headers["Content-Length"], body) == (length, b"")


def test_404_is_passed_on(serve: Serve) -> None:
    """As any status."""
    response, body = serve(ok(b"no", status="404 Not Found")).get()
    assert (response.status, response.reason, body) == (404, "Not Found", b"no")


def test_a_failure_before_the_body_is_a_500(serve: Serve, complaints: Complaints) -> None:
    """With a traceback in the log, none for the client, and the connection goes on."""

    def application(environ: Environ, start_response: Any) -> list[bytes]:
        raise ValueError("secret")

    server = serve(application)
    with server.connection() as client:
        for method, body in (("GET", b"500 Internal Server Error\n"), ("HEAD", b"")):
            client.request(method, "/x")
            response = client.getresponse()
            assert (response.status, response.read()) == (500, body)
    assert [r.getMessage() for r in complaints()] == [
        "The application failed: 'GET /x HTTP/1.1'",
        "The application failed: 'HEAD /x HTTP/1.1'",
    ]
    assert all(r.exc_info and r.exc_info[0] is ValueError for r in complaints())


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_failure_before_the_first_byte_is_a_500(
    serve: Serve, complaints: Complaints, error: type[BaseException]
) -> None:
    """Nothing was sent yet, although the head was given."""
    body = Body(error=error)
    response, _ = serve(giving(body, ("X-A", "b"))).get()
    assert response.status == 500
    assert "X-A" not in response.headers
    assert body.closed.is_set()
    assert len(complaints()) == 1


@pytest.mark.parametrize("headers", [[], [("Content-Length", "100")]])
def test_a_failure_in_the_middle_truncates(
    serve: Serve, complaints: Complaints, headers: list[tuple[str, str]]
) -> None:
    """The client gets what was sent and sees at once that this is not all."""
    body = Body(b"one", b"two", error=ValueError)
    with serve(giving(body, *headers)).connection() as client:
        client.request("GET", "/")
        with pytest.raises(http.client.IncompleteRead) as caught:
            client.getresponse().read()
    assert caught.value.partial in (b"onetwo", b"")  # http.client drops chunks it has read
    assert body.closed.wait(5)
    eventually(complaints, "the log entry")
    assert complaints()[0].exc_info


def test_what_was_sent_before_a_failure_arrives(serve: Serve) -> None:
    """Seen on the wire."""
    answer = serve(giving(Body(b"one", error=ValueError))).talk(
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    )
    assert answer.endswith(b"\r\n\r\n3\r\none\r\n")


@pytest.mark.parametrize("whole", [True, False])
def test_a_body_shorter_than_its_length_closes_the_connection(
    serve: Serve, complaints: Complaints, whole: bool
) -> None:
    """The client must not wait for the rest."""
    body = [b"one"] if whole else Body(b"one")
    answer = serve(giving(body, ("Content-Length", "6"))).talk(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.endswith(b"\r\n\r\none")
    eventually(complaints, "the log entry")
    assert "sent less bytes than its Content-Length of 6" in complaints()[0].getMessage()


@pytest.mark.parametrize(
    "body", [[b"one", b"two"], Body(b"one", b"two"), Body(b"on", b"e", b"t", b"wo", b"three")]
)
def test_a_body_longer_than_its_length_is_cut(
    serve: Serve, complaints: Complaints, body: Any
) -> None:
    """What follows would be taken for the next response."""
    server = serve(giving(body, ("Content-Length", "4")))
    with server.connection() as client:
        for _ in range(2):
            client.request("GET", "/")
            assert client.getresponse().read() == b"onet"
    eventually(lambda: len(complaints()) == 2, "two log entries")
    assert "sent more bytes than its Content-Length of 4" in complaints()[0].getMessage()


def test_a_failing_close_is_logged_and_the_response_stands(
    serve: Serve, complaints: Complaints
) -> None:
    """The client has it already."""

    class Failing(Body):
        def close(self) -> None:
            raise ValueError

    server = serve(giving(Failing(b"ok")))
    assert server.get()[1] == b"ok"
    eventually(complaints, "the log entry")


def late_start(environ: Environ, start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", [])
    yield b"ok"


def written(environ: Environ, start_response: Any) -> list[bytes]:
    write = start_response("200 OK", [])
    write(b"o")
    return [b"k"]


def restarted(environ: Environ, start_response: Any) -> list[bytes]:
    start_response("500 Oops", [])
    try:
        raise ValueError
    except ValueError:
        start_response("200 OK", [], sys.exc_info())
    return [b"ok"]


@pytest.mark.parametrize("application", [late_start, written, restarted])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_rest_of_wsgi_works(serve: Serve, application: Callable[..., Any], method: str) -> None:
    """A generator, the write() callable, a second start_response() with exc_info."""
    response, body = serve(application).request(method, "/")
    assert (response.status, body) == (200, b"ok" if method == "GET" else b"")


def test_a_restart_after_bytes_were_sent_truncates(serve: Serve, complaints: Complaints) -> None:
    """The error that the application had is the one in the log."""

    def application(environ: Environ, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])(b"one")
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            start_response("500 Oops", [], sys.exc_info())
        return []

    answer = serve(application).talk(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n3\r\none\r\n")
    eventually(complaints, "the log entry")
    assert "ZeroDivisionError" in str(complaints()[0].exc_info)


def never_started(environ: Environ, start_response: Any) -> list[bytes]:
    return [b"ok"]


def never_started_empty(environ: Environ, start_response: Any) -> list[bytes]:
    return []


def started_twice(environ: Environ, start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    start_response("200 OK", [])
    return []


def text(environ: Environ, start_response: Any) -> Iterator[Any]:
    start_response("200 OK", [])
    yield "text"


@pytest.mark.parametrize("application", [never_started, never_started_empty, started_twice, text])
def test_an_application_that_breaks_the_rules_is_a_500(
    serve: Serve, complaints: Complaints, application: Callable[..., Any]
) -> None:
    """And the log says which rule."""
    assert serve(application).get()[0].status == 500
    assert len(complaints()) == 1


@pytest.mark.parametrize(
    ("application", "ending"),
    [
        (giving([b"ok"]), b"Content-Length: 2\r\nConnection: Keep-Alive\r\n\r\nok"),
        (giving(Body(b"o", b"k")), b"Connection: close\r\n\r\nok"),
    ],
)
def test_a_response_to_http_1_0_ends(serve: Serve, application: Any, ending: bytes) -> None:
    """With its length when the client keeps the connection, else when the connection closes."""
    server = serve(application)
    with server.raw(KEEP_ALIVE) as client:
        answer = read_until(client, ending)
        assert b"chunked" not in answer
        if b"Keep-Alive" in ending:
            client.sendall(KEEP_ALIVE)
            assert read_until(client, ending) == answer
        else:
            assert client.recv(1) == b""
    assert server.talk(b"GET / HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\nok")


def test_each_answer_is_in_the_access_log(serve: Serve, access_log: Complaints) -> None:
    """Line without query, status, bytes, seconds; once for each request, at a level that fits."""

    def application(environ: Environ, start_response: Any) -> list[bytes]:
        start_response(environ["PATH_INFO"][1:] + " X", [])
        return [b"12345"]

    server = serve(application)
    server.get("/200")
    server.get("/404")
    server.get("/503?%0a")
    server.request("HEAD", "/200")
    eventually(lambda: len(access_log()) == 4, "four lines")
    lines = {(r.getMessage().rpartition(" ")[0], r.levelname) for r in access_log()}
    assert lines == {
        ('"GET /200 HTTP/1.1" 200 5', "INFO"),
        ('"GET /404 HTTP/1.1" 404 5', "WARNING"),
        ('"GET /503 HTTP/1.1" 503 5', "ERROR"),
        ('"HEAD /200 HTTP/1.1" 200 0', "INFO"),
    }
    for record in access_log():
        assert record.getMessage().endswith(f" {record.duration_s:.3f}s")  # type: ignore[attr-defined]

"""What the application learns of a request."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from tests.tornado_websockets.wsgi.serving import Environ, Serve, Server, read_all
from tornado_websockets.wsgi.environ import FileBlocks


def tell(environ: Environ, start_response: Any) -> list[bytes]:
    """Answer with the strings of the environ."""
    body = json.dumps({k: v for k, v in environ.items() if isinstance(v, str | bool)}).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def environ_of(server: Server, target: str, *headers: str, version: str = "1.1") -> Environ:
    lines = [f"GET {target} HTTP/{version}", *headers, "Connection: close", "", ""]
    answer = server.talk("\r\n".join(lines).encode("latin-1"))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer
    environ: Environ = json.loads(answer.partition(b"\r\n\r\n")[2])
    return environ


def test_the_request_is_described(serve: Serve) -> None:
    """Method, query, version, scheme and the client's address are those of the request."""
    with serve(tell).raw(
        b"GET /a/b?c=%41&d HTTP/1.1\r\nHost: a.test:81\r\nConnection: close\r\n\r\n"
    ) as s:
        client = s.getsockname()
        environ = json.loads(read_all(s).partition(b"\r\n\r\n")[2])
    expected = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/a/b",
        "QUERY_STRING": "c=%41&d",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "a.test",
        "SERVER_PORT": "81",
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "HTTP_HOST": "a.test:81",
        "wsgi.url_scheme": "http",
        "wsgi.input_terminated": True,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    assert expected.items() <= environ.items()
    assert "CONTENT_LENGTH" not in environ
    assert "CONTENT_TYPE" not in environ


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/caf%C3%A9", "/caf\u00c3\u00a9"),
        ("/caf\u00c3\u00a9", "/caf\u00c3\u00a9"),
        ("/a%2Fb%25", "/a/b%"),
        ("//evil.test/x", "//evil.test/x"),
        ("/x://y", "/x://y"),
        ("*", "*"),
        ("gopher://a/b", "gopher://a/b"),
    ],
)
def test_the_path_is_decoded_bytes(serve: Serve, target: str, path: str) -> None:
    """PATH_INFO holds the percent-decoded bytes as latin-1, whatever they look like."""
    assert environ_of(serve(tell), target, "Host: a")["PATH_INFO"] == path


@pytest.mark.parametrize(
    ("target", "host", "path"),
    [
        ("http://b.test:82/c?d", "b.test:82", "/c"),
        ("HTTP://user@b.test/c", "b.test", "/c"),
        ("http://b.test?d", "b.test", "/"),
    ],
)
def test_an_absolute_target_outranks_the_host_header(
    serve: Serve, target: str, host: str, path: str
) -> None:
    """RFC 9112 section 3.2.2."""
    environ = environ_of(serve(tell), target, "Host: a.test:81")
    assert (environ["HTTP_HOST"], environ["PATH_INFO"]) == (host, path)
    assert environ["SERVER_NAME"] == "b.test"


@pytest.mark.parametrize(
    ("host", "name", "port"),
    [
        ("[::1]:8000", "[::1]", "8000"),
        ("[::1]", "[::1]", "80"),
        ("a.test", "a.test", "80"),
        ("", "localhost", "80"),
    ],
)
def test_the_server_is_named_by_the_host_header(
    serve: Serve, host: str, name: str, port: str
) -> None:
    """IPv6 literals keep their brackets; a missing port is the scheme's."""
    environ = environ_of(serve(tell), "/", f"Host: {host}")
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == (name, port)


@pytest.mark.parametrize(
    ("mounted", "target", "path"),
    [
        ("/app", "/app/x", "/x"),
        ("/app/", "/app", ""),
        ("/app", "/application", "/application"),
        ("/app", "/x", "/x"),
        ("/", "/x", "/x"),
        ("", "/x", "/x"),
    ],
)
def test_the_script_name_is_split_off(serve: Serve, mounted: str, target: str, path: str) -> None:
    """A prefix is one only at the end of a segment; a proxy may have removed it already."""
    environ = environ_of(serve(tell, script_name=mounted), target, "Host: a")
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == (mounted.rstrip("/"), path)


def test_duplicate_headers_are_joined(serve: Serve) -> None:
    """By a comma, cookies by a semicolon."""
    server = serve(tell)
    environ = environ_of(server, "/", "Host: a", "X-A: 1", "Cookie: b=1", "x-a: 2", "Cookie: c=2")
    assert environ["HTTP_X_A"] == "1,2"
    assert environ["HTTP_COOKIE"] == "b=1; c=2"


def test_headers_with_underscores_are_dropped(serve: Serve) -> None:
    """X_Forwarded_Proto does not pass for X-Forwarded-Proto, nor joins it."""
    server = serve(tell)
    assert "HTTP_X_FORWARDED_PROTO" not in environ_of(
        server, "/", "Host: a", "X_Forwarded_Proto: https"
    )
    both = environ_of(server, "/", "Host: a", "X_Forwarded-Proto: https", "X-Forwarded-Proto: http")
    assert both["HTTP_X_FORWARDED_PROTO"] == "http"


def test_a_proxy_is_believed_when_the_server_does(serve: Serve) -> None:
    """With xheaders the scheme and the address are those that the proxy names, without a port."""
    headers = ["Host: a", "X-Forwarded-For: 9.8.7.6", "X-Forwarded-Proto: https"]
    believed = environ_of(serve(tell, http_options={"xheaders": True}), "/", *headers)
    assert believed["REMOTE_ADDR"] == "9.8.7.6"
    assert believed["wsgi.url_scheme"] == "https"
    assert believed["SERVER_PORT"] == "443"
    assert "REMOTE_PORT" not in believed
    plain = environ_of(serve(tell), "/", *headers)
    assert (plain["REMOTE_ADDR"], plain["wsgi.url_scheme"]) == ("127.0.0.1", "http")


def test_the_type_and_length_of_a_body_are_told(serve: Serve) -> None:
    """Under their own names, without HTTP_."""
    _, body = serve(tell).request("POST", "/", b"12345", {"Content-Type": "text/x"})
    environ = json.loads(body)
    assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]) == ("text/x", "5")
    assert {"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"}.isdisjoint(environ)


def test_an_http_1_0_request_needs_no_host(serve: Serve) -> None:
    """Its version is told."""
    environ = environ_of(serve(tell), "/", version="1.0")
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.0"


def test_files_are_read_in_large_blocks() -> None:
    """However small the blocks are that the application asks for."""
    file = io.BytesIO(b"x" * 100_000)
    blocks = FileBlocks(file, 4096)
    assert [len(block) for block in blocks] == [65536, 34464]
    blocks.close()
    assert file.closed

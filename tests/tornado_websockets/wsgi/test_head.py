"""Status and headers on their way out."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.tornado_websockets.wsgi.serving import Complaints, Serve, ok


def test_blanks_around_a_header_value_are_removed(serve: Serve) -> None:
    """Django 5.2 sends a blank before each cookie."""
    cookies = [("Set-Cookie", " a=1; Path=/"), ("Set-Cookie", " b=2\t")]
    response, _ = serve(ok(b"", *cookies)).get()
    assert response.headers.get_all("Set-Cookie") == ["a=1; Path=/", "b=2"]


def test_a_date_is_added_and_no_server(serve: Serve) -> None:
    """RFC 9110 section 6.6.1."""
    response, _ = serve(ok()).get()
    assert abs(parsedate_to_datetime(response.headers["Date"]).timestamp() - time.time()) < 60
    assert "Server" not in response.headers


def test_the_date_of_the_application_is_kept(serve: Serve) -> None:
    """There is one Date header."""
    response, _ = serve(ok(b"", ("Date", "Thu, 01 Jan 1970 00:00:00 GMT"))).get()
    assert response.headers.get_all("Date") == ["Thu, 01 Jan 1970 00:00:00 GMT"]


@pytest.mark.parametrize(
    "header",
    [("Connection", "close"), ("Keep-Alive", "5"), ("Transfer-Encoding", "gzip"), ("te", "x")],
)
def test_hop_by_hop_headers_are_dropped(serve: Serve, header: tuple[str, str]) -> None:
    """They are the server's business (PEP 3333)."""
    response, body = serve(ok(b"ok", header)).get()
    assert header[0] not in response.headers
    assert body == b"ok"


@pytest.mark.parametrize("reason", ["", " ", " I am a teapot", " caf\u00e9"])
def test_any_reason_is_sent(serve: Serve, reason: str) -> None:
    """It may be missing, too."""
    response, body = serve(ok(status=f"418{reason}")).get()
    assert (response.status, body) == (418, b"ok")


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        ("200 OK", [("X-A", "b\r\nX-C: d")]),
        ("200 OK", [("X-A", "b\n")]),
        ("200 OK", [("X-A", "\u20ac")]),
        ("200 OK", [("X A", "b")]),
        ("200 OK", [("X-A", 5)]),
        ("200 OK", [("Content-Length", "-1")]),
        ("200 OK", [("Content-Length", "2"), ("Content-Length", "2")]),
        ("200 OK\r\nX-A: b", []),
        ("101 Switching Protocols", []),
        ("OK", []),
        ("", []),
    ],
)
def test_what_http_cannot_carry_is_a_server_error(
    serve: Serve, complaints: Complaints, status: str, headers: Any
) -> None:
    """Nothing of it reaches the client; the log has the traceback."""
    server = serve(ok(b"secret", *headers, status=status))
    with server.connection() as client:
        for _ in range(2):
            client.request("GET", "/")
            response = client.getresponse()
            assert (response.status, response.read()) == (500, b"500 Internal Server Error\n")
            assert "X-A" not in response.headers
            assert "X-C" not in response.headers
    assert len(complaints()) == 2
    assert all(record.exc_info for record in complaints())

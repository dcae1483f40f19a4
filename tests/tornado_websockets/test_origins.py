"""Which pages may open a WebSocket."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado_websockets.origins import (
    Origin,
    check_origins,
    is_allowed,
    is_allowed_host,
    is_pattern,
    parse,
)

HOSTS = ("example.com", ".example.org", "[::1]")


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "EXAMPLE.com",
        "example.com.",
        "example.com:8000",
        "example.org",
        "chat.example.org",
        "[::1]",
        "[::1]:8000",
    ],
)
def test_a_host_that_django_takes_is_taken(host: str) -> None:
    assert is_allowed_host(host, HOSTS)


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "evil.example",
        "example.com.evil.example",
        "evilexample.com",
        "evilexample.org",
        "user@example.com",
        "example.com@evil.example",
        "example.com/",
        "example.com:",
        "example.com:80a",
        "exam ple.com",
        "example.com,evil.example",
        "example.com\n",
        "ex%61mple.com",
        "::1",
        "[::1",
        "[::2]",
        "127.0.0.1",
    ],
)
def test_any_other_host_is_not(host: str) -> None:
    assert not is_allowed_host(host, HOSTS)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("http://example.com", ("http", "example.com", 80)),
        ("https://example.com", ("https", "example.com", 443)),
        ("https://example.com:443", ("https", "example.com", 443)),
        ("https://example.com:8443", ("https", "example.com", 8443)),
        ("HTTPS://EXAMPLE.COM", ("https", "example.com", 443)),
        ("http://[::1]:8000", ("http", "[::1]", 8000)),
        ("http://xn--bcher-kva.example", ("http", "xn--bcher-kva.example", 80)),
        ("http://my_app:3000", ("http", "my_app", 3000)),
        ("http://example.com.", ("http", "example.com.", 80)),
        ("capacitor://localhost", ("capacitor", "localhost", None)),
    ],
)
def test_an_origin_is_scheme_host_and_port(text: str, origin: tuple[Any, ...]) -> None:
    assert parse(text) == Origin(*origin)


NO_ORIGINS = [
    "",
    " ",
    "null",
    "*",
    "example.com",
    "//example.com",
    "http://",
    "http:example.com",
    "http:///example.com",
    "http://example.com/",
    "http://example.com/path",
    "http://example.com?q",
    "http://example.com#f",
    "http://user@example.com",
    "http://user:pass@example.com",
    "http://example.com@evil.example",
    "http://example.com\\@evil.example",
    "http://example.com:",
    "http://example.com:0",
    "http://example.com:080",
    "http://example.com:123456",
    "http://example.com:80:80",
    "http://example.com:８０",
    "http://example.com http://evil.example",
    "http://example.com, http://evil.example",
    "http://example.com\t",
    "http://example.com\n",
    "http://example.com\x00",
    "http://ex%61mple.com",
    "http://exämple.com",
    "http://e\u212axample.com",  # the sign for kelvin, k in lower case
    "http://.example.com",
    "http://example..com",
    "http://example.com..",
    "http://[::1",
    "http://::1",
    "http://[example.com]",
    "http://[::1%25eth0]",
    "http://*.example.com",
    "file://",
    "data:text/html,x",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("text", NO_ORIGINS)
def test_anything_else_is_no_origin_and_is_refused(text: str) -> None:
    assert parse(text) is None
    assert not is_allowed(text, scheme="http", host="example.com", patterns=["http://example.com"])


@pytest.mark.parametrize(
    ("text", "scheme", "host"),
    [
        ("http://example.com", "http", "example.com"),
        ("http://example.com", "http", "example.com:80"),
        ("http://example.com:80", "http", "example.com"),
        ("https://example.com", "https", "example.com"),
        ("https://example.com", "https", "example.com:443"),
        ("https://example.com:443", "https", "example.com"),
        ("http://example.com:8000", "http", "example.com:8000"),
        ("HTTP://Example.COM", "http", "eXample.com"),
        ("http://[::1]:8000", "http", "[::1]:8000"),
        ("http://[::FF]", "http", "[::ff]"),
        ("http://example.com.", "http", "example.com."),
    ],
)
def test_the_same_origin_is_let_in(text: str, scheme: str, host: str) -> None:
    assert is_allowed(text, scheme=scheme, host=host, patterns=())


@pytest.mark.parametrize(
    ("text", "scheme", "host"),
    [
        ("https://example.com", "http", "example.com"),
        ("http://example.com", "https", "example.com"),
        ("http://example.com:443", "https", "example.com:443"),
        ("http://example.com:8000", "http", "example.com"),
        ("http://example.com", "http", "example.com:8000"),
        ("http://example.com:8001", "http", "example.com:8000"),
        ("http://www.example.com", "http", "example.com"),
        ("http://example.com", "http", "www.example.com"),
        ("http://example.com.evil.example", "http", "example.com"),
        ("http://evilexample.com", "http", "example.com"),
        ("http://example.comevil", "http", "example.com"),
        ("http://example.co", "http", "example.com"),
        ("http://example.com.", "http", "example.com"),
        ("http://example-com", "http", "example.com"),
        ("http://localhost", "http", "127.0.0.1"),
        ("http://[::1]", "http", "127.0.0.1"),
        ("ws://example.com", "http", "example.com"),
        ("file://example.com", "http", "example.com"),
        ("null", "http", "null"),
        ("null", "http", "example.com"),
    ],
)
def test_another_origin_is_refused(text: str, scheme: str, host: str) -> None:
    assert not is_allowed(text, scheme=scheme, host=host, patterns=())


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("https://app.example.com", "https://app.example.com:443"),
        ("https://APP.example.com", "https://app.EXAMPLE.com"),
        ("https://app.example.com", "https://*.example.com"),
        ("https://a.b.example.com", "https://*.example.com"),
        ("https://example.com", "https://*.example.com"),
        ("https://app.example.com:8443", "https://*.example.com:8443"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("https://anything.example", "*"),
        ("null", "*"),
    ],
)
def test_an_origin_that_was_named_is_let_in(text: str, pattern: str) -> None:
    assert is_pattern(pattern)
    assert is_allowed(text, scheme="http", host="server.example", patterns=[pattern])


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("http://app.example.com", "https://app.example.com"),
        ("https://app.example.com:8443", "https://app.example.com"),
        ("https://app.example.com", "https://app.example.com:8443"),
        ("https://x.app.example.com", "https://app.example.com"),
        ("http://app.example.com", "https://*.example.com"),
        ("https://app.example.com:8443", "https://*.example.com"),
        ("https://evilexample.com", "https://*.example.com"),
        ("https://example.com.evil.example", "https://*.example.com"),
        ("https://app.example.com.", "https://*.example.com"),
        ("null", "https://*.example.com"),
        ("https://user@app.example.com", "https://*.example.com"),
        ("", "*"),
        ("http://a.example, http://b.example", "*"),
        ("https://app.example.com", "app.example.com"),  # a mistake in the settings opens nothing
        ("https://app.example.com", "https://app.example.com/"),
        ("https://app.example.com", ""),
    ],
)
def test_what_only_looks_like_it_is_refused(text: str, pattern: str) -> None:
    assert not is_allowed(text, scheme="http", host="server.example", patterns=[pattern])


@pytest.mark.parametrize(
    "value", ["", "null", "example.com", "https://", "https://*", "https://*example.com", None, 1]
)
def test_what_stands_for_no_origin_is_no_pattern(value: object) -> None:
    assert not is_pattern(value)


@given(text=st.text(), host=st.text(), pattern=st.text())
def test_nothing_that_is_sent_is_an_error(text: str, host: str, pattern: str) -> None:
    assert not is_allowed(text, scheme="http", host="example.com", patterns=[pattern, "x"]) or (
        parse(text) is not None or pattern == "*"
    )
    assert not is_allowed_host(host, ("example.com",)) or "example.com" in host.lower()


def test_the_list_of_a_path_is_checked_when_it_is_made() -> None:
    assert check_origins(None) is None
    assert check_origins([]) == ()
    assert check_origins(["*", "https://a.example"]) == ("*", "https://a.example")
    for wrong in ("https://a.example", ["a.example"], [1]):
        with pytest.raises(ValueError, match="must be a list of origins"):
            check_origins(wrong)  # type: ignore[arg-type]

"""Which pages may open a WebSocket."""

from __future__ import annotations

import pytest

from tornado_websockets.origins import refusal

ALLOWED = ["example.com", ".example.org", "[::1]"]


@pytest.mark.parametrize(
    ("host", "origins"),
    [
        ("example.com", []),
        ("example.com", ["http://example.com"]),
        ("example.com:8000", ["http://example.com:8000"]),
        ("example.com", ["https://example.com"]),  # TLS ends at a proxy
        ("EXAMPLE.com", ["http://example.COM"]),
        ("chat.example.org", ["https://chat.example.org"]),
        ("[::1]:8000", ["http://[::1]:8000"]),
    ],
)
def test_the_same_origin_is_let_in(host: str, origins: list[str]) -> None:
    assert refusal([host], origins, ALLOWED) == ""


@pytest.mark.parametrize(
    ("hosts", "origins", "reason"),
    [
        ([], [], "expected one Host"),
        (["example.com", "example.com"], [], "expected one Host"),
        (["example.com"], ["http://example.com"] * 2, "at most one Origin"),
        (["evil.example"], [], "'evil.example' is not in ALLOWED_HOSTS"),
        (["evil.example"], ["http://evil.example"], "is not in ALLOWED_HOSTS"),
        (["exam ple.com"], [], "is not in ALLOWED_HOSTS"),
        (["example.com"], ["null"], "Origin 'null' is not the origin of 'example.com'"),
        (["example.com"], [""], "is not the origin"),
        (["example.com"], ["example.com"], "is not the origin"),
        (["example.com"], ["file://example.com"], "is not the origin"),
        (["example.com"], ["http://example.com.evil.example"], "is not the origin"),
        (["example.com"], ["http://evilexample.com"], "is not the origin"),
        (["example.com"], ["http://example.com@evil.example"], "is not the origin"),
        (["example.com"], ["http://user@example.com"], "is not the origin"),
        (["example.com"], ["http://example.com:8000"], "is not the origin"),
        (["example.com:8000"], ["http://example.com"], "is not the origin"),
        (["example.com"], ["http://[::1"], "is not the origin"),
    ],
)
def test_everything_else_is_refused_with_a_reason(
    hosts: list[str], origins: list[str], reason: str
) -> None:
    assert reason in refusal(hosts, origins, ALLOWED)

"""Who a request comes from, by what proxies say; and what everybody else says in their name."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado_websockets.proxies import (
    MAX_HOPS,
    UNIX,
    client_address,
    client_scheme,
    is_proxy,
    is_trusted,
)

PROXIES = ("10.0.0.0/8", "192.0.2.1", "2001:db8::/32")


@pytest.mark.parametrize("value", ["10.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32", "unix:"])
def test_a_proxy_is_an_address_a_network_or_a_unix_socket(value: str) -> None:
    assert is_proxy(value)


@pytest.mark.parametrize(
    "value", ["", "*", "localhost", "10.0.0.1/8", "10.0.0.0/33", "10.0.0", "unix", b"::1", 1, None]
)
def test_anything_else_is_none(value: Any) -> None:
    assert not is_proxy(value)


def test_a_proxy_is_trusted_by_address_network_or_socket() -> None:
    assert is_trusted("10.1.2.3", PROXIES)
    assert is_trusted("192.0.2.1", PROXIES)
    assert is_trusted("2001:db8::7", PROXIES)
    assert not is_trusted("192.0.2.2", PROXIES)
    assert not is_trusted("11.0.0.1", PROXIES)
    assert not is_trusted("2001:db9::7", PROXIES)
    assert not is_trusted("10.1.2.3", ())
    assert not is_trusted(UNIX, PROXIES)
    assert is_trusted(UNIX, (UNIX,))


@pytest.mark.parametrize(
    ("forwarded_for", "real_ip", "client"),
    [
        ([], [], "10.0.0.1"),
        (["203.0.113.7"], [], "203.0.113.7"),
        ([" 203.0.113.7 "], [], "203.0.113.7"),
        (["198.51.100.9, 203.0.113.7"], [], "203.0.113.7"),  # who is asked first may lie
        (["198.51.100.9", "203.0.113.7"], [], "203.0.113.7"),
        (["127.0.0.1, 203.0.113.7"], [], "203.0.113.7"),
        (["203.0.113.7, 10.0.0.2"], [], "203.0.113.7"),
        (["198.51.100.9, 203.0.113.7, 192.0.2.1, 10.0.0.2"], [], "203.0.113.7"),
        (["10.0.0.3, 10.0.0.2"], [], "10.0.0.3"),
        (["203.0.113.7:51234"], [], "203.0.113.7"),
        (["2001:DB9:0:0::7"], [], "2001:db9::7"),
        (["[2001:db9::7]"], [], "2001:db9::7"),
        (["[2001:db9::7]:51234"], [], "2001:db9::7"),
        (["::ffff:203.0.113.7"], [], "203.0.113.7"),
        (["203.0.113.7"], ["198.51.100.9"], "203.0.113.7"),
        ([], ["203.0.113.7"], "203.0.113.7"),
        ([], ["198.51.100.9", "203.0.113.7"], "203.0.113.7"),
    ],
)
def test_the_client_is_the_last_address_that_is_no_proxy(
    forwarded_for: list[str], real_ip: list[str], client: str
) -> None:
    assert client_address("10.0.0.1", forwarded_for, real_ip, PROXIES) == client


NO_ADDRESSES = [
    "",
    " ",
    ",",
    "unknown",
    "_hidden",
    "for=203.0.113.7",
    '"203.0.113.7"',
    "203.0.113",
    "203.0.113.256",
    "203.0.113.7.",
    "0203.0.113.7",
    "0xcb007107",
    "3405803783",
    "203.0.113.7/32",
    "203.0.113.7:",
    "203.0.113.7:port",
    "203.0.113.7 198.51.100.9",
    "203.0.113.7;198.51.100.9",
    "２０３.0.113.7",
    "example.com",
    "localhost",
    "fe80::1%eth0",
    "[fe80::1%eth0]",
    "[203.0.113.7",
    "2001:db9::7::1",
    "unix:",
    "203.0.113.7\x00",
    "203.0.113.7\n198.51.100.9",
    "\x1b[31m203.0.113.7",
    "'; DROP TABLE users; --",
    "9" * 10_000,
    ":" * 10_000,
]


@pytest.mark.parametrize("value", NO_ADDRESSES, ids=lambda value: repr(value[:20]))
def test_what_is_no_address_is_ignored_with_all_that_stands_before_it(value: str) -> None:
    """Whoever sends garbage could send it to have a made-up address taken for theirs."""
    assert client_address("10.0.0.1", [value], [], PROXIES) == "10.0.0.1"
    assert client_address("10.0.0.1", [], [value], PROXIES) == "10.0.0.1"
    assert client_address("10.0.0.1", ["198.51.100.9, " + value], [], PROXIES) == "10.0.0.1"
    assert (
        client_address("10.0.0.1", [f"198.51.100.9, {value}, 10.0.0.2"], [], PROXIES) == "10.0.0.2"
    )
    assert client_address("10.0.0.1", [value + ", 203.0.113.7"], [], PROXIES) == "203.0.113.7"


def test_a_long_header_is_not_read_to_its_beginning() -> None:
    hops = ["203.0.113.7", *["10.0.0.2"] * 10_000]
    assert client_address("10.0.0.1", [",".join(hops)], [], PROXIES) == "10.0.0.2"
    hops = ["203.0.113.7", *["10.0.0.2"] * (MAX_HOPS - 1)]
    assert client_address("10.0.0.1", [",".join(hops)], [], PROXIES) == "203.0.113.7"


@given(st.lists(st.text(max_size=60)), st.lists(st.text(max_size=60)))
def test_whatever_is_sent_the_client_is_an_address(
    forwarded_for: list[str], real_ip: list[str]
) -> None:
    ipaddress.ip_address(client_address("10.0.0.1", forwarded_for, real_ip, PROXIES))
    assert client_scheme(forwarded_for) in ("http", "https", None)


def test_behind_a_unix_socket_the_client_is_whom_the_proxy_names() -> None:
    assert client_address(UNIX, ["203.0.113.7"], [], (UNIX,)) == "203.0.113.7"
    assert client_address(UNIX, ["nonsense"], [], (UNIX,)) == UNIX


@pytest.mark.parametrize(
    ("values", "scheme"),
    [
        ([], None),
        (["https"], "https"),
        (["http"], "http"),
        ([" HTTPS "], "https"),
        (["http, https"], "https"),
        (["https", "http"], "http"),
        (["wss"], None),
        (["https http"], None),
        (["https;"], None),
        (["https,"], None),
        ([""], None),
        (["httpsx"], None),
    ],
)
def test_the_scheme_is_the_last_that_is_named(values: list[str], scheme: str | None) -> None:
    assert client_scheme(values) == scheme

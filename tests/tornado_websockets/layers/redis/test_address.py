"""What the URL of a Redis server says."""

from __future__ import annotations

import pytest

from tornado_websockets.layers.redis.address import Address


def test_a_url_says_where_the_server_is_and_how_names_begin() -> None:
    address = Address.parse("redis://ann:secret@example.org:6380/3?prefix=shop&socket_timeout=2.5")
    assert (address.name, address.scheme, address.database) == ("Redis", "redis", 3)
    assert address.arguments == {
        "host": "example.org",
        "port": 6380,
        "db": 3,
        "username": "ann",
        "password": "secret",
        "socket_timeout": 2.5,
    }
    assert address.key("stream", "/chat") == "shop:stream:/chat"
    assert address.channel("events", "/chat") == "shop:3:events:/chat"


def test_what_a_url_does_not_say() -> None:
    address = Address.parse("redis://127.0.0.1")
    assert (address.prefix, address.database) == ("tws", 0)
    assert Address.parse("rediss://example.org/1").scheme == "rediss"
    unix = Address.parse("unix:///run/redis.sock?db=2", 2, 3)
    assert (unix.scheme, unix.database, unix.name) == ("unix", 2, "Redis 2 of 3")


def test_nothing_shows_the_password() -> None:
    assert "secret" not in repr(Address.parse("redis://:secret@127.0.0.1/0"))
    with pytest.raises(ValueError, match="//…@127.0.0.1") as caught:
        Address.parse("redis://:secret@127.0.0.1/0?prefix=a:b")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "redis://:hidden/secret@127.0.0.1/0",
        "redis://ann:secret?@127.0.0.1:6379/0",
        "redis://ann:secret#@127.0.0.1:6379/0",
        "redis://:[secret]@127.0.0.1/0",
        "redis://:[secret@127.0.0.1/0",
        "redis://:secret\u2100@127.0.0.1/0",
        "redis://:se@cret@127.0.0.1:port/0",
        "unix:///run/redis.sock?password=secret&prefix=:",
        "unix:///run/redis.sock?password=secret&db=none",
    ],
)
def test_a_password_that_is_not_encoded_is_not_shown_either(url: str) -> None:
    with pytest.raises(ValueError, match="redis|unix") as caught:
        Address.parse(url)
    assert "secret" not in str(caught.value)
    assert "cret" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("redis://127.0.0.1/0?prefix=a%20b", "prefix must be 1 to 64 letters"),
        ("redis://127.0.0.1/0?prefix=" + "x" * 65, "prefix must be 1 to 64 letters"),
        ("redis://127.0.0.1:port/0", "127.0.0.1:port/0: expected a host and the number of a port"),
        ("redis://[::1/0", "expected a host and the number of a port"),
        ("redis://127.0.0.1/0?socket_timeout=soon", "Invalid value for 'socket_timeout'"),
        ("redis://127.0.0.1/0?protocol=3", "protocol cannot be chosen, leave it out"),
        ("redis://127.0.0.1/0?decode_responses=yes", "decode_responses cannot be chosen"),
        ("http://127.0.0.1/0", "must specify one of the following schemes"),
    ],
)
def test_what_is_no_such_url_is_refused_with_the_reason(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Address.parse(url)

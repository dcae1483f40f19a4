"""What travels is what arrives, and anything else is refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado_websockets.exceptions import EventTooLargeError
from tornado_websockets.layers.event import Event
from tornado_websockets.layers.redis.parcel import (
    MAX_HEAD,
    MAX_NAMES,
    MAX_PAYLOAD,
    BadParcelError,
    Parcel,
    kept_line,
    live_line,
    pack,
    unpack,
)

ORIGIN = "0123456789abcdef"

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
events = st.builds(
    Event,
    name=names,
    payload=st.text(st.characters(codec="utf-8"), max_size=50).map(
        lambda text: ("{" + text + "}").encode()
    ),
    rooms=st.none() | st.lists(names, max_size=3),
    without=st.frozensets(names, max_size=3),
)


@given(st.lists(events, max_size=5))
def test_events_arrive_as_they_were_sent(sent: list[Event]) -> None:
    body = b"".join(map(pack, sent))
    assert unpack(live_line(ORIGIN) + body) == Parcel(ORIGIN, sent)
    kept = unpack(kept_line(ORIGIN, "ep0", (17, 2), (18, 0)) + body)
    assert kept == Parcel(ORIGIN, sent, "ep0", (17, 2), (18, 0))


NAMES = [f"{number}" for number in range(MAX_NAMES)]

LARGEST = {
    "rooms": Event("e", b"{}", rooms=NAMES),
    "connections": Event("e", b"{}", without=frozenset(NAMES)),
    "names": Event(
        "e", b"{}", rooms=["r" * (MAX_HEAD - len('{"event":"e","data":{"rooms":[""]}}'))]
    ),
}

TOO_LARGE = {
    "10000 rooms, got 10001: let": Event("e", b"{}", rooms=[*NAMES, "one more"]),
    "10000 excluded connections, got 10001: let": Event("e", b"{}", without=[*NAMES, "one more"]),
    "1048576 bytes of names, got 1048577: let": LARGEST["names"]._replace(name="ee"),
}


@pytest.mark.parametrize("event", LARGEST.values(), ids=LARGEST.keys())
def test_the_largest_that_is_sent_arrives(event: Event) -> None:
    assert unpack(live_line(ORIGIN) + pack(event)).events == [event]


@pytest.mark.parametrize(("sentence", "event"), TOO_LARGE.items())
def test_what_would_be_refused_there_is_not_sent(sentence: str, event: Event) -> None:
    with pytest.raises(EventTooLargeError, match=f"takes at most {sentence}"):
        pack(event)


def test_the_envelope_has_a_limit_too() -> None:
    largest = b"{" + b" " * (MAX_PAYLOAD - 2) + b"}"
    (event,) = unpack(live_line(ORIGIN) + pack(Event("e", largest))).events
    assert event.payload == largest
    with pytest.raises(EventTooLargeError, match="at most 31457280 bytes of data, got 31457281: s"):
        pack(Event("e", largest + b" "))


def packed(head: bytes, payload: bytes) -> bytes:
    return len(head).to_bytes(4, "big") + len(payload).to_bytes(4, "big") + head + payload


GOOD = pack(Event("news", b'{"event":"news"}'))
HEAD = b'{"event":"news"}'

BAD = {
    "nothing": b"",
    "no line": b"hello",
    "no origin": b"L \n" + GOOD,
    "another kind": b"X " + ORIGIN.encode() + b"\n" + GOOD,
    "an epoch that is none": f"H {ORIGIN} e/e 1-0 2-0\n".encode() + GOOD,
    "an offset that is none": f"H {ORIGIN} e 1-0-0 2-0\n".encode() + GOOD,
    "half a size": live_line(ORIGIN) + GOOD[:5],
    "half an event": live_line(ORIGIN) + GOOD[:-1],
    "a size beyond the end": live_line(ORIGIN) + b"\xff" * 8 + HEAD,
    "a head that is no JSON": live_line(ORIGIN) + packed(b"{", b"{}"),
    "a head without event": live_line(ORIGIN) + packed(b"{}", b"{}"),
    "a payload that is no UTF-8": live_line(ORIGIN) + packed(HEAD, b"{\xff}"),
    "a payload that is no object": live_line(ORIGIN) + packed(HEAD, b"[]"),
    "a pickle": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07builtins\x94.",
}
for rooms in (b"1", b"[1]", b'{"a":1}', b"[" + b'"a",' * 10_000 + b'"a"]'):
    head = b'{"event":"news","data":{"rooms":%s}}' % rooms
    BAD[f"rooms {rooms[:10]!r}"] = live_line(ORIGIN) + packed(head, b"{}")
BAD["without nothing"] = live_line(ORIGIN) + packed(
    b'{"event":"news","data":{"without":null}}', b"{}"
)


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(BadParcelError):
        unpack(data)


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(data: bytes) -> None:
    for start in (b"", live_line(ORIGIN), kept_line(ORIGIN, "e", (0, 0), (1, 0))):
        with contextlib.suppress(BadParcelError):
            unpack(start + data)

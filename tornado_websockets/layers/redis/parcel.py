"""What travels between processes: some events of one path. Pure: no I/O.

An event is two lengths, a head and the envelope that clients get. A parcel is a line and events; of
a path with a history the line says where they are. All of it is checked where it arrives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from struct import Struct
from typing import Any, Final, NamedTuple

from tornado_websockets.exceptions import EventTooLargeError, InvalidMessageError
from tornado_websockets.history import START, Offset, offset_text, parse_offset
from tornado_websockets.layers.event import Event
from tornado_websockets.message import decode, encode

__all__ = [
    "BadParcelError",
    "Parcel",
    "id_of",
    "kept_line",
    "live_line",
    "offset_of",
    "pack",
    "unpack",
    "unpack_events",
]

SIZES: Final = Struct(">II")
"""Bytes of the head of an event, and of its envelope."""

LINE: Final = re.compile(rb"L ([0-9a-f]{16})\n|H ([0-9a-f]{16}) (\w{1,64}) ([\d-]+) ([\d-]+)\n")

MAX_HEAD: Final = 1024 * 1024
MAX_NAMES: Final = 10_000
"""Rooms, or connections, that a head may name."""

MAX_PAYLOAD: Final = 30 * 1024 * 1024
"""Bytes of an envelope: with its head it is less than 32 MiB, which is what may wait here, and what
Redis keeps for a subscriber before it cuts the connection."""

ONE_ROOM: Final = "let those who are meant join one room, and send to that"


class BadParcelError(ValueError):
    """Raised by bytes that are no parcel."""


class Parcel(NamedTuple):
    """Some events of one path, in their order.

    Attributes:
        origin: id of the process that sends them.
        events: the events.
        epoch: what the offsets count; empty without a history.
        before: offset of the event before these.
        first: offset of the first of these; the others follow it in the second number.
    """

    origin: str
    events: list[Event]
    epoch: str = ""
    before: Offset = START
    first: Offset = START


def pack(event: Event) -> bytes:
    """Return an event as it travels.

    Raises:
        EventTooLargeError: `unpack` would refuse it, and what comes with it.
    """
    name, payload, rooms, without = event
    about: dict[str, Any] = {}
    if rooms is not None:
        _check(name, "rooms", len(rooms), MAX_NAMES, ONE_ROOM)
        about["rooms"] = list(rooms)
    if without:
        _check(name, "excluded connections", len(without), MAX_NAMES, ONE_ROOM)
        about["without"] = list(without)
    head = encode(name, about)
    _check(name, "bytes of names", len(head), MAX_HEAD, ONE_ROOM)
    _check(name, "bytes of data", len(payload), MAX_PAYLOAD, "send it in parts, or where it is")
    return SIZES.pack(len(head), len(payload)) + head + payload


def unpack(data: bytes) -> Parcel:
    """Return what a channel has brought.

    Raises:
        BadParcelError: it is no parcel.
    """
    line = LINE.match(data)
    if line is None:
        raise BadParcelError("it has no line")
    events = list(unpack_events(data, line.end()))
    if line[1] is not None:
        return Parcel(line[1].decode(), events)
    before, first = offset_of(line[4]), offset_of(line[5])
    return Parcel(line[2].decode(), events, line[3].decode(), before, first)


def unpack_events(data: bytes, at: int = 0) -> Iterator[Event]:
    """Return the events in some bytes, from a place on.

    Raises:
        BadParcelError: something else is there.
    """
    end = len(data)
    while at < end:
        if at + SIZES.size > end:
            raise BadParcelError("it ends too early")
        size, length = SIZES.unpack_from(data, at)
        at += SIZES.size
        body = at + size
        after = body + length
        if size > MAX_HEAD or after > end:
            raise BadParcelError("it ends too early")
        yield _event(data[at:body], data[body:after])
        at = after


def offset_of(text: bytes) -> Offset:
    """Return an offset.

    Raises:
        BadParcelError: it is none.
    """
    offset = parse_offset(text.decode("ascii", "replace"))
    if offset is None:
        raise BadParcelError("an offset is none")
    return offset


def id_of(payload: bytes) -> str:
    """Return the id at the end of an envelope that this process has made, see `numbered`."""
    return payload.rpartition(b',"id":"')[2][:-2].decode()


def live_line(origin: str) -> bytes:
    """Return the line of a parcel of events that are not kept, as Redis makes it too."""
    return f"L {origin}\n".encode()


def kept_line(origin: str, epoch: str, before: Offset, first: Offset) -> bytes:
    """Return the line of a parcel of a path with a history, as Redis makes it too."""
    return f"H {origin} {epoch} {offset_text(before)} {offset_text(first)}\n".encode()


def _check(event: str, what: str, count: int, limit: int, advice: str) -> None:
    if count > limit:
        raise EventTooLargeError(event, f"{limit} {what}", count, advice)


def _event(head: bytes, payload: bytes) -> Event:
    try:
        name, about = decode(head)
        # A browser ends the connection on a text that is not UTF-8, RFC 6455 section 8.1.
        payload.decode()
    except (InvalidMessageError, UnicodeDecodeError):
        raise BadParcelError("an event cannot be read") from None
    if not (payload.startswith(b"{") and payload.endswith(b"}")):
        raise BadParcelError("an envelope is none")
    if not about:
        return Event(name, payload)
    rooms, without = about.get("rooms"), about.get("without", [])
    if not ((rooms is None or _are_names(rooms)) and _are_names(without)):
        raise BadParcelError("it goes to something that has no name")
    return Event(name, payload, rooms, frozenset(without))


def _are_names(value: Any) -> bool:
    return (
        type(value) is list and len(value) <= MAX_NAMES and all(type(name) is str for name in value)
    )

"""What travels between processes: some events of one path. Pure: no I/O.

An event is two lengths, a head and the envelope that clients get. A parcel is a line and events; of
a path with a history the line says where they are. All of it is checked where it arrives.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from struct import Struct
from typing import Any, Final, NamedTuple

from tornado_websockets.exceptions import InvalidMessageError
from tornado_websockets.history import START, Offset, offset_text, parse_offset
from tornado_websockets.message import decode, encode

__all__ = [
    "BadParcelError",
    "Event",
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


class BadParcelError(ValueError):
    """Raised by bytes that are no parcel."""


class Event(NamedTuple):
    """One event.

    Attributes:
        name: the event's name.
        payload: its envelope in UTF-8.
        rooms: those whose connections get it, None for all of the path.
        without: the ids of connections that do not.
    """

    name: str
    payload: bytes
    rooms: Collection[str] | None = None
    without: Collection[str] = frozenset()


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
    """Return an event as it travels."""
    about: dict[str, Any] = {}
    if event.rooms is not None:
        about["rooms"] = list(event.rooms)
    if event.without:
        about["without"] = list(event.without)
    head = encode(event.name, about)
    return SIZES.pack(len(head), len(event.payload)) + head + event.payload


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

"""What a path keeps of the events that it has sent, and where a client is in them.

Pure: no I/O.
"""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any, Final, NamedTuple, TypeAlias

__all__ = [
    "RECOVERED",
    "START",
    "UNKNOWN",
    "History",
    "Offset",
    "Position",
    "check_event",
    "check_history",
    "offset_text",
    "parse_offset",
]

RECOVERED: Final = "recovered"
"""The event that tells a client where it is, on paths with a history."""

Offset: TypeAlias = tuple[int, int]
"""Where an event is among those of its path; greater ones come later, and some are left out."""

START: Final[Offset] = (0, 0)
"""Before the first event."""

OFFSET: Final = re.compile(r"(\d{1,20})-(\d{1,20})", re.ASCII)
WORD: Final = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)

MAX_SOCKETS: Final = 8
"""How many of a client's former connections are known."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class History:
    """How much of what is sent to all clients of a path is kept, for those who come back.

    What is beyond any of the bounds goes, the oldest first.

    Attributes:
        events: how many events.
        seconds: how old they get; None is any age.
        bytes: how large all of them are together; None is any size.

    Raises:
        ValueError: one of them is none that can be.
    """

    events: int = 100
    seconds: float | None = 300.0
    bytes: int | None = 8 * 1024 * 1024

    def __post_init__(self) -> None:
        for name, types in (("events", (int,)), ("seconds", (int, float)), ("bytes", (int,))):
            value = getattr(self, name)
            if value is None and name != "events":
                continue
            if type(value) not in types or not 0 < value < math.inf:
                raise ValueError(f"History({name}=…) must be a positive number, got {value!r}")


class Position(NamedTuple):
    """Where a client is in the events of a path.

    Attributes:
        epoch: names the history that the offset belongs to; empty when it is not known.
        offset: of the last event that the client has got.
        sockets: ids of the connections that it had, the last ones.
    """

    epoch: str
    offset: Offset
    sockets: frozenset[str]

    @classmethod
    def parse(cls, text: str) -> Position:
        """Return the position in a text like ``3f9c:1763-0:5be1,77a0``.

        A client may write there what it likes: what is no position is one that is not known.
        """
        epoch, _, rest = text.partition(":")
        offset, _, sockets = rest.partition(":")
        parsed, ids = parse_offset(offset), sockets.split(",", MAX_SOCKETS)[:MAX_SOCKETS]
        if parsed is None or not all(WORD.fullmatch(word) for word in (epoch, *ids)):
            return UNKNOWN
        return cls(epoch, parsed, frozenset(ids))


UNKNOWN: Final = Position("", START, frozenset())
"""The position of a client that has one which tells nothing."""


def offset_text(offset: Offset) -> str:
    """Return an offset as it is written, like ``1763-0``."""
    return f"{offset[0]}-{offset[1]}"


def parse_offset(text: str) -> Offset | None:
    """Return the offset that is written in a text, None when there is none."""
    match = OFFSET.fullmatch(text)
    return None if match is None else (int(match[1]), int(match[2]))


def check_history(history: Any) -> History | None:
    """Return what a path keeps.

    Args:
        history: a `History`, a number of events, or None.

    Raises:
        ValueError: it is something else.
    """
    if history is None or isinstance(history, History):
        return history
    if type(history) is not int or history < 1:
        raise ValueError(
            f"history must be a positive number of events, or a History(…), got {history!r}"
        )
    return History(events=history)


def check_event(event: str, history: History | None) -> None:
    """Refuse the name of an event that belongs to the server, on a path that keeps a history.

    Raises:
        ValueError: it is that of the event which tells a client where it is.
    """
    if event == RECOVERED and history is not None:
        raise ValueError(
            f"the event {RECOVERED!r} belongs to the server on paths with a history: name yours"
            " differently"
        )

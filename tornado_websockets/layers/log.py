"""The events that a process keeps of one path, for clients that come back."""

from __future__ import annotations

import secrets
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator
from operator import attrgetter
from typing import Final, NamedTuple

from tornado_websockets.history import START, History, Offset, Position, offset_text
from tornado_websockets.outgoing import Outgoing

__all__ = ["Entry", "Log", "numbered"]

_offset: Final = attrgetter("offset")


class Entry(NamedTuple):
    """One event.

    Attributes:
        offset: where it is.
        outgoing: what clients get, which has the offset in it.
        without: the ids of connections that do not get it.
        at_s: when it was added, on the log's clock.
    """

    offset: Offset
    outgoing: Outgoing
    without: Collection[str]
    at_s: float


class Log:
    """The last events of a path, within the bounds of its `History`.

    Pure but for the clock, which is given.

    Args:
        history: the bounds.
        clock: returns seconds.

    Attributes:
        epoch: names what the offsets count; empty until it is known.
        top: offset of the last event.
        floor: offset behind which nothing is missing: of the last event that was let go.
    """

    def __init__(self, history: History, clock: Callable[[], float]) -> None:
        self.history = history
        self.epoch = ""
        self.top = self.floor = START
        self._clock = clock
        self._bytes = 0
        self._entries: list[Entry] = []  # so that an offset is found by bisection

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def begin(self, epoch: str = "", at: Offset = START) -> None:
        """Forget everything, and begin behind an offset; without an epoch it is a new one."""
        self.epoch = epoch or secrets.token_hex(8)
        self.top = self.floor = at
        self._bytes = 0
        self._entries.clear()

    def append(self, offset: Offset, outgoing: Outgoing, without: Collection[str] = ()) -> Entry:
        """Add an event behind all others.

        Raises:
            ValueError: it is not behind them.
        """
        if offset <= self.top:
            raise ValueError(f"expected an offset beyond {self.top}, got {offset}")
        entry = Entry(offset, outgoing, without, self._clock())
        self._entries.append(entry)
        self._bytes += len(outgoing.payload)
        self.top = offset
        self.trim()
        return entry

    def trim(self) -> None:
        """Let go of what is beyond the bounds."""
        gone = 0
        while gone < len(self._entries) and not self._is_within(gone):
            self._bytes -= len(self._entries[gone].outgoing.payload)
            gone += 1
        if gone:
            self.floor = self._entries[gone - 1].offset
            del self._entries[:gone]

    def since(self, epoch: str, offset: Offset, limit: int | None = None) -> list[Entry] | None:
        """Return the events behind an offset, the oldest first.

        Args:
            epoch: that of the offset.
            offset: where to begin.
            limit: how many events at most.

        Returns:
            None when some of them are gone, or the offset is none of this log.
        """
        self.trim()
        if not epoch or epoch != self.epoch:
            return None
        place = bisect_right(self._entries, offset, key=_offset)
        if offset != self.floor and (not place or self._entries[place - 1].offset != offset):
            return None
        return self._entries[place : None if limit is None else place + limit]

    def covers(self, position: Position) -> bool:
        """Return whether it is known what comes behind a position, or that nobody knows."""
        return position.epoch == self.epoch and position.offset <= self.top

    # Private.

    def _is_within(self, gone: int) -> bool:
        """Return whether the rest is within the bounds, when so many have been let go."""
        history = self.history
        return (
            len(self._entries) - gone <= history.events
            and (history.bytes is None or self._bytes <= history.bytes)
            and (
                history.seconds is None
                or self._clock() - self._entries[gone].at_s <= history.seconds
            )
        )


def numbered(payload: bytes, offset: Offset | None, id: str | None = None) -> bytes:
    """Return the envelope of an event with its offset, or its id, as its last keys.

    Args:
        payload: the envelope, a JSON object that is not empty.
        offset: where the event is, None when it is not known yet.
        id: names an event that a client may get twice: without its offset, and then with it.
    """
    more = "" if id is None else f',"id":"{id}"'
    if offset is not None:
        more += f',"offset":"{offset_text(offset)}"'
    return payload[:-1] + more.encode() + b"}"

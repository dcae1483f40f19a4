"""The events that a process keeps of one path, for clients that come back."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from tornado_websockets.history import START, History, Offset, Position, offset_text
from tornado_websockets.outgoing import Outgoing

__all__ = ["Entry", "Log", "numbered"]


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
        self._entries: OrderedDict[Offset, Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

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
        self._entries[offset] = entry
        self._bytes += len(outgoing.payload)
        self.top = offset
        self.trim()
        return entry

    def trim(self) -> None:
        """Let go of what is beyond the bounds."""
        history, entries = self.history, self._entries
        oldest_s = None if history.seconds is None else self._clock() - history.seconds
        while entries:
            first = next(iter(entries.values()))
            is_within = (
                len(entries) <= history.events
                and (history.bytes is None or self._bytes <= history.bytes)
                and (oldest_s is None or first.at_s >= oldest_s)
            )
            if is_within:
                return
            del entries[first.offset]
            self._bytes -= len(first.outgoing.payload)
            self.floor = first.offset

    def since(self, epoch: str, offset: Offset) -> list[Entry] | None:
        """Return the events behind an offset, the oldest first.

        Returns:
            None when some of them are gone, or the offset is none of this log.
        """
        self.trim()
        if not epoch or epoch != self.epoch:
            return None
        if offset != self.floor and offset not in self._entries:
            return None
        found = []
        for entry in reversed(self._entries.values()):
            if entry.offset <= offset:
                break
            found.append(entry)
        return found[::-1]

    def covers(self, position: Position) -> bool:
        """Return whether it is known what comes behind a position, or that nobody knows."""
        return position.epoch == self.epoch and position.offset <= self.top


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

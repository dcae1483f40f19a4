"""One client that came back, on its way from where it was to what happens now."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Sequence
from itertools import islice
from typing import Final, NamedTuple

from tornado_websockets.history import Offset, Position
from tornado_websockets.layers.connection import Connection
from tornado_websockets.layers.log import Log
from tornado_websockets.outgoing import Outgoing

__all__ = ["Early", "Progress", "Replay"]

SHARE: Final = 200
"""Events that are sent in one turn of the event loop."""


class Early(NamedTuple):
    """An event that clients were sent before it is in the log.

    Attributes:
        outgoing: what they were sent, with its id: the same object until it is in the log.
        without: the ids of connections that do not get it.
    """

    outgoing: Outgoing
    without: Collection[str]


class Progress(enum.Enum):
    """How far a client has come."""

    BEHIND = enum.auto()
    """There is more to send."""
    DONE = enum.auto()
    """It has everything."""
    LOST = enum.auto()
    """The log has let go of what it would get next."""


class Replay:
    """What a client has missed, in shares that it can take.

    Args:
        log: has the events, and gets further ones meanwhile.
        connection: the client's.
        position: where it was.
        early: returns the events that other clients of this process have got, and that are not in
            the log yet, in their order.

    Attributes:
        offset: of the last event that it has got, or is not to get.
    """

    def __init__(
        self,
        log: Log,
        connection: Connection,
        position: Position,
        early: Callable[[], Sequence[Early]],
    ) -> None:
        self.offset: Offset = position.offset
        self._epoch = position.epoch
        self._sockets = position.sockets | {connection.id}
        self._log = log
        self._connection = connection
        self._early = early
        self._last: Outgoing | None = None  # of the early ones

    def count(self) -> int | None:
        """Return how many events there are for it in the log, None when some are gone."""
        entries = self._log.since(self._epoch, self.offset)
        if entries is None:
            return None
        return sum(self._sockets.isdisjoint(entry.without) for entry in entries)

    def skip(self) -> None:
        """Go to the end of the log, past what is missing."""
        self._epoch, self.offset = self._log.epoch, self._log.top

    def send(self) -> Progress:
        """Send the next share: as much as the client takes now.

        What it does not take stays where it is. It would be held for each client otherwise, and
        soon be more than may be held.
        """
        progress = self._send_kept()
        return self._send_early() if progress is Progress.DONE else progress

    # Private.

    def _send_kept(self) -> Progress:
        if not self._epoch and not self._log.epoch:  # nobody knows yet what is kept
            return Progress.DONE
        entries = self._log.since(self._epoch, self.offset, SHARE)
        if entries is None:
            return Progress.LOST
        for entry in entries:
            if self._connection.is_full:
                return Progress.BEHIND
            if self._sockets.isdisjoint(entry.without):
                self._connection.send(entry.outgoing)
            self.offset = entry.offset
        return Progress.DONE if self.offset == self._log.top else Progress.BEHIND

    def _send_early(self) -> Progress:
        events = self._early()
        sent = [event.outgoing is self._last for event in events]
        start = sent.index(True) + 1 if True in sent else 0
        for event in islice(events, start, start + SHARE):
            if self._connection.is_full:
                return Progress.BEHIND
            if self._sockets.isdisjoint(event.without):
                self._connection.send(event.outgoing)
            self._last = event.outgoing
        return Progress.DONE if len(events) <= start + SHARE else Progress.BEHIND

"""What waits to be sent on one path, in batches that may be sent again. Pure: no I/O."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Final, NamedTuple

from tornado_websockets.history import History
from tornado_websockets.layers.event import Event
from tornado_websockets.layers.redis.backoff import Backoff
from tornado_websockets.layers.redis.parcel import pack

__all__ = ["DAY_S", "Batch", "Lane", "Letter", "keep_s"]

MAX_EVENTS: Final = 250
"""Events of a batch; whoever gets it delivers all of them in one turn of its event loop."""

MAX_BYTES: Final = 256 * 1024
"""Bytes of a batch, unless it is a single event."""

DAY_S: Final = 24 * 3600


class Letter:
    """An event that waits.

    Args:
        event: the event.
        acknowledge: is called once: with None when Redis has it, or with what went wrong.
        id: what its envelope says, when it is to be kept.

    Attributes:
        is_acknowledged: whether Redis has it.
        packed: the event as it travels.
    """

    __slots__ = ("acknowledge", "event", "id", "is_acknowledged", "packed")

    def __init__(
        self,
        event: Event,
        acknowledge: Callable[[str | None], None] | None = None,
        *,
        id: str = "",
    ) -> None:
        self.event = event
        self.acknowledge = acknowledge
        self.id = id
        self.is_acknowledged = False
        self.packed = pack(event)


class Batch(NamedTuple):
    """Events of one path that are sent in one step, under one number however often."""

    number: int
    letters: list[Letter]


class Lane:
    """The events of one path that wait, in their order.

    Args:
        path: the path.
        history: what it keeps; None for events that are not kept.

    Attributes:
        batch: those that were sent last, until they are acknowledged.
        letters: those behind them.
        backoff: how long it rests when Redis does not take it.
        rests_until_s: when it is to be sent again, on the clock of the event loop.
    """

    def __init__(self, path: str, history: History | None) -> None:
        self.path = path
        self.history = history
        self.batch: Batch | None = None
        self.letters: collections.deque[Letter] = collections.deque()
        self.backoff = Backoff()
        self.rests_until_s = 0.0
        self._size = 0

    def __len__(self) -> int:
        return len(self.letters) + (0 if self.batch is None else len(self.batch.letters))

    @property
    def key(self) -> tuple[str, bool]:
        """What tells it from others: the path, and whether it is kept."""
        return self.path, self.history is not None

    @property
    def size(self) -> int:
        """Bytes that wait."""
        batch = self.batch  # another thread may ask
        sent = 0 if batch is None else sum(len(letter.packed) for letter in batch.letters)
        return sent + self._size

    @property
    def next_size(self) -> int:
        """Bytes that the next batch has, at most."""
        if self.batch is not None:
            return sum(len(letter.packed) for letter in self.batch.letters)
        return min(self._size, max(MAX_BYTES, len(self.letters[0].packed)))

    @property
    def waiting(self) -> list[Letter]:
        """All of them."""
        return [*(() if self.batch is None else self.batch.letters), *self.letters]

    def add(self, letter: Letter) -> None:
        """Let a letter wait behind the others."""
        self.letters.append(letter)
        self._size += len(letter.packed)

    def next_batch(self, number: int) -> Batch:
        """Return the batch to send: the last one again, or a new one with a number."""
        if self.batch is None:
            taken: list[Letter] = []
            size = 0
            while self.letters and len(taken) < MAX_EVENTS:
                size += len(self.letters[0].packed)
                if taken and size > MAX_BYTES:
                    break
                taken.append(self.letters.popleft())
            self._size -= sum(len(letter.packed) for letter in taken)
            self.batch = Batch(number, taken)
        return self.batch


def keep_s(history: History) -> int:
    """Return for how many seconds Redis knows a path that nobody serves or sends to."""
    return max(DAY_S, int(2 * (history.seconds or 0)))

"""What one client has heard of several publishers."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Final, NamedTuple

__all__ = ["Ledger", "Told"]

NEVER: Final = 0.0


class Told(NamedTuple):
    """A server has told whether the client gets what it has missed.

    Attributes:
        at_s: when, on the clock of `time.monotonic`.
        connected_s: since when the client was connected.
        recovered: None when it was there for the first time.
        missed: how many events follow.
    """

    at_s: float
    connected_s: float
    recovered: bool | None
    missed: int


class Ledger:
    """Notes which events came, when, and which came wrongly.

    Attributes:
        told: by servers, the oldest first.
        events: how many came, each counted once.
        duplicates: events that came again.
        disorder: events that came behind later ones of the same publisher.
    """

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.events = self.duplicates = self.disorder = 0
        # When each event of a publisher came, by its number.
        self._arrivals: dict[str, array[float]] = {}

    @property
    def returns(self) -> int:
        """How often a server has told where the client is, but for the first time."""
        return sum(told.recovered is not None for told in self.told)

    def add(self, publisher: str, number: int, at_s: float) -> None:
        """Note an event, whose number counts those of its publisher from 0."""
        arrivals = self._arrivals.get(publisher)
        if arrivals is None:
            arrivals = self._arrivals[publisher] = array("d")
        ahead = number - len(arrivals)
        if ahead >= 0:
            arrivals.extend([NEVER] * ahead)
            arrivals.append(at_s)
        elif arrivals[number] == NEVER:
            arrivals[number] = at_s
            self.disorder += 1
        else:
            self.duplicates += 1
            return
        self.events += 1

    def missing(self, counts: Mapping[str, int]) -> set[tuple[str, int]]:
        """Return publisher and number of the events that never came, of so many of each."""
        found: set[tuple[str, int]] = set()
        for publisher, count in counts.items():
            arrivals = self._arrivals.get(publisher, array("d"))
            found.update((publisher, n) for n, at in enumerate(arrivals) if at == NEVER)
            found.update((publisher, n) for n in range(len(arrivals), count))
        return found

    def delay_s(self, publisher: str, times: Mapping[int, float]) -> float:
        """Return the longest time from when an event was sent until it came."""
        arrivals = self._arrivals.get(publisher, array("d"))
        return max((at - times[n] for n, at in enumerate(arrivals) if at), default=NEVER)

    def last_s(self, sent: Mapping[str, Mapping[int, float]], before_s: float) -> float:
        """Return when the last came of the events that were sent before a moment."""
        last_s = NEVER
        for publisher, arrivals in self._arrivals.items():
            times = sent[publisher]
            came = (at for n, at in enumerate(arrivals) if at and times[n] < before_s)
            last_s = max(last_s, max(came, default=NEVER))
        return last_s

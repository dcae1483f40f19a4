"""What is seen of the events of one path: the first of each second, the others are counted.

Pure. The tap is on the path of every message, in whatever thread sends: for an event that is not
kept it costs a call and a comparison; what is kept is read later, elsewhere.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Collection
from typing import Any, Final, NamedTuple

from tws_admin.control import masking

__all__ = ["EVENTS_PER_S", "Event", "Sample", "shown"]

EVENTS_PER_S: Final = 20
"""Events of a path that are shown in a second; the others are counted."""

MAX_NAME: Final = 200
"""Characters of an event's name that are shown."""


class Event(NamedTuple):
    """One that is shown, as it came by."""

    time: float
    direction: str
    connection: str | None
    event: str
    envelope: str | bytes


class Window:
    """The events of a path within a second.

    Attributes:
        numbers: counts them: next() is atomic, as ``+= 1`` is not.
        events: the first of them.
    """

    __slots__ = ("events", "numbers")

    def __init__(self) -> None:
        self.numbers = itertools.count()
        self.events: deque[Event] = deque()


class Sample:
    """The events of a path that is inspected; its `tap` is shown all of them."""

    def __init__(self) -> None:
        self._window = Window()

    def tap(self, direction: str, socket: Any, event: str, envelope: str | bytes) -> None:
        """Count an event, and keep it if there is room; from any thread."""
        window = self._window
        if next(window.numbers) < EVENTS_PER_S:
            name = None if socket is None else socket.id
            window.events.append(Event(time.time(), direction, name, event, envelope))

    def take(self) -> tuple[Collection[Event], int]:
        """Return the events of the second that ends now, and how many there were besides."""
        ended, self._window = self._window, Window()
        events = list(ended.events)
        return events, next(ended.numbers) - len(events)


def shown(events: Collection[Event]) -> list[dict[str, Any]]:
    """Return what viewers get of events; takes a while, so not on the event loop."""
    return [
        {
            "time": each.time,
            "direction": each.direction,
            "connection": each.connection,
            "event": each.event[:MAX_NAME],
            **masking.show(each.envelope)._asdict(),
        }
        for each in events
    ]

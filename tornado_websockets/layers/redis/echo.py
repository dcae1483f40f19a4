"""What this process has sent on a path, and has not come back from Redis yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from tornado_websockets.layers.redis.lane import Letter
from tornado_websockets.layers.replay import Early
from tornado_websockets.outgoing import Outgoing

__all__ = ["PATIENCE_S", "Echo"]

PATIENCE_S: Final = 1.0
"""Seconds after which the clients of this process get an event although Redis has not sent it."""

MAX_EVENTS: Final = 20_000
"""Events that newcomers are sent early, at most."""


class Echo:
    """Delivers the events of a path early when they take too long: all of them, in their order.

    Either all that have not come back are early, or none is: an event that is delivered at once
    would otherwise be before one that still waits.

    Args:
        deliver: sends an event to the clients of this process.
    """

    def __init__(self, deliver: Callable[[Early], None]) -> None:
        self._deliver = deliver
        self._waiting: dict[str, tuple[Letter, float]] = {}
        self._early: dict[str, tuple[Letter, Early]] = {}
        self._list: Sequence[Early] | None = ()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def early(self) -> Sequence[Early]:
        """What was delivered early, in its order."""
        if self._list is None:
            self._list = [early for _letter, early in self._early.values()]
        return self._list

    def add(self, letter: Letter, *, at_once: bool) -> None:
        """Wait for a letter, or deliver it, and those before it, at once."""
        loop = asyncio.get_running_loop()
        self._waiting[letter.id] = (letter, loop.time())
        if at_once or self._early:
            self._hurry()
        elif self._timer is None:
            self._timer = loop.call_later(PATIENCE_S, self._look)

    def heard(self, id: str) -> None:
        """Forget an event that has come back, and those before it, which have, or never will."""
        for letters in (self._early, self._waiting):
            if id in letters:
                while next(iter(letters)) != id:
                    del letters[next(iter(letters))]
                del letters[id]
                self._list = None

    def forget(self) -> None:
        """Forget what Redis has had, when it is known that it has lost something."""
        self._waiting = {
            id: each for id, each in self._waiting.items() if not each[0].is_acknowledged
        }
        self._early = {id: each for id, each in self._early.items() if not each[0].is_acknowledged}
        self._list = None

    def stop(self) -> None:
        """Forget everything."""
        self._waiting.clear()
        self._early.clear()
        self._list = ()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # Private.

    def _look(self) -> None:
        loop, self._timer = asyncio.get_running_loop(), None
        for _letter, at_s in self._waiting.values():
            due_s = at_s + PATIENCE_S
            if due_s <= loop.time():
                self._hurry()
            else:
                self._timer = loop.call_at(due_s, self._look)
            return

    def _hurry(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for id, (letter, _at_s) in waiting.items():
            event = letter.event
            early = Early(Outgoing(event.name, event.payload), event.without)
            self._early[id] = (letter, early)
            self._deliver(early)
        while len(self._early) > MAX_EVENTS:
            del self._early[next(iter(self._early))]
        self._list = None

"""How much may wait for a Redis server. Pure: no I/O."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from tornado_websockets.exceptions import LayerUnavailableError
from tornado_websockets.layers.redis.lane import Lane

__all__ = ["Allowance"]

MAX_EVENTS: Final = 20_000
"""Events that wait, at most."""

MAX_BYTES: Final = 32 * 1024 * 1024
"""Bytes of them."""

SHARE: Final = 10
"""A path that the server refuses, while it takes others, has one part of so many."""


class Allowance:
    """Counts what waits, in the thread that sends, so that it is told when there is too much.

    Args:
        name: what the server is called.
        reason: returns why so much waits, when it does.
    """

    def __init__(self, name: str, reason: Callable[[], str]) -> None:
        self._name = name
        self._reason = reason
        self._lock = threading.Lock()
        self._events = self._bytes = 0
        self._refused: dict[str, tuple[Lane, str]] = {}

    def take(self, path: str, size: int) -> None:
        """Count one more event; from any thread.

        Args:
            path: where it is sent.
            size: bytes of it.

        Raises:
            LayerUnavailableError: there is too much.
        """
        with self._lock:
            lane, refusal = self._refused.get(path, (None, ""))
            if lane is not None and (
                len(lane) >= MAX_EVENTS // SHARE or lane.size + size > MAX_BYTES // SHARE
            ):
                text = f"{len(lane)} events of it wait, which {self._name} refuses: {refusal}"
                raise LayerUnavailableError(path, text)
            if self._events >= MAX_EVENTS or self._bytes + size > MAX_BYTES:
                text = f"{self._events} events wait for {self._name}: {self._reason()}"
                raise LayerUnavailableError(path, text)
            self._events += 1
            self._bytes += size

    def give_back(self, events: int, size: int) -> None:
        """Count events that wait no longer."""
        with self._lock:
            self._events -= events
            self._bytes -= size

    def refuse(self, lane: Lane, reason: str) -> None:
        """Bound what waits on a path from now on, for nobody knows when it is taken."""
        self._refused[lane.path] = lane, reason

    def admit(self, lane: Lane) -> None:
        """Bound it no more than the others."""
        if self._refused.get(lane.path, (None, ""))[0] is lane:
            del self._refused[lane.path]

"""The messages of one connection that wait for their callbacks, strictly in order."""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Awaitable, Callable
from typing import Any

from tornado_websockets.events import Callback, inside_callback
from tornado_websockets.runtime import runtime

__all__ = ["Inbox"]


class Inbox:
    """Hands one message after another to a connection's callbacks.

    Reading goes on while a callback runs, so that pings are answered and a close is seen; it
    pauses only when too many messages wait.
    """

    __slots__ = ("_handle", "_is_running", "_limit", "_room", "_waiting")

    def __init__(
        self, handle: Callable[[Callback, Any], Awaitable[None]], *, limit: int | None
    ) -> None:
        self._handle = handle
        self._limit = limit
        self._waiting: collections.deque[tuple[Callback, Any]] = collections.deque()
        self._room: asyncio.Future[None] | None = None
        self._is_running = False

    @property
    def is_full(self) -> bool:
        """True from the message that is too many until there is room."""
        return self._room is not None

    def put(self, callback: Callback, data: Any) -> asyncio.Future[None] | None:
        """Add a message; when the inbox is full, return what resolves once there is room."""
        self._waiting.append((callback, data))
        if not self._is_running:
            self._is_running = True
            runtime.spawn(self._run())
        if self._limit is None or len(self._waiting) <= self._limit:
            return None
        if self._room is None:
            self._room = asyncio.get_running_loop().create_future()
        return self._room

    async def _run(self) -> None:
        # A task has a context of its own, so this holds for its callbacks and what they start.
        inside_callback.set(True)
        try:
            while self._waiting:
                callback, data = self._waiting.popleft()
                self._make_room()
                await self._handle(callback, data)
        finally:
            self._is_running = False

    def _make_room(self) -> None:
        if self._room is not None and len(self._waiting) <= (self._limit or 0):
            self._room.set_result(None)
            self._room = None

"""The messages of one connection that wait for their callbacks, strictly in order."""

from __future__ import annotations

import asyncio
import collections
import inspect
import sys
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from time import perf_counter_ns
from typing import Any, Final, Protocol

from tornado_websockets.events import Callback, inside_callback
from tornado_websockets.runtime import runtime

__all__ = ["Inbox", "Reader"]


class Reader(Protocol):
    """What an inbox fills from."""

    def stop_reading(self) -> None: ...
    def start_reading(self) -> None: ...


class HasContext(Protocol):
    """What a `WebSocket` is to an inbox."""

    context: Any


class Inbox:
    """Hands one message after another to a connection's callbacks.

    A coroutine runs in place and becomes a task when it waits; a plain function runs in a thread.
    Reading goes on meanwhile, so that pings are answered and a close is seen; it pauses only while
    too many messages wait.

    Args:
        socket: what callbacks get as ``socket``.
        websocket: has what they get as ``self``, its ``context``.
        failed: is told of a callback that raised, and what.
        limit: how many messages may wait; None for any number.
    """

    __slots__ = (
        "_current",
        "_failed",
        "_limit",
        "_reader",
        "_socket",
        "_started_ns",
        "_waiting",
        "_websocket",
    )

    def __init__(
        self,
        socket: Any,
        websocket: HasContext,
        failed: Callable[[Callback, BaseException], None],
        *,
        limit: int | None,
    ) -> None:
        self._socket = socket
        self._websocket = websocket
        self._failed = failed
        self._limit = limit
        self._reader: Reader | None = None
        self._current: Callback | None = None
        self._started_ns = 0
        self._waiting: collections.deque[tuple[Callback, Any]] | None = None

    def put(self, callback: Callback, data: Any, reader: Reader | None = None) -> None:
        """Call a callback, after all that was put before; pause the reader when that is too much.

        Args:
            callback: what to call.
            data: what it gets as ``data``.
            reader: where the message came from; None for what no client has sent.
        """
        if self._current is None:
            self._run(callback, data)
            return
        if self._waiting is None:
            self._waiting = collections.deque()
        self._waiting.append((callback, data))
        if reader is not None and self._limit is not None and len(self._waiting) > self._limit:
            self._reader = reader
            reader.stop_reading()

    # Private.

    def _run(self, callback: Callback, data: Any) -> None:
        """Run callbacks until one waits, or none is left."""
        while True:
            # Set before the call: a message that comes during it has to wait.
            self._current = callback
            self._started_ns = perf_counter_ns()
            future: asyncio.Future[Any]
            if callback.is_coroutine:
                future = _task(callback.call(self._websocket.context, self._socket, data))
            else:
                future = self._start(callback, data)
            if not future.done():
                self._wait_for(future)
                return
            if not (self._has_ended(callback, future) and self._waiting):
                return
            callback, data = self._next()

    def _start(self, callback: Callback, data: Any) -> asyncio.Future[Any]:
        """Call what is no coroutine: a Tornado coroutine here, a plain function in a thread."""
        values = (self._websocket.context, self._socket, data)
        call = runtime.run_here if callback.is_async else runtime.in_thread
        return call(callback.call, *values, context=_template.copy())

    def _wait_for(self, future: asyncio.Future[Any]) -> None:
        runtime.keep(future)
        future.add_done_callback(self._resume)

    def _resume(self, future: asyncio.Future[Any]) -> None:
        callback = self._current
        assert callback is not None
        if self._has_ended(callback, future) and self._waiting:
            self._run(*self._next())

    def _has_ended(self, callback: Callback, future: asyncio.Future[Any]) -> bool:
        """Take the result of a callback, and return False when that has to be waited for itself."""
        try:
            result = future.result()
            if result is not None and inspect.isawaitable(result):
                # A plain function gave a coroutine.
                self._wait_for(_task(_await(result)))
                return False
        except BaseException as error:  # noqa: BLE001  of a user, be it sys.exit()
            self._failed(callback, error)
        callback.stats.latency.add(perf_counter_ns() - self._started_ns)
        self._current = None
        return True

    def _next(self) -> tuple[Callback, Any]:
        assert self._waiting
        item = self._waiting.popleft()
        if self._reader is not None and len(self._waiting) <= (self._limit or 0) // 2:
            self._reader.start_reading()
            self._reader = None
        return item


def _task(coroutine: Coroutine[Any, Any, Any]) -> asyncio.Future[Any]:
    loop = asyncio.get_running_loop()
    # An eager task takes its first step in place: most callbacks never meet the event loop.
    if sys.version_info >= (3, 12):
        try:
            return asyncio.Task(coroutine, loop=loop, eager_start=True, context=_template.copy())
        except BaseException as error:  # noqa: BLE001  sys.exit() in it, which a task lets through
            future = loop.create_future()
            future.set_exception(error)
            return future
    return loop.create_task(coroutine, context=_template.copy())


async def _await(awaitable: Any) -> Any:
    return await awaitable


_template: Final = copy_context()
_template.run(inside_callback.set, True)

"""The server's event loop and its threads, for code that runs on the other side.

A callback written as plain ``def`` runs in a thread, with Django's connection hygiene; whatever a
thread sends comes back to the event loop here, in order.
"""

from __future__ import annotations

import asyncio
import collections
import contextvars
import functools
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from django.db import close_old_connections

__all__ = ["Runtime", "runtime"]

logger = logging.getLogger("tornado_websockets")


class Runtime:
    """The event loop that serves, and the thread pool beside it.

    Attributes:
        loop: the event loop, None while no server runs in this process.
        in_thread: how a plain function is run off the loop; `tornado_websockets.testing` replaces
            it to share the thread, and so the transaction, of a Django test.
    """

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.in_thread: Callable[..., Any] = self.run_in_pool
        self._loop_thread: int | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._calls: collections.deque[Callable[[], Any]] = collections.deque()
        self._hop_lock = threading.Lock()
        self._hop_scheduled = False

    @property
    def is_running(self) -> bool:
        """True between `start` and `stop`."""
        return self.loop is not None

    def start(self, *, threads: int) -> None:
        """Adopt the running event loop and open a pool of threads for callbacks."""
        self.loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="tornado_websockets-event")

    async def stop(self, *, timeout_s: float) -> None:
        """Let running callbacks finish, cancel those that take longer, leave the event loop."""
        if self._tasks:
            _done, late = await asyncio.wait(self._tasks, timeout=timeout_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        pool, self._pool = self._pool, None
        if pool is not None:
            # A thread cannot be cancelled: one that still runs is left to end by itself.
            pool.shutdown(wait=False, cancel_futures=True)
        self._drain()
        self.loop = self._loop_thread = None

    def call(self, function: Callable[..., Any], *args: Any) -> None:
        """Call a function on the event loop: at once from there, soon from any other thread.

        Calls from one thread keep their order, and come before the end of the callback that
        made them is seen by the loop. After the server has stopped they are dropped, with the
        connections that they were meant for.
        """
        if threading.get_ident() == self._loop_thread:
            function(*args)
            return
        with self._hop_lock:
            self._calls.append(functools.partial(function, *args))
            if self._hop_scheduled or self.loop is None:
                return
            self._hop_scheduled = True
            try:
                self.loop.call_soon_threadsafe(self._drain)
            except RuntimeError:  # the loop closed between two emits of a thread
                self._hop_scheduled = False

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine as a task that is kept until it ends, and waited for by `stop`."""
        task = asyncio.create_task(coroutine)
        # The event loop itself keeps weak references only.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def run_in_pool(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a function in the pool, within a copy of the context, and return its result."""
        assert self.loop is not None
        context = contextvars.copy_context()
        call = functools.partial(context.run, with_fresh_connections, function, *args)
        return await self.loop.run_in_executor(self._pool, call)

    def _drain(self) -> None:
        with self._hop_lock:
            self._hop_scheduled = False
            calls, self._calls = self._calls, collections.deque()
        for call in calls:
            try:
                call()
            except Exception:
                logger.exception("a call from a thread failed on the event loop")


def with_fresh_connections(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function between two ``close_old_connections``, as Django does with a request."""
    close_old_connections()
    try:
        return function(*args)
    finally:
        close_old_connections()


runtime: Final = Runtime()

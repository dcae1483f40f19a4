"""The server's event loop and its threads, for code that runs on the other side.

A callback written as plain ``def`` runs in a thread, with Django's connection hygiene; whatever a
thread sends comes back to the event loop here, in order.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import contextvars
import functools
import logging
import os
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Final

from tornado_websockets.process import LoopLag, ThreadLoad
from tornado_websockets.threads import Threads

__all__ = ["Runtime", "runtime"]

logger = logging.getLogger("tornado_websockets")


CANCEL_TIMEOUT_S: Final = 1.0
"""How long a cancelled callback has to clean up."""


class Runtime:
    """The event loop that serves, and the thread pool beside it.

    Attributes:
        loop: the event loop, None while no server runs in this process.
        is_stopping: True when the server accepts no more connections, because it ends.
        threads: how busy the pool is.
        lag: how late the event loop is.
        in_thread: how a plain function is run off the loop; `tornado_websockets.testing` replaces
            it to share the thread, and so the transaction, of a Django test.
    """

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.is_stopping = False
        self.in_thread: Callable[..., asyncio.Future[Any]] = self.run_in_pool
        self.threads = ThreadLoad()
        self.lag = LoopLag()
        self.thread: int | None = None
        self._threads: Threads | None = None
        self._tasks: set[asyncio.Future[Any]] = set()
        self._calls: collections.deque[tuple[Callable[..., Any], tuple[Any, ...]]] = (
            collections.deque()
        )
        self._is_hop_scheduled = False

    @property
    def is_running(self) -> bool:
        """True between `start` and `stop`."""
        return self.loop is not None

    @property
    def is_here(self) -> bool:
        """True on the thread of the event loop."""
        return threading.get_ident() == self.thread

    def start(self, *, threads: int) -> None:
        """Adopt the running event loop and open a pool of threads for callbacks."""
        self.loop = asyncio.get_running_loop()
        self.thread = threading.get_ident()
        self._is_hop_scheduled = False
        self.is_stopping = False
        self.threads.size = threads
        self.lag.start()
        self._threads = Threads(threads, "tornado_websockets-event")

    async def stop(
        self,
        *,
        timeout_s: float,
        cancel_s: float = CANCEL_TIMEOUT_S,
        last: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Let running callbacks finish, cancel those that take longer, leave the event loop.

        Args:
            timeout_s: how long they may take.
            cancel_s: and those that are cancelled.
            last: is awaited when none of them runs any more, but what they sent is still taken.
        """
        self.lag.stop()
        if self._tasks:
            _done, late = await asyncio.wait(self._tasks, timeout=timeout_s)
            for task in late:
                logger.error("a callback did not end in time: %r", task)
                task.cancel()
            if late:  # one may refuse to be cancelled
                await asyncio.wait(late, timeout=cancel_s)
        pool, self._threads = self._threads, None
        if pool is not None:
            pool.stop()
            # A thread cannot be cancelled: one that still runs then ends with the process.
            if not await asyncio.to_thread(pool.join, cancel_s):
                logger.error("a callback in a thread did not end in time")
        self._drain()
        if last is not None:
            await last()
        self.loop = self.thread = None

    def forget(self) -> None:
        """Know of no server: it is that of the process which has forked this one."""
        self.loop = self.thread = None

    def call(self, function: Callable[..., Any], *args: Any) -> None:
        """Call a function on the event loop: at once from there, soon from any other thread.

        Calls from one thread keep their order, and come before the end of the callback that
        made them is seen by the loop. After the server has stopped they are dropped, with the
        connections that they were meant for.
        """
        if threading.get_ident() == self.thread:
            function(*args)
            return
        loop = self.loop
        if loop is None:
            return
        # One hop serves all calls that are there when it arrives. No lock is needed: the call is
        # added before the flag is read, and the flag is cleared before the calls are taken.
        self._calls.append((function, args))
        if not self._is_hop_scheduled:
            self._is_hop_scheduled = True
            with contextlib.suppress(RuntimeError):  # the loop has closed meanwhile
                loop.call_soon_threadsafe(self._drain)

    def keep(self, task: asyncio.Future[Any]) -> None:
        """Keep a task until it ends, so that `stop` waits for it."""
        # The event loop itself keeps weak references only.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def run_here(
        self, function: Callable[..., Any], *args: Any, context: contextvars.Context
    ) -> asyncio.Future[Any]:
        """Call a function that returns an awaitable, such as a Tornado coroutine, on the loop."""
        assert self.loop is not None
        future: asyncio.Future[Any]
        try:
            future = asyncio.ensure_future(context.run(function, *args), loop=self.loop)
        except BaseException as error:  # noqa: BLE001  of a user, as in a coroutine or a thread
            future = self.loop.create_future()
            future.set_exception(error)
        return future

    def run_in_pool(
        self, function: Callable[..., Any], *args: Any, context: contextvars.Context
    ) -> asyncio.Future[Any]:
        """Run a function in a thread, within a context; the future has its result."""
        assert self.loop is not None and self._threads is not None
        future: asyncio.Future[Any] = self.loop.create_future()
        self.threads.count(future)

        def settle(result: Any, error: BaseException | None) -> None:
            self.call(_settle, future, result, error)

        self._threads.submit(functools.partial(context.run, function, *args), settle)
        return future

    def _drain(self) -> None:
        self._is_hop_scheduled = False
        for _ in range(len(self._calls)):  # those that come meanwhile have a hop of their own
            function, args = self._calls.popleft()
            try:
                function(*args)
            except Exception:
                logger.exception("a call from a thread failed on the event loop")


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():  # it was cancelled meanwhile
        return
    if error is None:
        future.set_result(result)
    elif isinstance(error, StopIteration):  # which a future refuses
        future.set_exception(RuntimeError("the callback raised StopIteration"))
    else:
        future.set_exception(error)


runtime: Final = Runtime()

# What a child of a server sends would wait for an event loop that does not run there.
os.register_at_fork(after_in_child=runtime.forget)

"""The way of a response from the application's thread to the client, with backpressure."""

from __future__ import annotations

import asyncio
import enum
import functools
import threading
from collections import deque
from collections.abc import Callable

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPServerRequest

from tornado_websockets.wsgi.body import ClientGone
from tornado_websockets.wsgi.head import Head

# Bytes that may wait for the client before the application has to.
HIGH_WATER = 1024 * 1024
# Bytes given to Tornado at once, so that a slow client shows progress.
WRITE_SIZE = 256 * 1024
# Seconds without progress after which a client that does not read is given up.
STALL_S = 60.0


class End(enum.Enum):
    """How the response of an exchange ends."""

    FINISH = "finish"  # complete, the connection is good for another request
    CLOSE = "close"  # complete, the connection closes when the request has been read
    ABORT = "abort"  # incomplete: the connection closes at once so that the client can tell


class Output:
    """Bytes that the application has sent and the client has not got yet."""

    def __init__(
        self,
        request: HTTPServerRequest,
        connection: HTTP1Connection,
        loop: asyncio.AbstractEventLoop,
        on_end: Callable[[End, asyncio.Future[None]], None],
    ) -> None:
        self._request = request
        self._connection = connection
        self._loop = loop
        self._on_end = on_end
        # Guards everything down to the blank line: the thread adds, the loop takes.
        self._changed = threading.Condition()
        self._head: Head | None = None
        self._chunks: deque[bytes | memoryview] = deque()
        self._unsent = 0
        self._end: End | None = None
        self._gone = False
        self._cut = False
        self._draining = False

        # Only on the loop. Tornado forgets the future of a write when another write follows it
        # before it is done, so there is never more than one.
        self._write: asyncio.Future[None] | None = None

    # The application's thread

    def send(self, data: bytes, *, head: Head | None = None, end: End | None = None) -> None:
        """Send bytes, after a head or before the end if given; wait while too many are unsent.

        Raises:
            ClientGone: the client closed the connection or did not read for STALL_S seconds, or
                the server stops and this is not the end.
        """
        with self._changed:
            if self._gone or (self._cut and end is None):
                raise ClientGone
            self._head = head or self._head
            self._chunks.extend(_pieces(data))
            self._unsent += len(data)
            self._end = end
            if not self._draining:
                self._draining = True
                self._call_loop(self._drain)
            # The last bytes need no thread.
            while end is None and self._is_full():
                unsent = self._unsent
                if not self._changed.wait(STALL_S) and self._unsent == unsent:
                    raise ClientGone

    def close(self) -> None:
        """Close the connection without another byte."""
        with self._changed:
            self._gone = True
            self._call_loop(self._connection.close)

    # Any thread

    @property
    def gone(self) -> bool:
        return self._gone

    def hang_up(self) -> None:
        """Make every further send() fail: the client has gone."""
        with self._changed:
            self._gone = True
            self._chunks.clear()
            self._changed.notify()

    def cut(self) -> None:
        """Make every further send() fail that does not end the response: the server stops."""
        with self._changed:
            self._cut = True
            self._changed.notify()

    # Private

    def _is_full(self) -> bool:
        return self._unsent > HIGH_WATER and not self._gone and not self._cut

    def _call_loop(self, callback: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(callback)
        except RuntimeError:  # the loop is closed: the server has stopped
            self._gone = True

    def _drain(self) -> None:
        while True:
            with self._changed:
                batch = self._take()
                head, self._head = self._head, None
                end = self._end if not self._chunks else None
                self._draining = bool(batch) or end is not None
                if self._gone or not self._draining:
                    return
            self._write = self._pass_on(head, batch)
            if self._write.done() and self._write.exception() is not None:
                self.hang_up()
                return
            if end is not None:
                self._on_end(end, self._write)
                return
            if not self._write.done():
                self._write.add_done_callback(functools.partial(self._resume, len(batch)))
                return
            self._flushed(len(batch))

    def _take(self) -> bytes:
        batch: list[bytes | memoryview] = []
        size = 0
        while self._chunks and size < WRITE_SIZE:
            batch.append(self._chunks.popleft())
            size += len(batch[-1])
        return b"".join(batch)

    def _pass_on(self, head: Head | None, batch: bytes) -> asyncio.Future[None]:
        if head is not None:
            if head.until_close:
                # Tornado would promise a keep-alive to a client that asked for one.
                self._request.headers.pop("Connection", None)
                head.headers["Connection"] = "close"
            return self._connection.write_headers(head.start_line, head.headers, batch)
        if batch or self._write is None:
            return self._connection.write(batch)
        return self._write

    def _resume(self, size: int, _write: asyncio.Future[None]) -> None:
        self._flushed(size)
        self._drain()

    def _flushed(self, size: int) -> None:
        with self._changed:
            self._unsent -= size
            self._changed.notify()


def _pieces(data: bytes) -> list[bytes | memoryview]:
    if not data:
        return []
    if len(data) <= WRITE_SIZE:
        return [data]
    view = memoryview(data)
    return [view[start : start + WRITE_SIZE] for start in range(0, len(data), WRITE_SIZE)]

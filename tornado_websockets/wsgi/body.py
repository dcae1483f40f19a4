"""The body of a request: written by the event loop, read by the application in its thread."""

from __future__ import annotations

import asyncio
import contextlib
import io
import threading
from collections import deque
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, TypeAlias

from tornado.concurrent import future_set_result_unless_cancelled

if TYPE_CHECKING:
    from wsgiref.types import InputStream

    from _typeshed import WriteableBuffer

# Bodies up to this many bytes are complete before a thread is spent on them; the application
# starts on a longer one when so much of it is there.
START_SIZE = 64 * 1024
# Bytes held for the application before the client is made to wait.
HIGH_WATER = 256 * 1024
# Bytes of a body of unknown length that stay in memory; a longer one goes to a temporary file.
SPOOL_SIZE = 1024 * 1024
# Seconds without a byte after which the thread stops waiting for the client.
STALL_S = 60.0


class ClientGone(ConnectionResetError):
    """The client closed the connection before it had sent, or read, everything."""


class SpooledBody:
    """A body that is collected first: a short one, or one of unknown length (sent in chunks).

    Django reads no further than CONTENT_LENGTH, so a body without it must be counted before.
    """

    def __init__(self) -> None:
        self.length = 0
        self.ready = False
        self._file = SpooledTemporaryFile(max_size=SPOOL_SIZE)  # noqa: SIM115 - see close()

    def receive(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self.length += len(chunk)

    def complete(self) -> None:
        self._file.seek(0)
        self.ready = True

    def open(self) -> InputStream:
        return self._file

    def discard(self) -> None:
        # Once it is ready it belongs to the application's thread, which calls close().
        if not self.ready:
            self._file.close()

    abort = discard

    def close(self) -> None:
        self._file.close()


class StreamedBody(io.RawIOBase):
    """A long body of known length, which the application reads while it arrives."""

    def __init__(self, length: int, loop: asyncio.AbstractEventLoop) -> None:
        self.length = length
        self._loop = loop
        # Guards everything below: the loop writes, the thread reads.
        self._changed = threading.Condition()
        self._chunks: deque[memoryview] = deque()
        self._received = 0
        self._buffered = 0
        self._complete = False
        self._discarded = False
        self._aborted = False
        # Resolved when there is room again; Tornado reads nothing from the client until then.
        self._room: asyncio.Future[None] | None = None

    # Event loop

    @property
    def ready(self) -> bool:
        return self._received >= START_SIZE

    def receive(self, chunk: bytes) -> asyncio.Future[None] | None:
        with self._changed:
            if self._discarded:
                return None
            self._chunks.append(memoryview(chunk))
            self._received += len(chunk)
            self._buffered += len(chunk)
            self._changed.notify()
            if self._buffered > HIGH_WATER:
                self._room = self._loop.create_future()
            return self._room

    def complete(self) -> None:
        with self._changed:
            self._complete = True
            self._changed.notify()

    def open(self) -> InputStream:
        return io.BufferedReader(self, START_SIZE)

    def discard(self) -> None:
        """Drop what is here and what still comes: nobody will read it."""
        with self._changed:
            self._discarded = True
            self._chunks.clear()
            self._make_room()

    def abort(self) -> None:
        """Make the application's reading fail: the rest will never come."""
        with self._changed:
            self._aborted = True
            self._changed.notify()

    # The application's thread

    def close(self) -> None:
        self.discard()
        super().close()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill the buffer with what has come, waiting for the first byte.

        Raises:
            ClientGone: the client went away before it had sent everything.
            TimeoutError: the client sent nothing for STALL_S seconds.
        """
        with self._changed:
            if not self._changed.wait_for(self._settled, STALL_S):
                raise TimeoutError(f"The client sent nothing of its request for {STALL_S:g} s.")
            if self._aborted and not self._complete:
                raise ClientGone("The client went away in the middle of its request.")
            return self._take(memoryview(buffer).cast("B"))

    # Private; the lock is held

    def _settled(self) -> bool:
        return bool(self._chunks) or self._complete or self._aborted or self._discarded

    def _take(self, buffer: memoryview) -> int:
        if not self._chunks:
            return 0
        chunk = self._chunks.popleft()
        size = min(len(buffer), len(chunk))
        buffer[:size] = chunk[:size]
        if size < len(chunk):
            self._chunks.appendleft(chunk[size:])
        self._buffered -= size
        if self._buffered <= HIGH_WATER // 2:
            self._make_room()
        return size

    def _make_room(self) -> None:
        room, self._room = self._room, None
        if room is not None:
            # A closed loop has nobody left who waits.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(future_set_result_unless_cancelled, room, None)


Body: TypeAlias = SpooledBody | StreamedBody

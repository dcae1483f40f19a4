"""How long the body of a request may take: as long as it keeps coming.

A timeout for a whole body would cut a long upload, and one for a pause would let a client that
sends a byte now and then stay for ever. So time is earned by what is sent.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable
from typing import Any, Final

from tornado.http1connection import HTTP1Connection
from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
)

from tornado_websockets.limits.loggate import LogGate

__all__ = ["HEAD_TIMEOUT_S", "PatientDelegate"]

security = logging.getLogger("tornado_websockets.security")

HEAD_TIMEOUT_S: Final = 15.0
"""Seconds for the head of a request, from the connection or the last answer; for TLS as well."""

BODY_TIMEOUT_S: Final = 15.0
"""Seconds that a client has in hand at most for the next part of a body."""

BODY_RATE: Final = 500.0
"""Bytes of a body that earn a second: nobody on a telephone is as slow."""

_gate = LogGate(time.monotonic)


class PatientDelegate(HTTPMessageDelegate):
    """Passes on a request, and closes its connection when the body comes too slowly.

    Args:
        delegate: gets the request.
        connection: is closed.
    """

    __slots__ = ("_connection", "_deadline", "_delegate", "_is_waiting", "_loop", "_timer")

    def __init__(self, delegate: HTTPMessageDelegate, connection: HTTP1Connection) -> None:
        self._delegate = delegate
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._deadline = 0.0
        self._is_waiting = False  # for the application to take what has come
        self._timer: asyncio.TimerHandle | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        if "Content-Length" in headers or "Transfer-Encoding" in headers:
            self._deadline = self._loop.time() + BODY_TIMEOUT_S
            self._timer = self._loop.call_at(self._deadline, self._check)
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        earned = self._deadline + len(chunk) / BODY_RATE
        self._deadline = min(earned, self._loop.time() + BODY_TIMEOUT_S)
        taken = self._delegate.data_received(chunk)
        return None if taken is None else self._wait(taken)

    def finish(self) -> None:
        self._stop()
        self._delegate.finish()

    def on_connection_close(self) -> None:
        self._stop()
        self._delegate.on_connection_close()

    # Private.

    async def _wait(self, taken: Awaitable[Any]) -> None:
        # Meanwhile nothing is read, and the client could not send if it would.
        self._is_waiting = True
        try:
            await taken
        finally:
            self._is_waiting = False
            self._deadline = self._loop.time() + BODY_TIMEOUT_S

    def _check(self) -> None:
        now = self._loop.time()
        if self._is_waiting:
            self._deadline = now + BODY_TIMEOUT_S
        if now < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._check)
            return
        count = _gate.count("body")
        if count:
            client = self._connection.context
            security.warning("closed %d slow requests, the last one from %s", count, client)
        self._connection.close()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

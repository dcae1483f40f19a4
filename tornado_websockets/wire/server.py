"""Tornado's HTTP server, which can end without cutting anybody off."""

from __future__ import annotations

import asyncio
import sys
from typing import Final, cast

from tornado.http1connection import HTTP1Connection
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest

from tornado_websockets import conf
from tornado_websockets.limits.patience import HEAD_TIMEOUT_S, PatientDelegate
from tornado_websockets.wire.stream import forget_unread

__all__ = ["Server", "close_behind"]

ON_THE_WAY_S: Final = 0.05
"""Seconds for what a client had sent before it could know that the server ends."""

TURNS: Final = 5
"""Turns of the event loop in which what has come is read, and is a request."""


class Server(HTTPServer):
    """An HTTP server that knows which requests it has not answered yet."""

    def initialize(self, *args: object, **kwargs: object) -> None:
        size = conf.get().limits.header_size
        own = {
            "idle_connection_timeout": HEAD_TIMEOUT_S,
            "max_header_size": sys.maxsize if size is None else size,
        }
        super().initialize(*args, **{**own, **kwargs})  # type: ignore[arg-type]
        # The exchange that each connection is at, or waits for. One that becomes a WebSocket
        # leaves when its handshake is answered.
        self._exchanges: dict[object, HTTP1Connection] = {}

    def start_request(self, server_conn: object, request_conn: object) -> HTTPMessageDelegate:
        exchange = cast(HTTP1Connection, request_conn)
        if exchange.stream.closed():
            # Tornado would go on with what it has read already. But nothing is a request behind one
            # that was the last, or that nobody understood (request smuggling).
            forget_unread(exchange.stream)
        self._exchanges[server_conn] = exchange
        delegate = super().start_request(server_conn, request_conn)  # type: ignore[arg-type]
        return PatientDelegate(delegate, exchange)

    def on_close(self, server_conn: object) -> None:
        self._exchanges.pop(server_conn, None)
        super().on_close(server_conn)

    @property
    def unanswered(self) -> int:
        """How many requests are read or answered now; idle connections do not count."""
        return sum(map(_is_busy, self._exchanges.values()))

    async def finish_requests(self, timeout_s: float) -> int:
        """Let every connection end behind the answer that it is at, or gets next.

        Such answers say ``Connection: close``, RFC 9112 section 9.6. Connections on which nothing
        happens are closed at the end, when all requests are answered.

        Returns:
            How many requests were not answered in time, and go on.
        """
        self.conn_params.no_keep_alive = True  # for requests that come from now on
        for exchange in self._exchanges.values():
            if _is_busy(exchange):
                exchange._disconnect_on_finish = True
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        if self._exchanges:
            await asyncio.sleep(min(ON_THE_WAY_S, timeout_s))
            # A process that stood still meanwhile has not read yet what came in time.
            for _ in range(TURNS):
                await asyncio.sleep(0)
        while self.unanswered and loop.time() < end:  # noqa: ASYNC110  they end one by one
            await asyncio.sleep(0.01)
        if not self.unanswered:
            await self.close_all_connections()
        return self.unanswered


def close_behind(request: HTTPServerRequest) -> None:
    """Close the connection of a request when it is answered, RFC 9112 section 9.6."""
    connection = request.connection
    if isinstance(connection, HTTP1Connection):
        connection._disconnect_on_finish = True


def _is_busy(exchange: HTTP1Connection) -> bool:
    # From the end of its head on; half a head is no request yet.
    return exchange._request_start_line is not None and not exchange._finish_future.done()

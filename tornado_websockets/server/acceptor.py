"""Takes connections from the listening sockets, as many as there are file descriptors for.

Tornado's own loop does not survive the lack of them: the socket stays readable, so that it tries,
fails and logs as fast as it can.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream, SSLIOStream
from tornado.netutil import ssl_wrap_socket

from tornado_websockets.limits.loggate import LogGate
from tornado_websockets.server.sockets import BACKLOG

__all__ = ["Acceptor"]

logger = logging.getLogger("tornado_websockets")

BATCH: Final = 16
"""Connections accepted before those that are there have their turn: a crowd is 1 ms of work."""

PAUSE_S: Final = 0.5
"""Seconds without accepting when there is no descriptor left."""

EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""What says that the process, or the machine, can have no more connections now."""


class Acceptor:
    """Accepts connections for an HTTP server.

    Args:
        server: gets each connection, as `tornado.tcpserver.TCPServer.handle_stream`.
        sockets: listening, and not blocking.
    """

    def __init__(self, server: HTTPServer, sockets: Sequence[socket.socket]) -> None:
        self._server = server
        self._sockets = list(sockets)
        self._loop = asyncio.get_running_loop()
        self._gate = LogGate(time.monotonic)
        self._pause: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Accept connections from now on."""
        self._pause = None
        for sock in self._sockets:
            self._loop.add_reader(sock, self._accept, sock)

    def stop(self, *, drain: bool = True) -> None:
        """Accept no more, and close the sockets; doing it twice is no error.

        Args:
            drain: let those in who wait in the queue of the system, since closing the socket
                would reset them. Not when other processes have it too.
        """
        for sock in self._sockets if drain else ():
            self._accept(sock, at_most=BACKLOG)
        self._leave()
        if self._pause is not None:
            self._pause.cancel()
        while self._sockets:
            self._sockets.pop().close()

    # Private.

    def _leave(self) -> None:
        for sock in self._sockets:
            self._loop.remove_reader(sock)

    def _accept(self, sock: socket.socket, at_most: int = BATCH) -> None:
        for _ in range(at_most):
            try:
                connection, address = sock.accept()
            except OSError as error:
                if error.errno in EXHAUSTED:
                    self._rest(error)
                # Else nobody is left, or one went away in the queue (accept(2)): those behind it
                # make the socket readable again.
                return
            self._hand_over(connection, address)

    def _rest(self, error: OSError) -> None:
        """Let clients wait in the queue of the system until a descriptor may be free."""
        self._leave()
        self._pause = self._loop.call_later(PAUSE_S, self.start)
        count = self._gate.count("accept")
        if count:
            logger.error("no connection can be accepted now: %s; seen %d times", error, count)

    def _hand_over(self, connection: socket.socket, address: Any) -> None:
        try:
            connection.setblocking(False)
            stream = self._stream(connection)
        except OSError:  # it was reset meanwhile; ssl.SSLError is one too
            connection.close()
            return
        try:
            self._server.handle_stream(stream, address)
        except Exception:
            logger.exception("a connection could not be served")
            stream.close()

    def _stream(self, connection: socket.socket) -> IOStream:
        options = self._server.ssl_options
        make: Callable[..., IOStream] = IOStream if options is None else SSLIOStream
        if options is not None:
            connection = ssl_wrap_socket(
                connection, options, server_side=True, do_handshake_on_connect=False
            )
        return make(
            connection,
            max_buffer_size=self._server.max_buffer_size,
            read_chunk_size=self._server.read_chunk_size,
        )

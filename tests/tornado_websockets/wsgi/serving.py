"""A Tornado server on a free port, in a thread of its own, with any WSGI application behind it."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.types import WSGIApplication

import tornado.httpserver
import tornado.netutil
import tornado.web

from tornado_websockets.wsgi import DjangoRouter

DEADLINE_S = 10

Environ = dict[str, Any]


def eventually(condition: Callable[[], object], what: str) -> None:
    """Wait until the condition holds."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {DEADLINE_S} s"
        time.sleep(0.005)


class Server:
    """Serves one router until the end of the test."""

    def __init__(self, router: DjangoRouter, *, bare: bool = False, **options: Any) -> None:
        self.router = router
        self._bare = bare
        self.errors: list[dict[str, Any]] = []
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda _, context: self.errors.append(context))
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.run(self._listen(options))

    def run(self, coroutine: Any) -> Any:
        """Run a coroutine on the server's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(DEADLINE_S)

    async def _listen(self, options: dict[str, Any]) -> None:
        application = tornado.web.Application([(r".*", self.router)])
        target = self.router if self._bare else application
        self._server = tornado.httpserver.HTTPServer(target, **options)
        sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
        self.port = sockets[0].getsockname()[1]
        self._server.add_sockets(sockets)

    async def _close(self) -> None:
        await self._drop_connections()
        await self._loop.run_in_executor(None, self.router.stop)
        await asyncio.sleep(0)
        await self._loop.shutdown_default_executor()

    def close(self) -> None:
        if self._loop.is_closed():
            self.router.stop()
        else:
            self.run(self._close())
            self.halt()

    def halt(self) -> None:
        """Stop the event loop, whatever is still going on."""
        self.run(self._drop_connections())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE_S)
        self._loop.close()

    async def _drop_connections(self) -> None:
        self._server.stop()
        await self._server.close_all_connections()

    def running(self) -> int:
        """Count the requests that the pool has."""
        return len(self.router._running)

    @contextlib.contextmanager
    def connection(self) -> Iterator[http.client.HTTPConnection]:
        """Open a connection that may carry several requests."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        with contextlib.closing(client):
            yield client

    def request(
        self, method: str, path: str, body: Any = None, headers: Any = None, **options: Any
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Send one request on a connection of its own."""
        with self.connection() as client:
            client.request(method, path, body, headers or {}, **options)
            response = client.getresponse()
            return response, response.read()

    def get(self, path: str = "/") -> tuple[http.client.HTTPResponse, bytes]:
        return self.request("GET", path)

    @contextlib.contextmanager
    def raw(self, data: bytes = b"") -> Iterator[socket.socket]:
        """Open a socket, send bytes as they are."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S) as client:
            client.sendall(data)
            yield client

    def talk(self, data: bytes) -> bytes:
        """Send bytes as they are, return all that comes until the server closes."""
        with self.raw(data) as client:
            return read_all(client)


def read_all(client: socket.socket) -> bytes:
    received = b""
    while data := client.recv(65536):
        received += data
    return received


def read_past(client: socket.socket, marker: bytes) -> bytes:
    """Read until the marker has come; more may come with it."""
    received = b""
    while marker not in received:
        data = client.recv(65536)
        assert data, f"the server closed after {received!r}"
        received += data
    return received


def read_until(client: socket.socket, ending: bytes) -> bytes:
    received = b""
    while not received.endswith(ending):
        data = client.recv(65536)
        assert data, f"the server closed after {received!r}"
        received += data
    return received


Serve = Callable[..., Server]
Complaints = Callable[[], list[logging.LogRecord]]


def ok(body: bytes = b"ok", *headers: tuple[str, str], status: str = "200 OK") -> WSGIApplication:
    """Return an application that gives one answer."""

    def application(environ: Environ, start_response: Any) -> list[bytes]:
        start_response(status, list(headers))
        return [body]

    return application

"""For tests: a server on a free port, in the test's own event loop, and a client for it.

In an asynchronous test of Django's ``TestCase``::

    async def test_echo(self):
        async with serve() as server:
            client = await server.connect("/echo")
            client.emit("message", {"message": "hi"})
            self.assertEqual(await client.receive(), ("message", {"message": "hi"}))

Callbacks written as plain ``def`` share the thread of the test's ORM calls, and with it the
transaction, so that they see its rows and leave none behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from asgiref.sync import sync_to_async
from django.test import AsyncClient as AsyncDjangoClient
from django.test import Client as DjangoClient
from django.test import modify_settings
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from tornado_websockets import conf, websocket
from tornado_websockets.encoding import encode
from tornado_websockets.message import Data
from tornado_websockets.runtime import runtime
from tornado_websockets.tornadowrapper import TornadoWrapper

__all__ = ["Client", "Message", "Server", "isolated_registry", "serve"]

AnyDjangoClient = DjangoClient | AsyncDjangoClient

TIMEOUT_S: Final = 10.0
"""How long `Client.receive` waits by default."""

GRACE_S: Final = 5.0
"""How long callbacks have to end with the server of `serve`, at most."""


class Message(NamedTuple):
    """An event, as a client receives it."""

    event: str
    data: Data


class Client:
    """A WebSocket client of a test."""

    def __init__(self, connection: WebSocketClientConnection) -> None:
        self.connection = connection
        self._is_closed = False

    def emit(self, event: str, data: Mapping[str, Any] | str | None = None) -> None:
        """Send an event; a string is sent as ``{"message": string}``, None as ``{}``."""
        self.send(encode(event, data).decode())

    def send(self, frame: str | bytes) -> None:
        """Send a frame as it is: text, or binary from bytes."""
        self.connection.write_message(frame, binary=isinstance(frame, bytes))

    async def receive(self, timeout_s: float = TIMEOUT_S) -> Message:
        """Return the next event.

        Raises:
            TimeoutError: none came.
            ConnectionError: the connection was closed instead; tells code and reason.
        """
        frame = await asyncio.wait_for(self._read(), timeout_s)
        if frame is None:
            raise ConnectionError(
                f"closed with {self.connection.close_code}: {self.connection.close_reason}"
            )
        envelope = json.loads(frame)
        return Message(envelope["event"], Data(envelope["data"]))

    async def closed(self, timeout_s: float = TIMEOUT_S) -> int | None:
        """Read until the server closes the connection, and return its close code."""
        async with asyncio.timeout(timeout_s):
            while await self._read() is not None:
                pass
        return self.connection.close_code

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection, and wait until the server has answered."""
        self.connection.close(code, reason)
        await self.closed()

    async def _read(self) -> str | bytes | None:
        if self._is_closed:
            return None
        frame = await self.connection.read_message()
        self._is_closed = frame is None
        return frame


class Server:
    """A running server of a test."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._clients: list[Client] = []

    @property
    def host(self) -> str:
        """Its address and port, as in a ``Host`` header."""
        return f"127.0.0.1:{self.port}"

    async def connect(
        self, path: str, *, client: AnyDjangoClient | None = None, **headers: str
    ) -> Client:
        """Connect to the WebSocket of a path, like ``/chat``.

        Args:
            path: what the `WebSocket` was created with.
            client: Django's client of tests. Then it is as if a page connected, with the cookies of
                this client and so as the user that it is logged in as.
            headers: headers of the handshake; an underscore stands for a hyphen.

        Raises:
            tornado.httpclient.HTTPClientError: the handshake was refused; its code tells how.
        """
        if client is not None:
            cookies = client.cookies.output(attrs=[], header="", sep=";").strip()
            headers = {"Origin": f"http://{self.host}", "Cookie": cookies, **headers}
        request = HTTPRequest(
            f"ws://{self.host}/ws/{path.strip().lstrip('/')}",
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )
        connected = Client(await websocket_connect(request))
        self._clients.append(connected)
        return connected

    async def disconnect(self) -> None:
        """Close every client of `connect` that is still open, and wait until it is."""
        for client in self._clients:
            await client.close()


@contextlib.asynccontextmanager
async def serve(
    handlers: Sequence[Any] = (),
    settings: Mapping[str, Any] | None = None,
    *,
    share_thread: bool = True,
) -> AsyncIterator[Server]:
    """Serve every WebSocket of the process on a free port of 127.0.0.1.

    Args:
        handlers: further Tornado routes.
        settings: Tornado settings.
        share_thread: False runs plain callbacks in threads of their own, as in production.
    """
    in_thread = runtime.in_thread
    runtime.in_thread = _in_shared_thread if share_thread else runtime.run_in_pool
    TornadoWrapper.start_app(handlers, settings)
    server = Server(TornadoWrapper.listen(0))
    serving = asyncio.create_task(TornadoWrapper.serve())
    await asyncio.sleep(0)  # a task begins to run when its turn comes
    try:
        # Django's test runner allows the host testserver only.
        with modify_settings(ALLOWED_HOSTS={"append": "127.0.0.1"}):
            yield server
    finally:
        await server.disconnect()
        TornadoWrapper.stop(grace_s=min(GRACE_S, conf.get().shutdown_timeout))
        await serving
        runtime.in_thread = in_thread


@contextlib.contextmanager
def isolated_registry() -> Iterator[None]:
    """Forget, for a while, every WebSocket of the process, and afterwards those made meanwhile."""
    websockets, handlers = dict(websocket.registry), list(TornadoWrapper.tornado_handlers)
    websocket.registry.clear()
    TornadoWrapper.tornado_handlers.clear()
    try:
        yield
    finally:
        websocket.registry.clear()
        websocket.registry.update(websockets)
        TornadoWrapper.tornado_handlers[:] = handlers


def _in_shared_thread(
    function: Callable[..., Any], *args: Any, context: contextvars.Context
) -> asyncio.Future[Any]:
    coroutine = sync_to_async(context.run, thread_sensitive=True)(function, *args)
    return asyncio.ensure_future(coroutine)

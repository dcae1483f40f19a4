"""The server: Tornado's application, its sockets and its event loop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from tornado.httpserver import HTTPServer
from tornado.routing import PathMatches, Rule
from tornado.web import Application

from tornado_websockets import access, conf
from tornado_websockets.layers import layer
from tornado_websockets.runtime import runtime
from tornado_websockets.wsgi import DjangoRouter

uvloop: Any
try:
    import uvloop
except ImportError:  # the extra [speedups] is not installed
    uvloop = None

__all__ = ["TornadoWrapper", "django_router"]

SHUTDOWN_TIMEOUT_S = 5.0
"""How long clients, then HTTP requests, then callbacks have to finish when the server stops."""

BACKLOG = 1024
"""Connections that may wait to be accepted: a crowd that reconnects after a restart."""


class TornadoWrapper:
    """Gives access to the Tornado application and its server from everywhere.

    There is one server in a process, so everything here belongs to the class: `start_app`, then
    `listen`, then `loop`, as ``runtornado`` does.

    Attributes:
        tornado_app: the application, None until `start_app`.
        tornado_handlers: routes that were added, those of all WebSockets among them.
        tornado_server: the HTTP server, None until `start_app`.
    """

    tornado_app: Application | None = None
    tornado_handlers: list[Any] = []
    tornado_server: HTTPServer | None = None
    _sockets: list[socket.socket] = []
    _stopping: asyncio.Event | None = None
    _stopped = threading.Event()
    _stopped.set()

    @classmethod
    def start_app(
        cls, handlers: Sequence[Any] | None = None, settings: Mapping[str, Any] | None = None
    ) -> None:
        """Make the application of the routes that were added and those given.

        The routes of WebSockets come first and the wildcard of Django last, wherever it stands.

        Args:
            handlers: routes for `tornado.web.Application`.
            settings: settings for it; over the defaults that come from ``TORNADO``.

        Raises:
            ImproperlyConfigured: certificate and key cannot be used.
        """
        given = list(handlers or ())
        django = [route for route in given if django_router(route)]
        others = [route for route in given if not django_router(route)]
        cls.tornado_app = Application(
            [*cls.tornado_handlers, *others, *django[-1:]],
            **{**_default_settings(), **(settings or {})},
        )
        cls.tornado_server = HTTPServer(cls.tornado_app, ssl_options=_ssl_options())

    @classmethod
    def add_handler(cls, handler: Sequence[Any] | Rule) -> None:
        """Add a route, before or after `start_app`; it never comes behind Django's wildcard.

        Args:
            handler: what `tornado.web.Application` takes as a route.
        """
        cls.tornado_handlers.append(handler)
        if cls.tornado_app is None:
            return
        router = cls.tornado_app.wildcard_router
        rule = handler if isinstance(handler, Rule) else _rule(handler)
        router.rules.insert(0, router.process_rule(rule))

    @classmethod
    def listen(cls, port: int, *, address: str = "127.0.0.1") -> int:
        """Open the sockets of a port, 0 for a free one, and return its number.

        Raises:
            OSError: the port is in use, forbidden, or the address is none of this machine.
        """
        cls._sockets = _open_sockets(port, address)
        return int(cls._sockets[0].getsockname()[1])

    @classmethod
    def loop(cls) -> None:
        """Serve until `stop` is called, or SIGINT or SIGTERM comes (in the main thread)."""
        factory: Callable[[], asyncio.AbstractEventLoop] | None = None
        if uvloop is not None:
            factory = uvloop.new_event_loop
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(cls.serve())

    @classmethod
    async def serve(cls) -> None:
        """Serve on the running event loop until `stop` is called or a signal comes."""
        if cls.tornado_server is None:
            raise RuntimeError("call TornadoWrapper.start_app() before serving")
        cls._stopped.clear()
        cls._stopping = asyncio.Event()
        runtime.start(threads=conf.get().event_threads)
        try:
            cls._catch_signals()
            cls.tornado_server.add_sockets(cls._sockets)
            await cls._stopping.wait()
        finally:
            await cls._shut_down()
            cls._stopped.set()

    @classmethod
    def stop(cls, *, timeout_s: float | None = 0) -> bool:
        """Ask the server to stop, from any thread.

        Args:
            timeout_s: how long to wait until it has; None waits for ever. To be left at 0 on the
                server's own thread.

        Returns:
            True when it has stopped, or never served.
        """
        if runtime.loop is not None and cls._stopping is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed by now
                runtime.loop.call_soon_threadsafe(cls._stopping.set)
        return cls._stopped.wait(timeout_s)

    @classmethod
    def _catch_signals(cls) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        assert cls._stopping is not None
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows
                asyncio.get_running_loop().add_signal_handler(number, cls._stopping.set)

    @classmethod
    async def _shut_down(cls) -> None:
        server, app = cls.tornado_server, cls.tornado_app
        assert server is not None and app is not None
        cls.tornado_app = cls.tornado_server = cls._stopping = None
        cls._sockets = []
        server.stop()
        layer.close_all(1001, "The server is going away.")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SHUTDOWN_TIMEOUT_S):
                while layer.count():  # noqa: ASYNC110  they end one by one, soon
                    await asyncio.sleep(0.01)
        for router in map(django_router, app.wildcard_router.rules):
            if router is not None:  # it waits for requests that the loop has to finish
                await asyncio.to_thread(router.stop, grace_s=SHUTDOWN_TIMEOUT_S)
        await server.close_all_connections()
        await runtime.stop(timeout_s=SHUTDOWN_TIMEOUT_S)


def django_router(route: Sequence[Any] | Rule) -> DjangoRouter | None:
    """Return the target of a route when it is Django, see `tornado_websockets.django_app`."""
    target = route.target if isinstance(route, Rule) else route[1]
    return target if isinstance(target, DjangoRouter) else None


def _open_sockets(port: int, address: str) -> list[socket.socket]:
    """Return listening sockets for all that an address stands for, as localhost for two.

    tornado.netutil.bind_sockets does the same, but leaks a socket when it fails.
    """
    found = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    with contextlib.ExitStack() as opened:
        sockets: list[socket.socket] = []
        for family, _, _, _, (host, _, *scope) in found:
            # All have one port, also when the system chooses it.
            number = sockets[0].getsockname()[1] if sockets else port
            sock = socket.create_server((host, number, *scope), family=family, backlog=BACKLOG)
            opened.callback(sock.close)
            sock.setblocking(False)
            sockets.append(sock)
        opened.pop_all()
    return sockets


def _rule(handler: Sequence[Any]) -> Rule:
    matcher, *rest = handler
    return Rule(PathMatches(matcher) if isinstance(matcher, str) else matcher, *rest)


def _ssl_options() -> Any:
    """Return what makes Tornado speak TLS, None when it does not."""
    config = conf.get()
    if config.ssl_options is not None or config.certfile is None:
        return config.ssl_options
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(config.certfile, config.keyfile)
    except (OSError, ssl.SSLError) as error:
        raise ImproperlyConfigured(
            f"TORNADO['certfile'] and TORNADO['keyfile'] must be a certificate and its key in PEM"
            f" format, got {config.certfile!r} and {config.keyfile!r}: {error}"
        ) from None
    return context


def _default_settings() -> dict[str, Any]:
    config = conf.get()
    size = config.limits.message_size
    return {
        # Tornado's own reloader comes with its debug setting; Django's does that work here.
        "autoreload": False,
        "log_function": access.log_request,
        "websocket_max_message_size": sys.maxsize if size is None else size,
        "websocket_ping_interval": config.ping_interval,
        "websocket_ping_timeout": config.ping_timeout,
    }

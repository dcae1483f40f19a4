"""The server: Tornado's application, its sockets and its event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.dispatch import Signal
from tornado.httpserver import HTTPServer
from tornado.routing import Rule

from tornado_websockets import conf, logs, signals, threads
from tornado_websockets.layers import layer
from tornado_websockets.limits import descriptors
from tornado_websockets.runtime import runtime
from tornado_websockets.server import health, systemd, termination, tls
from tornado_websockets.server.acceptor import Acceptor
from tornado_websockets.server.application import Application, default_settings
from tornado_websockets.server.loops import loop_factory
from tornado_websockets.server.shutdown import Window, shut_down
from tornado_websockets.server.sockets import UNIX_MODE, open_tcp, open_unix
from tornado_websockets.wire.server import Server
from tornado_websockets.wsgi import DjangoRouter

__all__ = ["TornadoWrapper", "django_router"]

logger = logging.getLogger("tornado_websockets")


class TornadoWrapper:
    """Gives access to the Tornado application and its server from everywhere.

    There is one server in a process, so everything here belongs to the class: `start_app`, then
    `listen`, then `loop`, as ``runtornado`` does.

    Attributes:
        tornado_app: the application, None until `start_app`.
        tornado_handlers: routes that were added, those of all WebSockets among them.
        tornado_server: the HTTP server, None until `start_app`.
        sockets: those that `loop` will accept connections from.
    """

    tornado_app: Application | None = None
    tornado_handlers: list[Any] = []
    tornado_server: HTTPServer | None = None
    sockets: list[socket.socket] = []
    _acceptor: Acceptor | None = None
    _stopping: asyncio.Event | None = None
    _grace_s: float | None = None
    _is_replaced = False
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
        logs.install()
        given = list(handlers or ())
        django = [route for route in given if django_router(route)]
        others = [route for route in given if not django_router(route)]
        cls.tornado_app = Application(
            [*cls.tornado_handlers, *others, *health.routes(cls.is_ready), *django[-1:]],
            **{**default_settings(), **(settings or {})},
        )
        cls.tornado_server = Server(cls.tornado_app, ssl_options=tls.ssl_options())

    @classmethod
    def add_handler(cls, handler: Sequence[Any] | Rule) -> None:
        """Add a route, before or after `start_app`; it never comes behind Django's wildcard.

        Args:
            handler: what `tornado.web.Application` takes as a route.
        """
        cls.tornado_handlers.append(handler)
        if cls.tornado_app is not None:
            cls.tornado_app.add_route(handler)

    @classmethod
    def remove_handler(cls, rule: Rule) -> None:
        """Take a route away, before or after `start_app`; one that is not there is no error.

        Args:
            rule: the very object that was added. Other forms of a route cannot be told apart.
        """
        with contextlib.suppress(ValueError):
            cls.tornado_handlers.remove(rule)
        if cls.tornado_app is not None:
            cls.tornado_app.remove_route(rule)

    @classmethod
    def listen(cls, port: int, *, address: str = "127.0.0.1", reuse_port: bool = False) -> int:
        """Open the sockets of a port, 0 for a free one, and return its number.

        May be called for several ports and addresses.

        Args:
            port: the number.
            address: a name or an IP address of this machine.
            reuse_port: let other servers of the same user listen there as well (SO_REUSEPORT).

        Raises:
            OSError: the port is in use, forbidden, or the address is none of this machine.
        """
        opened = open_tcp(port, address, reuse_port=reuse_port)
        cls.sockets = [*cls.sockets, *opened]
        return int(opened[0].getsockname()[1])

    @classmethod
    def listen_unix(cls, path: str | Path, *, mode: int = UNIX_MODE) -> None:
        """Open a Unix socket, whose file is removed at the end.

        Args:
            path: of its file; the one of a server that has gone is replaced.
            mode: permissions of the file.

        Raises:
            OSError: a server listens there, or something else is there, or it cannot be made.
        """
        cls.sockets = [*cls.sockets, open_unix(Path(path), mode=mode)]

    @classmethod
    def unlisten(cls) -> None:
        """Close the sockets that were opened, when they are not to be served after all."""
        while cls.sockets:
            cls.sockets.pop().close()

    @classmethod
    def loop(cls) -> None:
        """Serve until `stop` is called, or SIGINT or SIGTERM comes (in the main thread).

        After a signal this process has ``TORNADO["shutdown_timeout"]`` to end, see
        `server.termination`. What raises SystemExit or KeyboardInterrupt on the event loop, which
        asyncio lets through, does not end the server.
        """
        descriptors.raise_limit()
        threads.take_turns()
        within_s = conf.get().shutdown_timeout
        with (
            asyncio.Runner(loop_factory=loop_factory()) as runner,
            termination.asking(cls.stop, within_s=within_s),
        ):
            loop = runner.get_loop()
            serving = loop.create_task(cls.serve())
            while not serving.done():
                try:
                    loop.run_until_complete(serving)
                except (SystemExit, KeyboardInterrupt):
                    if not serving.done():
                        logger.exception("the server goes on; to stop it, send SIGTERM")
            serving.result()

    @classmethod
    async def serve(cls) -> None:
        """Serve on the running event loop until `stop` is called."""
        if cls.tornado_server is None:
            raise RuntimeError("call TornadoWrapper.start_app() before serving")
        cls._stopped.clear()
        cls._stopping = asyncio.Event()
        cls._grace_s, cls._is_replaced = None, False
        runtime.start(threads=conf.get().event_threads)
        await layer().start()
        try:
            cls._acceptor = Acceptor(cls.tornado_server, cls.sockets)
            cls._acceptor.start()
            systemd.notify("READY=1")
            cls.publish(signals.server_started)
            await cls._stopping.wait()
        finally:
            cls._stopping.set()
            systemd.notify("STOPPING=1")
            cls.publish(signals.server_stopping)
            await cls._shut_down()
            cls._stopped.set()

    @classmethod
    def publish(cls, signal: Signal, **event: Any) -> None:
        """Tell whoever watches what happened, see `tornado_websockets.signals`; from any thread.

        A receiver that fails is logged and harms nobody.
        """
        if not signal.receivers:
            return
        try:
            signal.send_robust(cls, **event)
        except (Exception, SystemExit):
            # What Django lets through: sys.exit(), and coroutine functions on an event loop.
            logger.exception("a receiver of %r failed; receivers are plain functions", event)

    @classmethod
    def is_ready(cls) -> bool:
        """Return whether the server serves, and has not been asked to stop."""
        return cls._stopping is not None and not cls._stopping.is_set()

    @classmethod
    def stop(
        cls,
        *,
        timeout_s: float | None = 0,
        grace_s: float | None = None,
        is_replaced: bool = False,
    ) -> bool:
        """Ask the server to stop, from any thread.

        Args:
            timeout_s: how long to wait until it has; None waits for ever. To be left at 0 on the
                server's own thread.
            grace_s: seconds that clients, requests and callbacks have to end; None is
                ``TORNADO["shutdown_timeout"]``.
            is_replaced: another process accepts from the same sockets, so nobody is to be let in.

        Returns:
            True when it has stopped, or never served.
        """
        if runtime.loop is not None and cls._stopping is not None:
            cls._grace_s, cls._is_replaced = grace_s, is_replaced
            with contextlib.suppress(RuntimeError):  # the loop is closed by now
                runtime.loop.call_soon_threadsafe(cls._stopping.set)
        # A signal asks too, and may have interrupted whoever holds the lock of the event.
        return cls._stopped.is_set() or (timeout_s != 0 and cls._stopped.wait(timeout_s))

    @classmethod
    async def _shut_down(cls) -> None:
        server, app = cls.tornado_server, cls.tornado_app
        assert isinstance(server, Server) and app is not None
        config = conf.get()
        grace_s = config.shutdown_timeout if cls._grace_s is None else cls._grace_s
        window = Window(grace_s)
        if cls._grace_s is None and not cls._is_replaced:
            await asyncio.sleep(min(config.shutdown_delay, window.left(0.5)))
        cls.tornado_app = cls.tornado_server = None
        cls.sockets = []
        if cls._acceptor is not None:
            cls._acceptor.stop(drain=not cls._is_replaced)
        routers = filter(None, map(django_router, app.wildcard_router.rules))
        await shut_down(server, list(routers), window)
        cls._stopping = None


def django_router(route: Sequence[Any] | Rule) -> DjangoRouter | None:
    """Return the target of a route when it is Django, see `tornado_websockets.django_app`."""
    target = route.target if isinstance(route, Rule) else route[1]
    return target if isinstance(target, DjangoRouter) else None

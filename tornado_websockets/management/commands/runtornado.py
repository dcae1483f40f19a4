"""Serve Django and its WebSockets together."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import tornado
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    SystemCheckError,
)
from django.core.servers.basehttp import get_internal_wsgi_application
from django.db import close_old_connections
from django.utils import autoreload

import tornado_websockets
from tornado_websockets import conf
from tornado_websockets.discovery import discover
from tornado_websockets.server import termination
from tornado_websockets.server.addresses import listen, parse_mode
from tornado_websockets.server.pidfile import pidfile
from tornado_websockets.server.reloader import run_with_reloader
from tornado_websockets.server.sockets import UNIX_MODE
from tornado_websockets.tornadowrapper import TornadoWrapper, django_router
from tornado_websockets.websocket import registry

RELOAD_TIMEOUT_S: Final = 2.0
"""How long clients and requests have to end when the auto-reloader restarts the server."""


class Command(BaseCommand):
    help = "Serve Django and its WebSockets with Tornado."
    requires_system_checks = ()  # run by serve(), so that the reloader can try again

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "addrport",
            nargs="*",
            help="Port, or address:port, also several; 127.0.0.1 and TORNADO['port'] by default."
            " 0:8000 is all addresses, [::1]:8000 an IPv6 one, port 0 a free one.",
        )
        parser.add_argument(
            "--uds", metavar="PATH", help="Listen on a Unix socket, as well or instead."
        )
        parser.add_argument(
            "--uds-perms",
            metavar="MODE",
            default=f"{UNIX_MODE:o}",
            help="Permissions of the Unix socket in octal digits, %(default)s by default.",
        )
        parser.add_argument(
            "--reuse-port",
            action="store_true",
            help="Share the port with other servers of the same user (SO_REUSEPORT).",
        )
        parser.add_argument(
            "--pidfile", metavar="PATH", help="Keep the process id in a file while it serves."
        )
        reload = parser.add_mutually_exclusive_group()
        reload.add_argument(
            "--reload",
            action="store_true",
            dest="reload",
            default=None,
            help="Restart when code changes (the default when DEBUG is on).",
        )
        reload.add_argument(
            "--noreload", action="store_false", dest="reload", help="Do not use the auto-reloader."
        )
        parser.add_argument(
            "--nostatic",
            action="store_false",
            dest="static",
            help="Do not serve static files at STATIC_URL when DEBUG is on.",
        )
        parser.add_argument(
            "--insecure",
            action="store_true",
            help="Serve static files at STATIC_URL even when DEBUG is off.",
        )
        parser.add_argument("--skip-checks", action="store_true", help="Skip system checks.")

    def handle(self, *args: Any, **options: Any) -> None:
        reload = conf.debug() if options["reload"] is None else options["reload"]
        if not reload:
            termination.exit_at_signals()  # until the server listens to them itself
            self.serve(**options)
            return
        status: Any = 0
        try:
            run_with_reloader(self.serve_reloading, **options)
        except SystemExit as ending:
            status = ending.code
            raise
        finally:
            # The reloader ends this process from its main thread; clients are told first.
            termination.exit_at_signals()
            TornadoWrapper.stop(timeout_s=2 * RELOAD_TIMEOUT_S, grace_s=RELOAD_TIMEOUT_S)
            termination.leave_threads(status, delay_s=1)

    def serve_reloading(self, **options: Any) -> None:
        """Serve in the reloader's thread, where only an OS exit ends the process."""
        autoreload.raise_last_exception()
        try:
            self.serve(**options)
        except SystemCheckError as error:
            self.stderr.write(str(error))  # and wait for the change that corrects it
        except CommandError as error:
            self.stderr.write(f"CommandError: {error}")
            os._exit(1)

    def serve(self, **options: Any) -> None:
        """Check, load, listen, serve, stop."""
        mode = parse_mode(options["uds_perms"])
        with held(options["pidfile"]):
            if not options["skip_checks"]:
                self.check(display_num_errors=True)
                self.check_migrations()
            try:
                config = conf.get()
                discover()
                TornadoWrapper.start_app(handlers_with_django(options), config.settings)
            except ImproperlyConfigured as error:
                raise CommandError(str(error)) from None
            names = listen(
                options["addrport"],
                default_port=config.port,
                uds=options["uds"],
                uds_mode=mode,
                reuse_port=options["reuse_port"],
                scheme="https" if config.speaks_tls else "http",
            )
            self.write_banner(names, reloads=threading.current_thread().daemon)
            close_old_connections()  # the event loop asks the database nothing itself
            TornadoWrapper.loop()

    def write_banner(self, names: list[str], *, reloads: bool) -> None:
        """Tell what is served, and where."""
        paths = sorted(websocket.url for websocket in registry.values())
        quit_key = "CTRL-BREAK" if os.name == "nt" else "CONTROL-C"
        self.stdout.write(
            f"django-tornado-websockets {tornado_websockets.__version__}"
            f" (Django {self.get_version()}, Tornado {tornado.version})\n"
            f"Serving on {' and '.join(names)},"
            f" {'with' if reloads else 'without'} auto-reload\n"
            f"WebSockets: {', '.join(paths) or 'none (write one in a views or websockets module)'}"
            f"\nQuit with {quit_key}."
        )
        self.stdout.flush()


@contextlib.contextmanager
def held(path: str | None) -> Iterator[None]:
    """Hold the process id file, if there is to be one.

    Raises:
        CommandError: another server holds it, or it cannot be written.
    """
    with contextlib.ExitStack() as stack:
        if path is not None:
            try:
                stack.enter_context(pidfile(Path(path)))
            except OSError as error:
                reason = error.strerror or error
                raise CommandError(f"cannot hold the pidfile {path}: {reason}") from None
        yield


def handlers_with_django(options: dict[str, Any]) -> list[Any]:
    """Return the routes of the settings with Django's behind them, ready to answer."""
    handlers = list(conf.get().handlers)
    router = next(filter(None, map(django_router, handlers)), None)
    if router is None:
        pattern, router = tornado_websockets.django_app()
        handlers.append((pattern, router))
    config = conf.get()
    router.start(
        wsgi_application(options),
        threads=config.threads,
        max_body_size=config.max_body_size,
        script_name=conf.script_name(),
    )
    return handlers


def wsgi_application(options: dict[str, Any]) -> Any:
    """Return the project's WSGI application, with its static files in front as in runserver."""
    application = get_internal_wsgi_application()
    if conf.serves_static(use_static=options["static"], insecure=options["insecure"]):
        # The app may not be installed, and must be for its handler to be of use.
        from django.contrib.staticfiles.handlers import StaticFilesHandler

        return StaticFilesHandler(application)
    return application

"""Serve Django and its WebSockets together."""

from __future__ import annotations

import errno
import os
import re
import socket
import threading
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
from django.utils import autoreload

import tornado_websockets
from tornado_websockets import conf
from tornado_websockets.discovery import discover
from tornado_websockets.reloader import run_with_reloader
from tornado_websockets.tornadowrapper import TornadoWrapper, django_router
from tornado_websockets.websocket import registry

ADDRESS: Final = "127.0.0.1"

ADDRPORT: Final = re.compile(
    r"^(?:(?P<address>\[[a-fA-F0-9:.]+\]|[^:\[\]]+):)?(?P<port>\d+)$", re.ASCII
)

LISTEN_ERRORS: Final = {
    errno.EADDRINUSE: "the port is in use; stop what uses it, or choose another one",
    errno.EACCES: "no permission; ports below 1024 need more rights",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}

STOP_TIMEOUT_S: Final = 15


class Command(BaseCommand):
    help = "Serve Django and its WebSockets with Tornado."
    requires_system_checks = ()  # run by serve(), so that the reloader can try again

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "addrport",
            nargs="?",
            default="",
            help="Port, or address:port; 127.0.0.1 and TORNADO['port'] by default. 0:8000 is all"
            " addresses, [::1]:8000 an IPv6 one, port 0 a free one.",
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
            self.serve(**options)
            return
        try:
            run_with_reloader(self.serve_reloading, **options)
        finally:
            # The reloader ends this process from its main thread; clients are told first.
            TornadoWrapper.stop(timeout_s=STOP_TIMEOUT_S)

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
        if not options["skip_checks"]:
            self.check(display_num_errors=True)
            self.check_migrations()
        try:
            config = conf.get()
            address, port = parse_addrport(options["addrport"], config.port)
            discover()
            TornadoWrapper.start_app(handlers_with_django(options), config.settings)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        port = listen(port, address)
        self.write_banner(address, port, reloads=threading.current_thread().daemon)
        TornadoWrapper.loop()

    def write_banner(self, address: str, port: int, *, reloads: bool) -> None:
        """Tell what is served, and where."""
        host = f"[{address}]" if ":" in address else address
        scheme = "https" if conf.get().speaks_tls else "http"
        paths = sorted(websocket.url for websocket in registry.values())
        quit_key = "CTRL-BREAK" if os.name == "nt" else "CONTROL-C"
        self.stdout.write(
            f"django-tornado-websockets {tornado_websockets.__version__}"
            f" (Django {self.get_version()}, Tornado {tornado.version})\n"
            f"Serving on {scheme}://{host}:{port}/,"
            f" {'with' if reloads else 'without'} auto-reload\n"
            f"WebSockets: {', '.join(paths) or 'none (write one in a views or websockets module)'}"
            f"\nQuit with {quit_key}."
        )
        self.stdout.flush()


def parse_addrport(addrport: str, default_port: int) -> tuple[str, int]:
    """Return address and port of an argument like ``8000``, ``0:8000`` or ``[::1]:8000``.

    Raises:
        CommandError: it is not of that form, or the port is beyond 65535.
    """
    if not addrport:
        return ADDRESS, default_port
    match = ADDRPORT.match(addrport)
    if match is None or int(match["port"]) > 65535:
        raise CommandError(
            f"expected a port between 0 and 65535, or address:port, got {addrport!r}"
        )
    address = (match["address"] or ADDRESS).strip("[]")
    return ("0.0.0.0" if address == "0" else address), int(match["port"])  # noqa: S104


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


def listen(port: int, address: str) -> int:
    """Open the port and return its number.

    Raises:
        CommandError: it cannot be opened; one line that says why.
    """
    try:
        return TornadoWrapper.listen(port, address=address)
    except socket.gaierror:
        raise CommandError(f"cannot listen on {address}: no such host name or address") from None
    except OSError as error:
        reason = LISTEN_ERRORS.get(error.errno or 0, str(error))
        raise CommandError(f"cannot listen on {address}:{port}: {reason}") from None

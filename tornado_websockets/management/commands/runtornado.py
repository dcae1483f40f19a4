"""Serve Django and its WebSockets together."""

from __future__ import annotations

import contextlib
import os
import sys
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
from django.db import close_old_connections, connections
from django.utils import autoreload

import tornado_websockets
from tornado_websockets import conf
from tornado_websockets.server import project, termination
from tornado_websockets.server.addresses import listen, parse_mode
from tornado_websockets.server.pidfile import pidfile
from tornado_websockets.server.reloader import run_with_reloader
from tornado_websockets.server.sockets import UNIX_MODE
from tornado_websockets.server.worker import Worker
from tornado_websockets.server.workercount import parse_workers, worker_count
from tornado_websockets.server.workers import CannotStartError, Workers
from tornado_websockets.tornadowrapper import TornadoWrapper
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
            "--workers",
            metavar="N",
            type=parse_workers,
            help="Serve with that many processes, or auto for one for each core;"
            " TORNADO['workers'] by default. A layer has to connect them.",
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
        worker = Worker.inherited()
        if worker is not None:
            self.serve_as(worker, **options)
            return
        count = worker_count(options["workers"], reload=options["reload"])
        reload = conf.debug() if options["reload"] is None else options["reload"]
        if count > 1:
            self.supervise(count, **options)
        elif reload:
            self.serve_with_reloader(**options)
        else:
            termination.exit_at_signals()  # until the server listens to them itself
            self.serve(**options)

    def serve_with_reloader(self, **options: Any) -> None:
        """Serve in a child process, and in another one whenever code changes."""
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
        with held(options["pidfile"]):
            self.check_project(options)
            project.load(use_static=options["static"], insecure=options["insecure"])
            names = self.listen(options)
            self.write_banner(names, reloads=threading.current_thread().daemon)
            close_old_connections()  # the event loop asks the database nothing itself
            TornadoWrapper.loop()

    def supervise(self, count: int, **options: Any) -> None:
        """Check, listen, and have workers serve; they load the project themselves."""
        termination.exit_at_signals()
        with held(options["pidfile"]):
            self.check_project(options)
            names = self.listen(options)
            connections.close_all()
            config = conf.get()
            workers = Workers(
                count,
                TornadoWrapper.sockets,
                within_s=config.shutdown_timeout,
                delay_s=min(config.shutdown_delay, config.shutdown_timeout / 2),
                ready=lambda: self.write_banner(names, reloads=False, workers=count),
            )
            try:
                status = workers.run()
            except CannotStartError as error:
                raise CommandError(str(error)) from None
        sys.exit(status)

    def serve_as(self, worker: Worker, **options: Any) -> None:
        """Load, and serve on the sockets of the parent; what else is to be done is its affair."""
        termination.exit_at_signals()
        worker.begin()
        if worker.heritage.checks:
            self.check_project(options)
        project.load(use_static=options["static"], insecure=options["insecure"])
        worker.adopt()
        close_old_connections()
        TornadoWrapper.loop()

    def check_project(self, options: dict[str, Any]) -> None:
        """Run the system checks, and look at migrations, unless they are to be skipped.

        Raises:
            SystemCheckError: there are errors.
            CommandError: the settings cannot be used, which is told even so.
        """
        if not options["skip_checks"]:
            self.check(display_num_errors=True)
            self.check_migrations()
        try:
            conf.get()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None

    def listen(self, options: dict[str, Any]) -> list[str]:
        """Open the sockets, and return what people call them."""
        config = conf.get()
        return listen(
            options["addrport"],
            default_port=config.port,
            uds=options["uds"],
            uds_mode=parse_mode(options["uds_perms"]),
            reuse_port=options["reuse_port"],
            scheme="https" if config.speaks_tls else "http",
        )

    def write_banner(self, names: list[str], *, reloads: bool, workers: int = 1) -> None:
        """Tell what is served, and where; several workers know the WebSockets themselves."""
        how = f" with {workers} workers," if workers > 1 else ""
        lines = [
            f"django-tornado-websockets {tornado_websockets.__version__}"
            f" (Django {self.get_version()}, Tornado {tornado.version})",
            f"Serving on {' and '.join(names)},{how}"
            f" {'with' if reloads else 'without'} auto-reload",
        ]
        if workers == 1:
            paths = sorted(websocket.url for websocket in registry.values())
            none = "none (write one in a views or websockets module)"
            lines.append(f"WebSockets: {', '.join(paths) or none}")
        lines.append(f"Quit with {'CTRL-BREAK' if os.name == 'nt' else 'CONTROL-C'}.")
        self.stdout.write("\n".join(lines))
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

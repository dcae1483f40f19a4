"""A worker, as its parent sees it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence

from django.utils import autoreload

from tornado_websockets.server.worker import READY, REPLACED, STOP, VARIABLE, Heritage

__all__ = ["WorkerProcess"]


class WorkerProcess:
    """Runs this very command again, in a new interpreter that inherits the listening sockets.

    A process that was only forked would run the code that this one has loaded, for ever.

    Args:
        number: of the worker.
        listening: the sockets.
        checks: whether it runs the system checks.

    Attributes:
        number: as given.
        started: when, by `time.monotonic`.
        deadline: until when it has time to serve, or to end once it was told to; None is for ever.
        is_ready: whether it has said that it serves.
        is_ending: whether it was told to end.

    Raises:
        OSError: there is no process, memory or descriptor to spare.
        RuntimeError: the file of the command has gone.
    """

    def __init__(self, number: int, listening: Sequence[socket.socket], *, checks: bool) -> None:
        self.number = number
        self.started = time.monotonic()
        self.deadline: float | None = None
        self.is_ready = self.is_ending = False
        self._line, theirs = socket.socketpair()
        self._line.setblocking(False)
        descriptors = tuple(sock.fileno() for sock in listening)
        heritage = Heritage(number, theirs.fileno(), descriptors, checks=checks)
        environment = {**os.environ, VARIABLE: heritage.to_text()}
        # The parent alone talks to the service manager.
        environment.pop("NOTIFY_SOCKET", None)
        with contextlib.ExitStack() as opened, theirs:
            opened.callback(self._line.close)
            self._process = subprocess.Popen(  # noqa: S603  this very command
                autoreload.get_child_arguments(),
                env=environment,
                pass_fds=(theirs.fileno(), *descriptors),
            )
            opened.pop_all()

    def __str__(self) -> str:
        return f"worker {self.number} (process {self._process.pid})"

    @property
    def age_s(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self.started

    @property
    def line(self) -> socket.socket | None:
        """What can be read when it has said something, None when it says nothing more."""
        return self._line if self._line.fileno() >= 0 else None

    @property
    def status(self) -> int | None:
        """Its exit status, negative for the signal that ended it, None while it runs."""
        status = self._process.poll()
        if status is not None:
            self._line.close()
        return status

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        status = self.status
        if status is None or status >= 0:
            return f"exit status {status}"
        with contextlib.suppress(ValueError):
            return f"signal {signal.Signals(-status).name}"
        return f"signal {-status}"

    def hear(self) -> None:
        """Note what it has said."""
        with contextlib.suppress(BlockingIOError):
            word = b""
            with contextlib.suppress(ConnectionError):
                word = self._line.recv(1)
            if word == READY:
                self.is_ready = True
                if not self.is_ending:
                    self.deadline = None
            else:
                self._line.close()

    def stop(self, within_s: float, *, is_replaced: bool = False) -> None:
        """Tell it to end, and note until when it has time to."""
        self.is_ending = True
        self.deadline = time.monotonic() + within_s
        with contextlib.suppress(OSError):  # it has ended by itself
            self._line.send(REPLACED if is_replaced else STOP)

    def kill(self) -> None:
        """End it at once."""
        self.deadline = None
        self._process.kill()

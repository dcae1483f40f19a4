"""One of several processes that serve: what it has from its parent, and what it is told by it.

Parent and worker have a line, a pair of sockets. The worker says on it that it serves; the parent,
when to end. No signals: a terminal and some service managers send theirs to the worker as well,
and a second one would end it at once. A line that ends says that the parent has gone, however.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
import threading
from types import FrameType
from typing import Any, Final, NamedTuple, Self

from tornado_websockets import conf, signals
from tornado_websockets.server import termination
from tornado_websockets.tornadowrapper import TornadoWrapper

__all__ = ["READY", "REPLACED", "STOP", "VARIABLE", "Heritage", "Worker"]

VARIABLE: Final = "RUNTORNADO_WORKER"
"""Environment variable that makes the command a worker; its value is a `Heritage`."""

READY: Final = b"r"
"""What the worker says when it serves."""

STOP: Final = b"s"
"""What the parent says when the server ends."""

REPLACED: Final = b"x"
"""What the parent says when another worker has come in the place of this one."""


class Heritage(NamedTuple):
    """What a worker has from its parent.

    Attributes:
        number: tells the workers of a server apart, from 1 on.
        line: file descriptor of its end of the line.
        listening: file descriptors of the listening sockets.
        checks: whether it runs the system checks: the parent has run them on older code.
    """

    number: int
    line: int
    listening: tuple[int, ...]
    checks: bool

    def to_text(self) -> str:
        """Return it as the value of an environment variable."""
        return " ".join(map(str, (self.number, self.line, int(self.checks), *self.listening)))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return what `to_text` was called on."""
        number, line, checks, *listening = map(int, text.split())
        return cls(number, line, tuple(listening), checks=bool(checks))


class Worker:
    """This process, when a parent has started it.

    Args:
        heritage: what it has from the parent.
    """

    def __init__(self, heritage: Heritage) -> None:
        self.heritage = heritage
        # What this process starts is to hold neither the port nor the line.
        for descriptor in (heritage.line, *heritage.listening):
            os.set_inheritable(descriptor, False)
        self._line = heritage.line  # no socket object, which would be closed under the thread
        self._lock = threading.Lock()
        self._serves = False

    @classmethod
    def inherited(cls) -> Self | None:
        """Return what this process is, None when no parent has started it."""
        # Taken away, so that nothing that it starts takes itself for a worker.
        text = os.environ.pop(VARIABLE, None)
        return None if text is None else cls(Heritage.from_text(text))

    def begin(self) -> None:
        """Do as the parent says, from now on."""
        # The name of a log record's process: a format may have %(processName)s.
        multiprocessing.current_process().name = f"worker-{self.heritage.number}"
        signal.signal(signal.SIGHUP, _ignore)  # of a terminal; it is the parent's affair
        signals.server_started.connect(self._tell_ready, weak=False)
        # A thread, for the event loop may not run yet, or not any more.
        threading.Thread(target=self._obey, name="tornado_websockets-worker", daemon=True).start()

    def adopt(self) -> None:
        """Give the inherited sockets to the server."""
        for descriptor in self.heritage.listening:
            sock = socket.socket(fileno=descriptor)
            sock.setblocking(False)
            TornadoWrapper.sockets.append(sock)

    # Private.

    def _tell_ready(self, **_event: Any) -> None:
        # Control-C comes to all processes of a terminal. The parent tells.
        signal.signal(signal.SIGINT, _ignore)
        with self._lock:
            self._serves = True
        with contextlib.suppress(OSError):  # the parent has gone, which the thread notices
            os.write(self._line, READY)

    def _obey(self) -> None:
        word = b""
        with contextlib.suppress(OSError):
            word = os.read(self._line, 1)
        with self._lock:
            if not self._serves:
                os._exit(0)  # nobody is there to say goodbye to
        termination.exit_within(conf.get().shutdown_timeout + termination.OVERTIME_S)
        TornadoWrapper.stop(is_replaced=word == REPLACED)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Do nothing; unlike SIG_IGN, this is not what programs inherit that the worker starts."""

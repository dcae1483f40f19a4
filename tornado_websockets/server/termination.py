"""The signals that end this process: the first one asks it to, the second one does not wait."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final

__all__ = [
    "OVERTIME_S",
    "SIGNALED",
    "SIGNALS",
    "asking",
    "exit_at_signals",
    "exit_within",
    "leave_threads",
]

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)

SIGNALED: Final = 128
"""What a shell adds to the number of the signal that ended a process, as its exit status."""

CONTAINER_PID: Final = 1
"""The process of a container that the kernel spares signals which it has no handler for."""

OVERTIME_S: Final = 0.5
"""Seconds from the end of the time that the server has to the end of the process."""


@contextlib.contextmanager
def asking(ask: Callable[[], object], *, within_s: float) -> Iterator[None]:
    """Call a function at the first signal, and exit at the second one, or when the time is over.

    Not asyncio's handlers: those wait for the event loop, which may be what does not end. Only the
    main thread gets signals; elsewhere this does nothing.

    Args:
        ask: asks the server to stop; called between two instructions of anything.
        within_s: seconds that the process has to end from the first signal on.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    is_asked = False

    def asked(_number: int, _frame: FrameType | None) -> None:
        nonlocal is_asked
        is_asked = True
        exit_at_signals()
        exit_within(within_s + OVERTIME_S)
        ask()

    before = {number: signal.signal(number, asked) for number in SIGNALS}
    try:
        yield
    finally:
        if not is_asked:
            for number, handler in before.items():
                signal.signal(number, handler)


def exit_at_signals() -> None:
    """End at the next signal, at once and without cleaning up.

    The kernel does it: a function of Python's would wait for the main thread, which may be in a
    call that does not come back, or on the point of one (a signal that comes just before a sleep
    does not shorten it). Process 1 of a container is the exception, since the kernel spares it.
    """
    if threading.current_thread() is threading.main_thread():
        ending = _exit_now if os.getpid() == CONTAINER_PID else signal.SIG_DFL
        for number in SIGNALS:
            signal.signal(number, ending)


def exit_within(delay_s: float) -> None:
    """Exit with status 1 after a time, whatever runs then; its tracebacks go to stderr.

    A thread of the interpreter sees to it that needs nothing from Python, so neither a busy loop
    nor a lock that is never released holds it up.
    """
    if sys.__stderr__ is not None:
        with contextlib.suppress(ValueError, OSError):  # it is closed, or no file
            faulthandler.dump_traceback_later(delay_s, exit=True, file=sys.__stderr__)


def leave_threads(status: Any, *, delay_s: float) -> None:
    """Exit with a status after a time, when threads keep the process from ending by itself.

    Args:
        status: as `sys.exit` takes it.
        delay_s: seconds that they have.
    """
    number = status if isinstance(status, int) else int(bool(status))

    def leave() -> None:
        time.sleep(delay_s)
        os._exit(number)

    threading.Thread(target=leave, daemon=True).start()


def _exit_now(number: int, _frame: FrameType | None) -> None:
    os._exit(SIGNALED + number)

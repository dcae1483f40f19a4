"""Django's auto-reloader, which lets the server say goodbye.

Django's own parent process ends its child with SIGKILL when it gets a SIGTERM; this one passes the
signal on, so that clients are told and the exit status is that of the server.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from django.utils import autoreload

__all__ = ["run_with_reloader"]

RELOAD_STATUS: Final = 3
"""Exit status with which a child of Django's reloader asks for another one."""


def run_with_reloader(main: Callable[..., None], **options: Any) -> None:
    """Run a function in a thread of a child process, again whenever code changes.

    As `django.utils.autoreload.run_with_reloader`, which does the work in the child.
    """
    if os.environ.get(autoreload.DJANGO_AUTORELOAD_ENV) == "true":
        autoreload.run_with_reloader(main, **options)
    else:
        sys.exit(_supervise())


def _supervise() -> int:
    """Start one child after another, and return the exit status of the last one."""
    stopping = threading.Event()
    child: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, _frame: FrameType | None) -> None:
        stopping.set()
        if child is not None:
            child.send_signal(number)

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        # A terminal interrupts both: the child ends by itself. An exception could come at any
        # moment, such as before it is known that there is a child to wait for.
        stopping.set()

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGINT, interrupted)
    status = RELOAD_STATUS
    while status == RELOAD_STATUS and not stopping.is_set():
        child = subprocess.Popen(  # noqa: S603  this very command
            autoreload.get_child_arguments(),
            env={**os.environ, autoreload.DJANGO_AUTORELOAD_ENV: "true"},
            close_fds=False,
        )
        if stopping.is_set():  # the signal came while the child was made
            child.terminate()
        status = child.wait()
    # One that a signal has killed has that number, negative: 128 + n is what shells say.
    return status if status >= 0 else 128 - status

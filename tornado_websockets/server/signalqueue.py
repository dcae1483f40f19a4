"""Signals, taken one after another between two steps of a process that has no event loop."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
from collections.abc import Iterable
from types import FrameType
from typing import Any, Self

__all__ = ["SignalQueue"]


class SignalQueue:
    """Keeps the signals that come, in order, while it is entered; in the main thread only.

    Args:
        numbers: the signals.
    """

    def __init__(self, numbers: Iterable[int]) -> None:
        self._numbers = tuple(numbers)
        self._before: dict[int, Any] = {}
        self._wakeup = -1
        self._reader, self._writer = -1, -1

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)
        # Python writes the number of each signal into it, from wherever the program is.
        self._wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, _note) for number in self._numbers}
        return self

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        os.close(self._reader)
        os.close(self._writer)

    def wait(
        self, timeout_s: float | None, sockets: Iterable[socket.socket] = ()
    ) -> tuple[list[int], list[socket.socket]]:
        """Wait for a signal, or for a socket that can be read, and return which came.

        Args:
            timeout_s: how long; None waits for ever.
            sockets: those to look at.
        """
        watched = {sock.fileno(): sock for sock in sockets}
        readable, _, _ = select.select([self._reader, *watched], [], [], timeout_s)
        came = b""
        # Read in any case: a signal that came before the wait was over is not in what it returned,
        # and what a socket says may be the consequence of it.
        with contextlib.suppress(BlockingIOError):
            came = os.read(self._reader, 4096)
        return list(came), [watched[each] for each in readable if each in watched]


def _note(_number: int, _frame: FrameType | None) -> None:
    """Do nothing, so that the signal is no more than noted."""

"""Signals and sockets, waited for by a process that has no event loop."""

from __future__ import annotations

import os
import select
import signal
import socket
import threading
import time
from typing import Any

import pytest

from tornado_websockets.server.signalqueue import SignalQueue

LONG_S = 30.0


def test_signals_are_kept_in_their_order() -> None:
    with SignalQueue([signal.SIGUSR1, signal.SIGUSR2]) as queue:
        for number in (signal.SIGUSR2, signal.SIGUSR1, signal.SIGUSR2):
            os.kill(os.getpid(), number)
        assert queue.wait(LONG_S) == ([signal.SIGUSR2, signal.SIGUSR1, signal.SIGUSR2], [])
        assert queue.wait(0) == ([], [])


def test_a_signal_ends_the_wait() -> None:
    with SignalQueue([signal.SIGUSR1]) as queue:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        assert queue.wait(None) == ([signal.SIGUSR1], [])


def test_a_socket_that_can_be_read_ends_it_too_and_so_does_time() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, SignalQueue([signal.SIGUSR1]) as queue:
        begun = time.monotonic()
        assert queue.wait(0.05, [ours]) == ([], [])
        assert time.monotonic() - begun >= 0.04
        theirs.send(b"x")
        assert queue.wait(LONG_S, [ours]) == ([], [ours])
        os.kill(os.getpid(), signal.SIGUSR1)
        assert queue.wait(LONG_S, [ours]) == ([signal.SIGUSR1], [ours])


def test_a_signal_is_told_no_later_than_what_came_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A terminal interrupts all processes: a child may be gone before its parent gets to run."""
    wait = select.select

    def wait_and_be_late(*args: Any) -> Any:
        found = wait(*args)
        os.kill(os.getpid(), signal.SIGUSR1)
        return found

    ours, theirs = socket.socketpair()
    with ours, theirs, SignalQueue([signal.SIGUSR1]) as queue:
        theirs.send(b"x")
        monkeypatch.setattr(select, "select", wait_and_be_late)
        assert queue.wait(LONG_S, [ours]) == ([signal.SIGUSR1], [ours])


def test_afterwards_signals_do_what_they_did_before() -> None:
    came: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _frame: came.append(number))
    try:
        with SignalQueue([signal.SIGUSR1]) as queue:
            os.kill(os.getpid(), signal.SIGUSR1)
            assert queue.wait(LONG_S) == ([signal.SIGUSR1], [])
        os.kill(os.getpid(), signal.SIGUSR1)
        assert came == [signal.SIGUSR1]
        wakeup = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(wakeup)
        assert wakeup == -1
    finally:
        signal.signal(signal.SIGUSR1, before)

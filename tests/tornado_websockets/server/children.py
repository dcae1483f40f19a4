"""Small processes that stand where workers would, and speak with their parent as those do."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import pytest
from django.utils import autoreload

from tornado_websockets.server.workerprocess import WorkerProcess

TIMEOUT_S = 30

PROLOGUE = """
import os, signal, sys, time
number, line, checks, *sockets = map(int, os.environ["RUNTORNADO_WORKER"].split())
"""

OBEDIENT = """
os.write(line, b"r")
sys.exit(0 if os.read(line, 1) in (b"s", b"x") else 9)
"""

FAILING = "sys.exit(7)"

DUMB = "os.read(line, 1)"

DEAF = """
os.write(line, b"r")
while True:
    time.sleep(0.05)
"""


def bear(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Have the workers that are started from now on run a program."""
    command = [sys.executable, "-c", PROLOGUE + program]
    monkeypatch.setattr(autoreload, "get_child_arguments", lambda: command)


def until(condition: Callable[[], object]) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.005)


def hear(worker: WorkerProcess) -> bool:
    """Listen to a worker; return whether it is ready."""
    if worker.line is not None:
        worker.hear()
    return worker.is_ready


def end(worker: WorkerProcess) -> None:
    """Kill a worker, and wait for it."""
    worker.kill()
    until(lambda: worker.status is not None)

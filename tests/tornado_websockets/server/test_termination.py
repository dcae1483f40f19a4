"""Signals and deadlines, in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tornado_websockets.server import termination

HEAD = "import time, threading, signal, sys\nfrom tornado_websockets.server import termination\n"

Run = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def run() -> Iterator[Run]:
    """Start a program that begins by saying a word."""
    started: list[subprocess.Popen[str]] = []

    def run(program: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", HEAD + program],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks(number: int, run: Run) -> None:
    program = """
asked = []  # no lock, which the signal could find held by what it interrupts
with termination.asking(lambda: asked.append(1), within_s=30):
    print("ready", flush=True)
    while not asked:
        time.sleep(0.01)
print("ended")
"""
    process = run(program)
    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    assert (output, errors, process.returncode) == ("ended\n", "", 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "busy", ["time.sleep(60)", "max(itertools.count())"], ids=["asleep", "in C that does not end"]
)
def test_the_second_signal_ends_it_now(number: int, busy: str, run: Run) -> None:
    program = f"""
import itertools
with termination.asking(lambda: print("asked", flush=True), within_s=30):
    print("ready", flush=True)
    signal.raise_signal({number:d})
    {busy}
"""
    process = run(program)
    assert process.stdout is not None
    assert process.stdout.readline() == "asked\n"
    process.send_signal(number)
    process.communicate(timeout=10)
    assert process.returncode == -number


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_process_1_of_a_container_ends_as_well(number: int, status: int, run: Run) -> None:
    """The kernel spares that process the signals that it has no function for."""
    program = """
import os
termination.CONTAINER_PID = os.getpid()
termination.exit_at_signals()
print("ready", flush=True)
while True:
    time.sleep(0.1)
"""
    process = run(program)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == status


def test_what_does_not_end_in_time_is_ended_and_shown(run: Run) -> None:
    program = """
def stubborn():
    while True:
        time.sleep(60)
with termination.asking(lambda: None, within_s=0.2):
    threading.Thread(target=stubborn).start()
    print("ready", flush=True)
    signal.pause()
"""
    process = run(program)
    start = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert time.monotonic() - start < 10
    assert "in stubborn" in errors


def test_without_a_signal_the_handlers_of_before_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with termination.asking(lambda: None, within_s=30):
        assert signal.getsignal(signal.SIGTERM) is not before[0]
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_another_thread_gets_no_signals_and_sets_no_handlers() -> None:
    seen: list[object] = []

    def serve() -> None:
        with termination.asking(lambda: None, within_s=30):
            seen.append(signal.getsignal(signal.SIGTERM))
        termination.exit_at_signals()

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=serve)
    thread.start()
    thread.join()
    assert seen == [before]
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(("status", "expected"), [(3, 3), (None, 0), ("a message", 1)])
def test_threads_that_do_not_end_are_left_behind(status: object, expected: int, run: Run) -> None:
    program = f"""
threading.Thread(target=time.sleep, args=(60,)).start()
print("ready", flush=True)
termination.leave_threads({status!r}, delay_s=0.1)
"""
    process = run(program)
    process.communicate(timeout=30)
    assert process.returncode == expected


def test_threads_that_end_are_waited_for(run: Run) -> None:
    program = """
def work():
    time.sleep(0.3)
    print("worked")
threading.Thread(target=work).start()
print("ready", flush=True)
termination.leave_threads(3, delay_s=30)
"""
    process = run(program)
    output, _ = process.communicate(timeout=20)
    assert (output, process.returncode) == ("worked\n", 0)

"""A worker as its parent sees it: a real process each time."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.tornado_websockets.server.children import (
    DEAF,
    DUMB,
    FAILING,
    OBEDIENT,
    bear,
    end,
    hear,
    until,
)
from tornado_websockets.server.workerprocess import WorkerProcess


def test_it_says_when_it_serves_and_ends_when_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    bear(monkeypatch, OBEDIENT)
    worker = WorkerProcess(3, [], checks=False)
    assert not worker.is_ready
    until(lambda: hear(worker))
    assert str(worker).startswith("worker 3 (process ")
    before = time.monotonic()
    worker.stop(10)
    assert worker.deadline is not None
    assert before + 10 <= worker.deadline <= time.monotonic() + 10
    until(lambda: worker.status is not None)
    assert (worker.status, worker.ending, worker.line) == (0, "exit status 0", None)
    worker.stop(10)  # which it does not hear any more


def test_one_that_serves_has_no_deadline_unless_it_was_told_to_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bear(monkeypatch, OBEDIENT)
    worker = WorkerProcess(1, [], checks=False)
    worker.deadline = time.monotonic() + 100
    until(lambda: hear(worker))
    assert [worker.deadline] == [None]
    end(worker)
    worker = WorkerProcess(1, [], checks=False)
    worker.stop(10)  # before it serves
    until(lambda: hear(worker))
    assert worker.deadline is not None
    until(lambda: worker.status is not None)
    assert worker.status == 0


def test_it_inherits_the_sockets_and_may_not_talk_to_the_service_manager(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = """
import socket
with socket.socket(fileno=sockets[0]) as listening:
    listening.accept()[0].sendall(f"{number} {checks} {'NOTIFY_SOCKET' in os.environ}".encode())
"""
    bear(monkeypatch, program)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        worker = WorkerProcess(1, [listening], checks=True)
        with socket.create_connection(listening.getsockname(), timeout=30) as client:
            assert client.recv(100) == b"1 1 False"
    until(lambda: worker.status is not None)


def test_a_line_that_ends_is_no_longer_listened_to(monkeypatch: pytest.MonkeyPatch) -> None:
    bear(monkeypatch, "os.close(line)\ntime.sleep(60)")
    worker = WorkerProcess(1, [], checks=False)
    until(lambda: hear(worker) or worker.line is None)
    assert (worker.is_ready, worker.status) == (False, None)
    end(worker)


def test_how_it_ended_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    bear(monkeypatch, FAILING)
    worker = WorkerProcess(1, [], checks=False)
    until(lambda: worker.status is not None)
    assert (worker.status, worker.ending) == (7, "exit status 7")
    bear(monkeypatch, DEAF)
    worker = WorkerProcess(1, [], checks=False)
    until(lambda: hear(worker))
    end(worker)
    assert (worker.status, worker.ending) == (-9, "signal SIGKILL")


@pytest.mark.skipif(not hasattr(signal, "SIGRTMIN"), reason="needs real-time signals")
def test_a_signal_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    bear(monkeypatch, f"os.kill(os.getpid(), {signal.SIGRTMIN + 3})")
    worker = WorkerProcess(1, [], checks=False)
    until(lambda: worker.status is not None)
    assert worker.ending == f"signal {signal.SIGRTMIN + 3}"


def test_it_hears_that_its_parent_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    bear(monkeypatch, DUMB)
    worker = WorkerProcess(1, [], checks=False)
    assert worker.line is not None
    os.close(worker.line.detach())
    until(lambda: worker.status is not None)
    assert worker.status == 0

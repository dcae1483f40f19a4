"""A worker's own side; `tests/integration/test_workers.py` has servers of several."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tornado_websockets.server.worker import READY, REPLACED, STOP, VARIABLE, Heritage, Worker
from tornado_websockets.tornadowrapper import TornadoWrapper

ROOT = Path(__file__).parents[3]

PROGRAM = """
import logging, sys, time
from django.conf import settings
settings.configure(TORNADO={"shutdown_timeout": 5}, INSTALLED_APPS=[])
from tornado_websockets.server.worker import Worker
from tornado_websockets.tornadowrapper import TornadoWrapper
worker = Worker.inherited()
assert Worker.inherited() is None
worker.begin()
logging.basicConfig(format="%(processName)s", stream=sys.stdout)
logging.error("")
sys.stdout.flush()
if sys.argv[1] == "serve":
    TornadoWrapper.start_app()
    worker.adopt()
    TornadoWrapper.loop()
    sys.exit(3)
while True:
    time.sleep(0.05)
"""


class Child:
    """A worker in a process, and this end of its line."""

    def __init__(self, verb: str) -> None:
        self.line, theirs = socket.socketpair()
        self.line.settimeout(60)
        self.listening = socket.create_server(("127.0.0.1", 0))
        heritage = Heritage(2, theirs.fileno(), (self.listening.fileno(),), checks=False)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "error", "-c", PROGRAM, verb],
                env={**os.environ, VARIABLE: heritage.to_text(), "PYTHONPATH": str(ROOT)},
                pass_fds=(theirs.fileno(), self.listening.fileno()),
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self.process.stdout is not None
        self.name = self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()
        self.line.close()
        self.listening.close()


@pytest.fixture
def starting() -> Iterator[Child]:
    child = Child("start")
    yield child
    child.end()


@pytest.fixture
def serving() -> Iterator[Child]:
    child = Child("serve")
    assert child.line.recv(1) == READY
    yield child
    child.end()


def test_what_it_inherits_is_one_line_of_text() -> None:
    for heritage in (Heritage(1, 5, (), checks=False), Heritage(12, 3, (4, 7), checks=True)):
        assert Heritage.from_text(heritage.to_text()) == heritage


def test_a_process_that_nobody_has_started_so_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert Worker.inherited() is None


def test_what_it_starts_inherits_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.create_server(("127.0.0.1", 0)) as listening:
        descriptors = (theirs.fileno(), listening.fileno())
        for descriptor in descriptors:
            os.set_inheritable(descriptor, True)
        heritage = Heritage(1, descriptors[0], descriptors[1:], checks=False)
        monkeypatch.setenv(VARIABLE, heritage.to_text())
        worker = Worker.inherited()
        assert worker is not None
        assert worker.heritage == heritage
        assert VARIABLE not in os.environ
        assert not any(map(os.get_inheritable, descriptors))


def test_the_server_gets_its_sockets() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        copy = os.dup(listening.fileno())
        Worker(Heritage(1, copy, (copy,), checks=False)).adopt()
        [sock] = TornadoWrapper.sockets
        assert sock.getsockname() == listening.getsockname()
        assert sock.getblocking() is False
        TornadoWrapper.unlisten()


def test_log_records_have_its_name(starting: Child) -> None:
    assert starting.name == "worker-2"


@pytest.mark.parametrize("word", [STOP, REPLACED, b""])
def test_while_it_starts_it_ends_at_once(word: bytes, starting: Child) -> None:
    if word:
        starting.line.send(word)
    else:
        starting.line.close()
    assert starting.process.wait(30) == 0


@pytest.mark.parametrize("word", [STOP, REPLACED, b""])
def test_a_word_or_the_end_of_its_parent_ends_the_server(word: bytes, serving: Child) -> None:
    with socket.create_connection(serving.listening.getsockname(), timeout=30) as client:
        client.sendall(b"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
    if word:
        serving.line.send(word)
    else:
        serving.line.close()
    assert serving.process.wait(30) == 3


def test_signals_of_a_terminal_are_not_for_it(serving: Child) -> None:
    for _ in range(2):
        for number in (signal.SIGINT, signal.SIGHUP):
            serving.process.send_signal(number)
    with socket.create_connection(serving.listening.getsockname(), timeout=30) as client:
        client.sendall(b"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
    serving.line.send(STOP)
    assert serving.process.wait(30) == 3

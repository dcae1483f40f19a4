"""The file with the process id, among processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tornado_websockets.server.pidfile import pidfile

ROOT = Path(__file__).parents[3]

HOLDER = """
import pathlib, sys, time
from tornado_websockets.server.pidfile import pidfile
with pidfile(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_it_has_the_id_while_it_is_held_and_is_removed_then(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    with pidfile(path):
        assert path.read_text() == f"{os.getpid()}\n"
    assert not path.exists()


def test_it_is_removed_after_a_failure_too(tmp_path: Path) -> None:
    with pytest.raises(KeyError), pidfile(tmp_path / "pid"):
        raise KeyError
    assert not (tmp_path / "pid").exists()


def test_one_that_a_server_holds_is_refused_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    other = holder(path)
    try:
        message = f"the server with the process id {other.pid} runs"
        with pytest.raises(FileExistsError, match=message), pidfile(path):
            raise AssertionError("held twice")
        assert path.read_text() == f"{other.pid}\n"
    finally:
        other.communicate(timeout=30)
    assert not path.exists()


def test_one_of_a_server_that_was_killed_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    other = holder(path)
    other.send_signal(signal.SIGKILL)
    other.communicate(timeout=30)
    assert path.read_text() == f"{other.pid}\n"
    path.write_text("1234567890123\n")  # longer than the new one
    with pidfile(path):
        assert path.read_text() == f"{os.getpid()}\n"


def test_an_id_that_another_process_has_got_deceives_nobody(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    path.write_text(f"{os.getppid()}\n")
    with pidfile(path):
        assert path.read_text() == f"{os.getpid()}\n"


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), pidfile(tmp_path / "none" / "pid"):
        raise AssertionError("held nothing")

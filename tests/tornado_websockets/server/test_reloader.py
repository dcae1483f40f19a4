"""The parent of the auto-reloader; `runtornado`'s tests reload and stop with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PARENT = """
import sys
from tornado_websockets.server.reloader import run_with_reloader

def main():
    raise AssertionError("only the child runs it")

import django.utils.autoreload as autoreload
autoreload.get_child_arguments = lambda: [sys.executable, "child.py"]
run_with_reloader(main)
"""


def run(child: str, folder: Path, program: str = PARENT) -> subprocess.Popen[str]:
    (folder / "child.py").write_text(child)
    (folder / "parent.py").write_text(program)
    return subprocess.Popen(
        [sys.executable, "-W", "error", "parent.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_a_child_that_asks_for_another_one_gets_it(tmp_path: Path) -> None:
    child = """
import pathlib, sys
seen = pathlib.Path("seen")
print("child", flush=True)
if seen.exists():
    sys.exit(7)
seen.touch()
sys.exit(3)
"""
    parent = run(child, tmp_path)
    output, _ = parent.communicate(timeout=60)
    assert output == "child\nchild\n"
    assert parent.returncode == 7


def test_a_child_that_is_killed_has_the_status_of_shells(tmp_path: Path) -> None:
    parent = run("import os; os.kill(os.getpid(), 9)", tmp_path)
    parent.communicate(timeout=60)
    assert parent.returncode == 137


HELD_UP = """
import subprocess, time

class Popen(subprocess.Popen):
    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        time.sleep(0.2)  # the child is there, and the parent does not know it yet

subprocess.Popen = Popen
"""


@pytest.mark.parametrize("program", [PARENT, HELD_UP + PARENT], ids=["", "held up"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_child_has_time_to_end_after_a_signal(
    number: int, program: str, tmp_path: Path
) -> None:
    child = """
import signal, sys, time
def end(number, frame):
    time.sleep(0.3)
    print("ended", flush=True)
    sys.exit(5)
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
print("ready", flush=True)
while True:
    time.sleep(0.05)  # a signal just before it does not shorten it
"""
    parent = run(child, tmp_path, program)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"
    if number == signal.SIGINT:
        os.killpg(parent.pid, number)
    else:
        parent.send_signal(number)
    output, _ = parent.communicate(timeout=60)
    assert output == "ended\n"
    assert parent.returncode == 5


def test_a_signal_that_comes_while_the_child_is_made_reaches_it(tmp_path: Path) -> None:
    child = "import time; time.sleep(60)"
    program = PARENT.replace("lambda: [", "lambda: tell() or [").replace(
        "def main",
        "import os, signal\n\ndef tell():\n    os.kill(os.getpid(), signal.SIGTERM)\n\ndef main",
    )
    parent = run(child, tmp_path, program)
    parent.communicate(timeout=30)
    assert parent.returncode == 128 + signal.SIGTERM


def test_a_signal_between_two_children_is_not_lost(tmp_path: Path) -> None:
    # The child ends with the status for another one while it is being told to stop.
    child = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
print("ready", flush=True)
while True:
    time.sleep(0.05)  # a signal just before it does not shorten it
"""
    parent = run(child, tmp_path)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"
    start = time.monotonic()
    parent.terminate()
    output, _ = parent.communicate(timeout=60)
    assert output == ""
    assert time.monotonic() - start < 30

"""The example, served by the command that people run."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tornado_websockets.testing import Server

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30


class Demo:
    """A ``manage.py demo`` process on a free port, with a database of its own."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.log = directory / "demo.log"
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "testapp.settings",
            "DATABASE_URL": f"sqlite:///{directory}/demo.sqlite3",
            "DEBUG": "True",
            "SECRET_KEY": "",
            "ALLOWED_HOSTS": "",
            "PYTHONUNBUFFERED": "1",
        }
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "error", "manage.py", "demo", "0", *arguments],
                cwd=settings.BASE_DIR,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.url = self.wait_for(r"(http://127\.0\.0\.1:\d+)/admin/\n")[1]
        self.server = Server(int(self.url.rpartition(":")[2]))

    @property
    def output(self) -> str:
        return self.log.read_text()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Return where a pattern stands in the output, as soon as it does."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            ended = self.process.poll() is not None
            if match := re.search(pattern, self.output):
                return match
            if ended:
                break
            time.sleep(0.05)
        self.process.kill()
        self.process.wait()
        pytest.fail(f"{pattern!r} did not appear in the output of the demo:\n{self.output}")

    def stop(self) -> int:
        """Stop it as an init system does, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_TIMEOUT_S)
        finally:
            self.process.kill()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One example for all tests that talk to it."""
    running = Demo(tmp_path_factory.mktemp("demo"), "--noreload")
    yield running
    running.stop()


@pytest.fixture
def start_demo(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Start an example of the test's own, stopped at the latest when the test ends."""
    started: list[Demo] = []

    def start(*arguments: str) -> Demo:
        started.append(Demo(tmp_path, *arguments))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.stop()

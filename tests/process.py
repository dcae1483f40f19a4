"""A server of a test, as a process of its own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30


class ServerProcess:
    """A ``manage.py`` command that runs until it is stopped.

    Args:
        arguments: those of ``manage.py``.
        directory: where ``manage.py`` is.
        log: file that gets what it prints.
        environment: added to this process's environment.
    """

    def __init__(
        self,
        *arguments: str,
        directory: Path,
        log: Path,
        environment: Mapping[str, str] | None = None,
        python: str = sys.executable,
    ) -> None:
        self.log = log
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [python, "-W", "error", "manage.py", *arguments],
                cwd=directory,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        # Of what is being written the last character may be there by half.
        return self.log.read_text(errors="replace")

    @property
    def port(self) -> int:
        """The port of the banner, as soon as it is there."""
        return int(self.wait_for(r"Serving on https?://\S+:(\d+)/.*\n(?s:.*)Quit with ")[1])

    def wait_for(self, pattern: str, timeout_s: float = START_TIMEOUT_S) -> re.Match[str]:
        """Return where a pattern stands in the output, as soon as it does.

        Raises:
            AssertionError: it did not come, or the process ended without it.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            ended = self.process.poll() is not None
            if match := re.search(pattern, self.output):
                return match
            if ended:
                break
            time.sleep(0.05)
        raise AssertionError(f"{pattern!r} did not appear in:\n{self.output}")

    def wait(self) -> int:
        """Return the exit status of a process that ends by itself."""
        try:
            return self.process.wait(START_TIMEOUT_S)
        finally:
            self.kill()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop it as an init system or a terminal does, and return its exit status.

        One that a signal has ended at once has the status that a shell gives it.
        """
        if number == signal.SIGINT:
            os.killpg(self.process.pid, number)  # a terminal interrupts all of its processes
        else:
            self.process.send_signal(number)
        try:
            status = self.process.wait(STOP_TIMEOUT_S)
        finally:
            self.kill()
        return status if status >= 0 else 128 - status

    def kill(self) -> None:
        """End it and what it has started, whatever it does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def is_there(pid: int) -> bool:
    """Return whether there is a process, be it one that nobody has waited for yet."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def accepts(port: int) -> bool:
    """Return whether anybody listens on a port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=START_TIMEOUT_S).close()
    except ConnectionRefusedError:
        return False
    return True


@contextlib.contextmanager
def running(
    *arguments: str,
    directory: Path,
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator[ServerProcess]:
    """Run a server for a while."""
    server = ServerProcess(*arguments, directory=directory, log=log, environment=environment)
    try:
        yield server
    finally:
        server.kill()

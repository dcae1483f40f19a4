"""A Redis of its own, that can be taken away and given back."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Final, Self

__all__ = ["Broker", "free_port", "is_installed"]

START_TIMEOUT_S: Final = 20


class Broker:
    """Serves on a free port of 127.0.0.1, until it is stopped; then again on the same one.

    Args:
        keeps: whether it knows after a restart what it knew before; else it is empty then.
        options: further ones of redis-server, like ``maxmemory="2mb"``.

    Attributes:
        port: it serves there.
        folder: its own.
    """

    def __init__(self, *, keeps: bool = False, **options: str) -> None:
        self.port = free_port()
        # It writes before it answers. With "everysec" it would not, for a second or two, while the
        # disk is busy.
        self._options = {
            "appendonly": "yes" if keeps else "no",
            "appendfsync": "no",
            **options,
        }
        self.folder = Path(tempfile.mkdtemp(prefix="broker-"))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options: dict[str, Any] = {
            "port": self.port,
            "bind": "127.0.0.1",
            "save": "",
            **self._options,
        }
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self._process = subprocess.Popen(
            ["redis-server", *words], cwd=self.folder, stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("redis-server did not start")
            time.sleep(0.02)

    def pause(self) -> None:
        """Let it take connections and answer nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it answer again, also what came in the meantime."""
        self._signal(signal.SIGCONT)

    def run(self, *command: str) -> str:
        """Return what redis-cli says to a command."""
        words = ["redis-cli", "-p", str(self.port), *command]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()

    def stop(self) -> None:
        """End it at once, as `kill -9` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as sock:
                sock.sendall(b"PING\r\n")
                return sock.recv(16).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False


def is_installed() -> bool:
    """Return whether this machine has a Redis to start."""
    return shutil.which("redis-server") is not None


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])

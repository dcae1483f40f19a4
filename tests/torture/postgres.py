"""A PostgreSQL of its own, that can be taken away and given back."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Final, Self

from tests.engines.broker import free_port
from tests.torture.missing import MissingProgramError

__all__ = ["MissingProgramError", "Postgres"]

DEBIAN: Final = Path("/usr/lib/postgresql")
"""Where Debian has the programs of each version, outside PATH."""

START_TIMEOUT_S: Final = 60
READY: Final = re.compile(r"database system is ready to accept connections")

QUICK: Final = ("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "shared_buffers=16MB")


class Postgres:
    """Serves an empty database to the user ``torture`` on a free port of 127.0.0.1."""

    def __init__(self) -> None:
        self._programs = _programs()
        self._folder = Path(tempfile.mkdtemp(prefix="torture-postgres-"))
        self._log = self._folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    def __enter__(self) -> Self:
        data = self._folder / "data"
        data.mkdir()
        self._log.touch()
        if os.geteuid() == 0:  # it refuses to run as root
            for path in (self._folder, data, self._log):
                shutil.chown(path, "nobody")
        try:
            self._run("initdb", "-D", str(data), "-U", "torture", "-A", "trust", "--no-sync").wait()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        seen = len(self._log.read_text())
        address = ("-p", str(self.port), "-c", "listen_addresses=127.0.0.1", "-k", "")
        self._process = self._run("postgres", "-D", str(self._folder / "data"), *address, *QUICK)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not READY.search(self._log.read_text()[seen:]):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"PostgreSQL did not start:\n{self._log.read_text()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop it at once, as when its machine is switched off."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGQUIT)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        somebody: dict[str, Any] = {}
        if os.geteuid() == 0:
            somebody = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [self._programs / program, *arguments],
                cwd=self._folder,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                **somebody,
            )


def _programs() -> Path:
    """Return the folder that has ``postgres`` and ``initdb``, the newest of several."""
    found = shutil.which("postgres")
    if found is not None and shutil.which("initdb") is not None:
        return Path(found).resolve().parent
    versions = sorted(DEBIAN.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not versions:
        raise MissingProgramError("PostgreSQL is not installed")
    return versions[-1].parent

"""The file with the process id of the server, held by one server at a time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["pidfile"]


@contextlib.contextmanager
def pidfile(path: Path) -> Iterator[None]:
    """Keep the id of this process in a file, until the end, when the file is removed.

    A lock on the file tells a server that runs from one that was killed: the system releases it
    with the process, so an id that another process has got meanwhile deceives nobody.

    Raises:
        OSError: a server that runs holds the file, and the message names its id; or the file
            cannot be written.
    """
    descriptor = _hold(path)
    try:
        text = f"{os.getpid()}\n".encode()
        # What is read meanwhile has this id in its first line.
        os.pwrite(descriptor, text, 0)
        os.ftruncate(descriptor, len(text))
        yield
    finally:
        # While it is held still: whoever waits for it sees that its name has gone.
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _hold(path: Path) -> int:
    if fcntl is None:
        raise OSError("this system has no locks on files")
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).split(b"\n")[0].decode(errors="replace")
            os.close(descriptor)
            raise FileExistsError(f"the server with the process id {holder} runs") from None
        # A server that ended between the two calls has removed the file that was opened.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        os.close(descriptor)

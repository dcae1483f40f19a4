"""The sockets that a server listens on."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from pathlib import Path
from typing import Final

__all__ = [
    "BACKLOG",
    "HAS_REUSE_PORT",
    "HAS_UNIX",
    "UNIX_MODE",
    "UnixSocket",
    "open_tcp",
    "open_unix",
]

BACKLOG: Final = 1024
"""Connections that may wait to be accepted: a crowd that reconnects after a restart."""

UNIX_MODE: Final = 0o660
"""Permissions of a Unix socket: its owner and its group may connect."""

HAS_REUSE_PORT: Final = hasattr(socket, "SO_REUSEPORT")
HAS_UNIX: Final = hasattr(socket, "AF_UNIX")


def open_tcp(port: int, address: str, *, reuse_port: bool = False) -> list[socket.socket]:
    """Return listening sockets for all that an address stands for, as localhost for two.

    tornado.netutil.bind_sockets does the same, but leaks a socket when it fails.

    Args:
        port: 0 for one that the system chooses.
        address: a name or an IP address.
        reuse_port: let other processes of this user listen on the port as well (SO_REUSEPORT).

    Raises:
        OSError: the port is in use, forbidden, or the address is none of this machine.
    """
    found = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    with contextlib.ExitStack() as opened:
        sockets: list[socket.socket] = []
        for family, _, _, _, (host, _, *scope) in found:
            # All have one port, also when the system chooses it.
            number = sockets[0].getsockname()[1] if sockets else port
            sock = socket.create_server(
                (host, number, *scope), family=family, backlog=BACKLOG, reuse_port=reuse_port
            )
            opened.callback(sock.close)
            sock.setblocking(False)
            sockets.append(sock)
        opened.pop_all()
    return sockets


class UnixSocket(socket.socket):
    """A listening Unix socket whose file goes with it.

    Args:
        path: where the file is to be; the socket of a server that has gone is replaced.
        mode: its permissions.

    Raises:
        FileExistsError: the path is something else than a socket.
        OSError: a server listens there, or the file cannot be made.
    """

    def __init__(self, path: Path, mode: int) -> None:
        super().__init__(socket.AF_UNIX, socket.SOCK_STREAM)
        self._path = path
        self._file: os.stat_result | None = None
        try:
            _remove_dead(path)
            self.bind(str(path))
            self._file = path.stat()
            # Before listen() nobody gets in, so nobody is early.
            path.chmod(mode)
            self.listen(BACKLOG)
            self.setblocking(False)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop listening, and remove the file unless another server has put its own there."""
        made, self._file = self._file, None
        if made is not None:
            with contextlib.suppress(OSError):
                if os.path.samestat(made, self._path.stat()):
                    self._path.unlink()
        super().close()


def open_unix(path: Path, *, mode: int = UNIX_MODE) -> socket.socket:
    """Return a listening Unix socket, see `UnixSocket`."""
    return UnixSocket(path, mode)


def _remove_dead(path: Path) -> None:
    """Remove the socket of a server that has gone; leave anything else alone."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(f"{path} is there already, and is no socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # a server whose queue is full is alive: BlockingIOError
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except BlockingIOError:
            pass
    raise OSError(f"a server listens on {path} already")

"""A way to a server that can go dead without a word, as behind a pulled cable."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self


class Relay:
    """Passes bytes between its own port and a server's, until it is told not to.

    Args:
        target: port of the server, on 127.0.0.1.

    Attributes:
        port: its own.
        accepted: how many connections it has taken.
    """

    def __init__(self, target: int) -> None:
        self.accepted = 0
        self._target = target
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._alive = threading.Event()
        self._alive.set()
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for sock in (self._listening, *self._sockets):
            sock.close()

    def cut(self) -> None:
        """Pass nothing on any more, and close nothing, of the connections that there are."""
        self._alive.clear()
        self._alive = threading.Event()
        self._alive.set()

    # Private.

    def _accept(self) -> None:
        while True:
            try:
                theirs, _address = self._listening.accept()
            except OSError:  # the end
                return
            self.accepted += 1
            alive = self._alive
            self._sockets.append(theirs)
            ours = socket.create_connection(("127.0.0.1", self._target))
            self._sockets.append(ours)
            for source, drain in ((theirs, ours), (ours, theirs)):
                thread = threading.Thread(target=_pass, args=(source, drain, alive))
                thread.start()
                self._threads.append(thread)


def _pass(source: socket.socket, drain: socket.socket, alive: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            if alive.is_set():
                drain.sendall(data)
        if alive.is_set():
            drain.shutdown(socket.SHUT_WR)

"""Clients that come back all at once, each for what it has missed: raw sockets, one thread."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from benchmarks.connections import PATIENCE_S, reset
from benchmarks.errors import MeasureError
from benchmarks.frames import Frame, accepted, request, split

__all__ = ["Return", "come_back"]

PATH: Final = "/ws/bench"
READ_SIZE: Final = 65536


class Return(NamedTuple):
    """How a crowd came back.

    Attributes:
        positions: where each client is then, in its own order.
        seconds: until the last had everything.
    """

    positions: list[str]
    seconds: float


def come_back(port: int, positions: Sequence[str | None], missed: Sequence[int]) -> Return:
    """Connect clients that were there before, at once, and wait until all have what they missed.

    Args:
        port: the server's.
        positions: where each of them was, None for one that was nowhere.
        missed: the numbers of the events that each is to get, in their order.

    Raises:
        MeasureError: one of them gets something else, or not within a minute.
    """
    with contextlib.ExitStack() as stack:
        poll = stack.enter_context(select.epoll())
        started = time.perf_counter()
        known: dict[bytes, tuple[int, str]] = {}
        clients = [_Client(port, position, missed, known) for position in positions]
        waiting = {client.fd: client for client in clients}
        for client in clients:
            stack.callback(client.close)
            poll.register(client.fd, select.EPOLLOUT)
        while waiting:
            ready = poll.poll(PATIENCE_S)
            if not ready:
                raise MeasureError(
                    f"{len(waiting)} of {len(clients)} clients did not get what they had missed"
                    f" within {PATIENCE_S:.0f} s"
                )
            for fd, _ in ready:
                client = waiting[fd]
                if not client.has_asked:
                    client.ask()
                    poll.modify(fd, select.EPOLLIN)
                elif client.read():
                    poll.unregister(fd)
                    del waiting[fd]
        return Return([client.position for client in clients], time.perf_counter() - started)


class _Client:
    """One client, from its connection until it has everything.

    Args:
        known: number and offset of the events that any client has got, by their frames.
    """

    def __init__(
        self,
        port: int,
        position: str | None,
        missed: Sequence[int],
        known: dict[bytes, tuple[int, str]],
    ) -> None:
        self.has_asked = False
        self.is_open = False
        self.position = ""
        self._wanted = None if position is None else len(missed)
        self._missed = missed
        self._known = known
        self._got = 0
        query = "" if position is None else f"?tws_position={position}"
        self._handshake = request(port, PATH + query, deflate=False)
        self._buffer = bytearray()
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._socket.connect_ex(("127.0.0.1", port))

    @property
    def fd(self) -> int:
        return self._socket.fileno()

    def ask(self) -> None:
        """Send the handshake, now that there is a connection."""
        self._socket.send(self._handshake)
        self.has_asked = True

    def read(self) -> bool:
        """Take what has come; return whether that is all."""
        got = self._socket.recv(READ_SIZE)
        if not got:
            raise MeasureError("the server closed a connection")
        self._buffer += got
        if not self.is_open:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return False
            accepted(bytes(head), deflate=False)
            self.is_open, self._buffer = True, rest
        for frame in split(self._buffer):
            self._take(frame)
        return bool(self.position) and self._got == len(self._missed)

    def close(self) -> None:
        reset(self._socket)

    def _take(self, frame: Frame) -> None:
        if not self.position:
            self._begin(frame)
            return
        if frame.raw not in self._known:
            envelope = json.loads(frame.payload)
            self._known[frame.raw] = envelope["data"]["number"], envelope["offset"]
        number, offset = self._known[frame.raw]
        if self._got == len(self._missed) or number != self._missed[self._got]:
            raise MeasureError(f"expected {len(self._missed)} events in order, got {number}")
        self._got += 1
        epoch, _offset, socket_id = self.position.split(":")
        self.position = f"{epoch}:{offset}:{socket_id}"

    def _begin(self, frame: Frame) -> None:
        envelope = json.loads(frame.payload)
        data = envelope["data"]
        is_back = None if self._wanted is None else True
        expected = is_back, self._wanted or 0
        if envelope["event"] != "recovered" or (data["recovered"], data["missed"]) != expected:
            raise MeasureError(f"expected to be told {expected}, got {envelope!r}")
        self.position = f"{data['epoch']}:{data['offset']}:{data['socket']}"

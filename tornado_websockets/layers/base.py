"""The contract of a layer."""

from __future__ import annotations

import abc
from collections.abc import Collection, Sequence
from typing import Protocol

from tornado_websockets.outgoing import Outgoing

__all__ = ["Connection", "Layer"]


class Connection(Protocol):
    """One client, as a layer sees it."""

    def send(self, outgoing: Outgoing) -> None:
        """Send a message; a client that has gone is no error."""

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Start the closing handshake, RFC 6455 section 7.1.2."""

    def leave(self, code: int, reason: str) -> None:
        """Take no more messages, and close when the callbacks of those that came have ended."""


class Layer(abc.ABC):
    """Knows which connections each path has, and reaches them all.

    `join`, `leave` and `close_all` are called on the event loop, the others anywhere.
    """

    @abc.abstractmethod
    def join(self, path: str, connection: Connection) -> None:
        """Add a connection whose handshake has succeeded."""

    @abc.abstractmethod
    def leave(self, path: str, connection: Connection) -> None:
        """Remove a connection; one that never joined is no error."""

    @abc.abstractmethod
    def connections(self, path: str | None) -> Sequence[Connection]:
        """Return this process's connections of a path, the oldest first; None is all paths."""

    @abc.abstractmethod
    def count(self, path: str | None = None) -> int:
        """Return how many connections a path has in this process; None is all paths."""

    @abc.abstractmethod
    def publish(
        self, path: str, outgoing: Outgoing, to: Collection[Connection] | None = None
    ) -> None:
        """Send a message to every client of a path, or to some that this process has.

        Raises:
            ServerNotRunningError: no client can be reached from this process.
        """

    @abc.abstractmethod
    def close_each(self, connections: Collection[Connection], code: int, reason: str) -> None:
        """Start the closing handshake of some connections of this process."""

    @abc.abstractmethod
    def close_all(self, code: int, reason: str) -> None:
        """Start the closing handshake of every connection of this process."""

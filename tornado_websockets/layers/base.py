"""The contract of a layer."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from tornado_websockets.outgoing import Outgoing

__all__ = ["Connection", "Layer", "Member", "PresenceChange"]


class Connection(Protocol):
    """One client, as a layer sees it."""

    def send(self, outgoing: Outgoing) -> None:
        """Send a message; a client that has gone is no error."""

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Start the closing handshake, RFC 6455 section 7.1.2."""

    def dismiss(self, code: int, reason: str) -> None:
        """Take no more messages, and close when the callbacks of those that came have ended."""


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """Somebody who is in a room: a user, with however many connections, or one of nobody's.

    Attributes:
        id: tells members of a room apart.
        user: the user's primary key as a string, None for an anonymous one.
        name: the user's name, empty for an anonymous one.
        since: when the first of the connections joined, in UTC.
    """

    id: str
    user: str | None
    name: str
    since: datetime


class PresenceChange(NamedTuple):
    """A member has come into a room, or has left it.

    Attributes:
        connection: the first of the member's connections that joined, the last one that left.
        is_there: whether the member has come.
    """

    connection: Connection
    room: str
    member: Member
    is_there: bool


class Layer(abc.ABC):
    """Knows which connections each path and each room has, and reaches them all.

    `join`, `leave` and `close_all` are called on the event loop, the others anywhere. Rooms belong
    to a path, and are there as long as somebody is in them.

    Attributes:
        presence_changed: is told who comes and goes, once for each member: by the process whose
            connection it was, on the event loop, in the order of the changes. It must not raise.
    """

    def __init__(self) -> None:
        self.presence_changed: Callable[[PresenceChange], None] | None = None

    @abc.abstractmethod
    def join(self, path: str, connection: Connection) -> None:
        """Add a connection whose handshake has succeeded."""

    @abc.abstractmethod
    def leave(self, path: str, connection: Connection) -> frozenset[str]:
        """Remove a connection, and return the rooms that it was in.

        One that never joined is no error.
        """

    @abc.abstractmethod
    def connections(self, path: str | None) -> Sequence[Connection]:
        """Return this process's connections of a path, the oldest first; None is all paths."""

    @abc.abstractmethod
    def count(self, path: str | None = None) -> int:
        """Return how many connections a path has in this process; None is all paths."""

    @abc.abstractmethod
    def enter(
        self,
        path: str,
        room: str,
        connection: Connection,
        member: Member | None = None,
        *,
        limit: int | None = None,
    ) -> bool:
        """Put a connection into a room; being there already is no error.

        Args:
            path: the connection's.
            room: any string.
            connection: one of this process.
            member: who it is, when it is the first of that member; None keeps it out of
                `presence` and `rooms`.
            limit: how many rooms it may be in.

        Returns:
            False when the connection has not joined its path, or has left it.

        Raises:
            TooManyRoomsError: it would be one too many.
        """

    @abc.abstractmethod
    def exit(self, path: str, room: str, connection: Connection) -> None:
        """Take a connection out of a room; not being there is no error."""

    @abc.abstractmethod
    def rooms(self, connection: Connection) -> frozenset[str]:
        """Return the rooms that a connection of this process is in."""

    @abc.abstractmethod
    def presence(self, path: str, room: str) -> list[Member]:
        """Return who is in a room, in whatever process, those who came first first."""

    @abc.abstractmethod
    def publish(
        self,
        path: str,
        outgoing: Outgoing,
        to: Collection[Connection] | None = None,
        *,
        rooms: Collection[str] | None = None,
        exclude: Collection[Connection] = (),
    ) -> None:
        """Send a message to every client of a path, or to some of them; to each once.

        Args:
            path: the path.
            outgoing: the message.
            to: connections of this process that get it.
            rooms: instead, rooms whose connections get it: those that are there at the call.
            exclude: connections of this process that do not.

        Raises:
            ServerNotRunningError: no client can be reached from this process.
        """

    @abc.abstractmethod
    def close_each(self, connections: Collection[Connection], code: int, reason: str) -> None:
        """Start the closing handshake of some connections of this process."""

    @abc.abstractmethod
    def close_all(self, code: int, reason: str) -> None:
        """Start the closing handshake of every connection of this process."""

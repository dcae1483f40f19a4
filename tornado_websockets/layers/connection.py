"""What a layer knows of one client, and of the member of rooms that it belongs to."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import NamedTuple, Protocol

from tornado_websockets.outgoing import Outgoing

__all__ = ["Connection", "Member", "PresenceChange"]


class Connection(Protocol):
    """One client, as a layer sees it.

    Attributes:
        id: unique among the connections of all processes.
        is_full: whether what is sent now waits in this process, until the client has read more.
    """

    id: str

    @property
    def is_full(self) -> bool: ...

    def send(self, outgoing: Outgoing) -> None:
        """Send a message; a client that has gone is no error."""

    async def drain(self) -> None:
        """Wait until the client has read enough to take more, or has gone.

        Everybody else has a turn of the event loop in any case.
        """

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
        path: the path that the room belongs to.
        connection: the first of the member's connections that joined, the last one that left;
            None when it was one of a process that has gone.
        room: its name.
        member: who it is.
        is_there: whether the member has come.
    """

    path: str
    connection: Connection | None
    room: str
    member: Member
    is_there: bool

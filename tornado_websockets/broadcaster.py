"""What a path sends, and to whom of its clients."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tornado_websockets.encoding import encode
from tornado_websockets.events import inside_callback
from tornado_websockets.exceptions import (
    EmitHandlerError,
    InvalidInstanceError,
    ServerNotRunningError,
)
from tornado_websockets.history import History, check_event
from tornado_websockets.layers import Event, Member, audience, layer
from tornado_websockets.layers.rooms import check_room, user_room
from tornado_websockets.outgoing import Outgoing
from tornado_websockets.runtime import runtime
from tornado_websockets.target import Excluded, Target

if TYPE_CHECKING:
    from tornado_websockets.websockethandler import WebSocketHandler

__all__ = ["Broadcaster", "Tap"]

Tap = Callable[[str, Any, str, str | bytes], None]
"""A function that is shown events: "in" or "out", the connection (None for a broadcast), the name
and the envelope as it is on the wire. In the thread that sends; it must not raise."""


class Broadcaster:
    """The sending half of a `WebSocket`.

    Attributes:
        path: the path with its leading slash, like ``/chat``.
        history: what is kept for clients that come back, None for nothing.
        tap: is shown every event, when it is set; see `Tap`.
    """

    path: str
    history: History | None
    tap: Tap | None

    def emit(self, event: str, data: Any = None, *, exclude: Excluded = None) -> None:
        """Send an event to every client, from inside a callback.

        Args:
            event: name of the event.
            data: a dictionary; a string is sent as ``{"message": string}``, None as ``{}``.
            exclude: a connection, or some, that do not get it.

        Raises:
            EmitHandlerError: called outside a callback; use `broadcast` there.
            EncodeError: a value in data cannot be encoded; names its key path.
        """
        self._check_emit(event)
        self._send(event, data, exclude=exclude)

    def broadcast(
        self,
        event: str,
        data: Any = None,
        *,
        to: Collection[WebSocketHandler] | None = None,
        exclude: Excluded = None,
    ) -> None:
        """Send an event to every client, from anywhere.

        In a process that serves it returns at once. In any other it waits until the shared layer
        has the event.

        Args:
            event: name of the event.
            data: as `emit` takes it.
            to: connections of this path, in this process, that get it, instead of all; it is
                encoded once for them.
            exclude: a connection, or some, that do not get it.

        Raises:
            ServerNotRunningError: this process runs no server, and there is no shared layer, so
                nobody would get it.
            LayerUnavailableError: the shared layer cannot be reached.
            EncodeError: a value in data cannot be encoded; names its key path.
            EventTooLargeError: it is more than the shared layer carries.
        """
        self._send(event, data, to=to, exclude=exclude)

    async def abroadcast(self, event: str, data: Any = None, *, exclude: Excluded = None) -> None:
        """Send an event as `broadcast` does, and wait until the shared layer has it.

        Raises:
            LayerUnavailableError: it has not, within some seconds; the event may arrive even so.
        """
        await self._asend(event, data, exclude=exclude)

    def broadcast_on_commit(
        self, event: str, data: Any = None, *, using: str | None = None, exclude: Excluded = None
    ) -> None:
        """Send an event as `broadcast` does, when the transaction around the call is committed.

        It is encoded at once, and sent at once where there is no transaction. It is not sent when
        the transaction is rolled back. As the data is saved by then, an error of the layer is
        logged, and not raised.

        Args:
            event: name of the event.
            data: as `emit` takes it.
            using: alias of the transaction's database; None is the default one.
            exclude: a connection, or some, that do not get it.

        Raises:
            ServerNotRunningError: as by `broadcast`, at the call.
            EncodeError: a value in data cannot be encoded; names its key path.
        """
        self._send_on_commit(event, data, using=using, exclude=exclude)

    def to(self, *rooms: str) -> Target:
        """Return the clients who are in a room, or in any of several, to send to.

        A client that is in several of them gets an event once. Without a room it is nobody.

        Raises:
            InvalidRoomError: one of them is no name of a room.
        """
        return Target(self, tuple(map(check_room, rooms)))

    def to_user(self, user: Any) -> Target:
        """Return the connections of a user on this path, to send to.

        They are all that the user has, where the path has login_required or a permission; on other
        paths those for which ``socket.user`` or ``socket.auser()`` has been asked.

        Args:
            user: a user who is logged in, or the primary key of one.

        Raises:
            InvalidInstanceError: it is an anonymous user, or None.
        """
        pk = getattr(user, "pk", user)
        if pk is None:
            raise InvalidInstanceError(user, "a user with a primary key, or the primary key")
        return Target(self, (user_room(pk),))

    def presence(self, room: str) -> list[Member]:
        """Return who is in a room, those who came first first: one `Member` for each user.

        Raises:
            InvalidRoomError: it is no name of a room.
        """
        return layer().presence(self.path, check_room(room))

    # Private.

    def _check_emit(self, event: str) -> None:
        if not inside_callback.get():
            raise EmitHandlerError(event, self.path)

    def _send(
        self,
        event: str,
        data: Any,
        *,
        to: Collection[WebSocketHandler] | None = None,
        rooms: Collection[str] | None = None,
        exclude: Excluded = None,
    ) -> None:
        sent = self._event(event, data, rooms, exclude)
        self._show(sent)
        if to is None:
            layer().publish(self.path, sent)
        elif runtime.is_running:
            audience.send(self.path, Outgoing(event, sent.payload), to, without=sent.without)
        else:
            raise ServerNotRunningError(self.path)

    async def _asend(
        self,
        event: str,
        data: Any,
        *,
        rooms: Collection[str] | None = None,
        exclude: Excluded = None,
    ) -> None:
        sent = self._event(event, data, rooms, exclude)
        self._show(sent)
        await layer().apublish(self.path, sent)

    def _send_on_commit(
        self,
        event: str,
        data: Any,
        *,
        using: str | None,
        rooms: Collection[str] | None = None,
        exclude: Excluded = None,
    ) -> None:
        if not (runtime.is_running or layer().is_shared):
            raise ServerNotRunningError(self.path)
        sent = self._event(event, data, rooms, exclude)

        def send() -> None:
            self._show(sent)
            layer().publish(self.path, sent)

        transaction.on_commit(send, using=using, robust=True)

    def _event(
        self, event: str, data: Any, rooms: Collection[str] | None, exclude: Excluded
    ) -> Event:
        check_event(event, self.history)
        return Event(event, encode(event, data), rooms, _ids(exclude))

    def _show(self, event: Event) -> None:
        tap = self.tap
        if tap is not None:
            tap("out", None, event.name, event.payload)


def _ids(exclude: Excluded) -> Collection[str]:
    if exclude is None:
        return ()
    if isinstance(exclude, Iterable):
        return frozenset(socket.id for socket in exclude)
    return (exclude.id,)

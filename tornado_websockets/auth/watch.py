"""Connections end when the sessions that they came with do.

Each connection that knows its user is watched: all of them are checked once in a while, together,
and those of one session or user at once when this process itself learns of a change.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterator
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final

from tornado_websockets import conf
from tornado_websockets.auth import sessions
from tornado_websockets.auth.judgement import judge, still_holds
from tornado_websockets.layers import audience
from tornado_websockets.layers.rooms import user_room
from tornado_websockets.runtime import runtime

if TYPE_CHECKING:
    from tornado_websockets.websockethandler import WebSocketHandler

__all__ = ["SESSION_ENDED", "Watch", "enter_user_room", "watch"]

logger = logging.getLogger("tornado_websockets.security")

SESSION_ENDED: Final = (4501, "session ended")

SOON_S: Final = 0.1
"""Seconds for which changes are gathered before they are looked at together."""

SHARE: Final = 500
"""Connections that are settled at once; then messages have their turn."""

REMEMBERED_S: Final = 60.0
"""Seconds after its end in which a session opens no connection: one may be on its way."""


class Watch:
    """The connections of this process that know their user, on the event loop's thread.

    Attributes:
        failures: checks that found no answer, because the database or the cache gave none.
    """

    def __init__(self) -> None:
        self.failures = 0
        self._is_failing = False
        # By the digest of the session key, and by the primary key of the user as a string.
        self._sessions: dict[str, dict[WebSocketHandler, None]] = {}
        self._users: dict[str, dict[WebSocketHandler, None]] = {}
        self._ended: dict[str, float] = {}
        self._changed: set[WebSocketHandler] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._soon: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return sum(map(len, self._sessions.values()))

    def __iter__(self) -> Iterator[WebSocketHandler]:
        return (socket for sockets in self._sessions.values() for socket in sockets)

    def has_session(self, digest: str) -> bool:
        """Return whether a session has connections; may be asked in any thread."""
        return digest in self._sessions

    def has_user(self, pk: str) -> bool:
        """Return whether a user has connections; may be asked in any thread."""
        return pk in self._users

    def add(self, socket: WebSocketHandler) -> None:
        """Watch an open connection whose user is known; one that is anybody's needs no watching."""
        user = socket.known_user
        if user is None or not user.is_authenticated or socket.wire.is_closing():
            return
        self._start()
        session = sessions.digest(socket.session_key)
        self._sessions.setdefault(session, {})[socket] = None
        self._users.setdefault(str(user.pk), {})[socket] = None
        enter_user_room(socket)
        if session in self._ended:
            self.end(session)

    def discard(self, socket: WebSocketHandler) -> None:
        """Forget a connection that has ended."""
        user = socket.known_user
        if user is None:
            return
        _discard(self._sessions, sessions.digest(socket.session_key), socket)
        _discard(self._users, str(user.pk), socket)
        self._changed.discard(socket)

    def end(self, digest: str) -> None:
        """Close every connection of a session, and those of it that are about to open.

        Args:
            digest: of its key, see `sessions.digest`.
        """
        self._adopt_loop()
        now = asyncio.get_running_loop().time()
        self._ended.pop(digest, None)
        self._ended[digest] = now
        while now - self._ended[oldest := next(iter(self._ended))] >= REMEMBERED_S:
            del self._ended[oldest]
        audience.close_each(list(self._sessions.get(digest, ())), *SESSION_ENDED)

    def recheck_session(self, digest: str, delay_s: float) -> None:
        """Check the connections of a session some time from now."""
        asyncio.get_running_loop().call_later(delay_s, self._recheck, self._sessions, digest)

    def recheck_user(self, pk: str) -> None:
        """Check the connections of a user soon.

        Args:
            pk: the primary key, as a string.
        """
        self._recheck(self._users, pk)

    def recheck(self) -> None:
        """Check all connections soon."""
        self._gather(list(self))

    async def check(self, sockets: Collection[WebSocketHandler]) -> None:
        """Ask once for the sessions, users and permissions of connections, and end what is over."""
        try:
            verdicts = await runtime.in_thread(judge, sockets, context=copy_context())
        except Exception:
            self.failures += 1
            if not self._is_failing:
                self._is_failing = True
                logger.warning("sessions cannot be checked; their connections stay", exc_info=True)
            return
        if self._is_failing:
            self._is_failing = False
            logger.warning("sessions can be checked again")
        ended = []
        for number, verdict in enumerate(verdicts):
            if not number % SHARE:
                await asyncio.sleep(0)
            if await still_holds(verdict):
                verdict.socket.renew_user(verdict.user)
            else:
                ended.append(verdict.socket)
        audience.close_each(ended, *SESSION_ENDED)

    # Private.

    def _recheck(self, table: dict[Any, dict[WebSocketHandler, None]], key: Any) -> None:
        self._gather(list(table.get(key, ())))

    def _gather(self, sockets: Collection[WebSocketHandler]) -> None:
        self._changed.update(sockets)
        if self._changed and self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(SOON_S, self._check_changed)

    def _check_changed(self) -> None:
        self._soon = None
        if self._task is not None:  # its answers may be older than the change
            self._gather(())
            return
        changed, self._changed = self._changed, set()
        self._check(changed)

    def _adopt_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # a new server; the connections of an older one have ended
            self._loop, self._timer, self._soon, self._task = loop, None, None, None
            self._sessions, self._users, self._ended, self._changed = {}, {}, {}, set()

    def _start(self) -> None:
        self._adopt_loop()
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(conf.get().recheck_period, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if not self._sessions or not runtime.is_running:
            return
        self._start()
        if self._task is None:
            self._check(list(self))

    def _check(self, sockets: Collection[WebSocketHandler]) -> None:
        if sockets and runtime.is_running:
            self._task = asyncio.get_running_loop().create_task(self.check(sockets))
            self._task.add_done_callback(self._checked)
            runtime.keep(self._task)

    def _checked(self, _task: asyncio.Task[None]) -> None:
        self._task = None


def enter_user_room(socket: WebSocketHandler) -> None:
    """Let `WebSocket.to_user` reach a connection whose user is known; from any thread."""
    user = socket.known_user
    if user.is_authenticated:
        audience.enter(socket.websocket.path, user_room(user.pk), socket)


def _discard(
    table: dict[Any, dict[WebSocketHandler, None]], key: Any, socket: WebSocketHandler
) -> None:
    sockets = table.get(key, {})
    sockets.pop(socket, None)
    if not sockets:
        table.pop(key, None)


watch: Final = Watch()
"""The connections of this process that know their user."""

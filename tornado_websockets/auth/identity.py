"""Whom a connection comes from."""

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING, Any, cast

from tornado_websockets.auth import accounts, changes, sessions
from tornado_websockets.auth.watch import enter_user_room, watch
from tornado_websockets.exceptions import UserNotLoadedError
from tornado_websockets.runtime import runtime

if TYPE_CHECKING:
    from tornado.httputil import HTTPServerRequest

    from tornado_websockets.websocket import WebSocket
    from tornado_websockets.websockethandler import WebSocketHandler

__all__ = ["Identified"]


class Identified:
    """The part of a connection that knows its client, and its user once somebody asks."""

    request: HTTPServerRequest
    websocket: WebSocket
    _is_registered: bool
    _user: Any = None

    @property
    def ip(self) -> str:
        """The client's address, empty for a Unix socket; see ``TORNADO["trusted_proxies"]``."""
        return self.request.remote_ip or ""

    @property
    def user(self) -> Any:
        """The user of the session that the handshake came with, ``AnonymousUser`` without one.

        Looked up when first asked for, which waits for the database and so needs a thread. It is
        there already where the path has login_required or a permission.

        Raises:
            UserNotLoadedError: asked for on the event loop before it is known; await `auser` there.
        """
        if self._user is None:
            if runtime.is_here:
                raise UserNotLoadedError(self.websocket.path)
            self.load_user()
        return self._user

    async def auser(self) -> Any:
        """Return the `user` on the event loop, as Django's ``request.auser()`` does."""
        if self._user is None:
            await runtime.in_thread(self.load_user, context=copy_context())
        return self._user

    # For gate, judgement and watch.

    @property
    def known_user(self) -> Any:
        """The user; None as long as nobody has asked."""
        return self._user

    @property
    def session_key(self) -> str:
        """Key of the session that the connection may use; empty when there is none.

        A handshake without Origin is nobody's, whatever cookie it has, unless its path says that
        it takes those: which page was behind it cannot be known.
        """
        headers = self.request.headers
        if self.websocket.require_origin is not False and "Origin" not in headers:
            return ""
        return sessions.key_of("; ".join(headers.get_list("Cookie")))

    def load_user(self) -> None:
        """Look up the user, in a thread."""
        changes.listen()
        self._user = accounts.load(self.session_key)
        if self._is_registered:
            enter_user_room(cast("WebSocketHandler", self))  # this thread may send to it at once
            runtime.call(watch.add, self)

    def renew_user(self, user: Any) -> None:
        """Take what the same user has become meanwhile."""
        self._user = user

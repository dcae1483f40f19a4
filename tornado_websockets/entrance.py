"""The handshake of a connection: what has to hold before it is answered with 101."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from tornado.web import HTTPError
from tornado.websocket import WebSocketHandler

from tornado_websockets import gate, origins, signals
from tornado_websockets.auth.identity import Identified
from tornado_websockets.history import Position
from tornado_websockets.layers import layer
from tornado_websockets.limits.capacity import RETRY_AFTER_S
from tornado_websockets.limits.census import Seat
from tornado_websockets.runtime import runtime
from tornado_websockets.tornadowrapper import TornadoWrapper
from tornado_websockets.wire.server import close_behind

__all__ = ["Entrance"]

POSITION: Final = "tws_position"
"""The argument of the URL by which a client that comes back says where it was."""


class Entrance(Identified, WebSocketHandler):
    """The part of a connection that Tornado asks before there is one.

    Attributes:
        seat: what the connection counts as, among those that there may be.
        position: where the client was in the path's history when it was here before, None when
            it was not.
    """

    seat: Seat
    position: Position | None = None
    _check: asyncio.Future[None] | None = None

    def prepare(self) -> Any:
        """Refuse who may not connect; to be awaited.

        A subclass may do things before or after. It opens nothing by not calling this, or by not
        awaiting what it returns: `get` does that again.
        """
        if self._check is None:
            self._check_page()
            loop = asyncio.get_running_loop()
            if self.websocket.needs_user:
                self._check = loop.create_task(gate.check_user(self))
                self._check.add_done_callback(_look_at)
            else:
                self._check = loop.create_future()
                self._check.set_result(None)
        return self._check

    async def get(self, *args: Any, **kwargs: Any) -> None:
        await Entrance.prepare(self)
        self._check = None
        try:
            self.websocket.capacity.enter(self)
            if self.websocket.history is not None:
                self.position = self._position()
                await layer().reach(self.websocket.path, self.position)
            await super().get(*args, **kwargs)
        finally:
            if not self._is_registered:  # no handshake, or a client that has gone meanwhile
                self.seat.leave()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None))[1]
        if status_code in (429, 503):
            retry_after_s = getattr(error, "retry_after_s", RETRY_AFTER_S)
            self.set_header("Retry-After", str(retry_after_s))
        # Who was refused tries again on a connection of its own, if at all: this one would only
        # keep a descriptor.
        close_behind(self.request)
        super().write_error(status_code, **kwargs)

    def check_origin(self, origin: str) -> bool:
        """Return whether a page may connect, for every handshake that tells an origin.

        To be overridden where the settings do not say enough.
        """
        return origins.is_allowed(
            origin,
            scheme=gate.scheme(self.request),
            host=self.request.headers["Host"],
            patterns=self.websocket.origins,
        )

    def count_refusal(self, reason: str) -> None:
        """Count this handshake as refused, under a word that the program knows."""
        self.websocket.stats.rejected.add(reason)
        TornadoWrapper.publish(
            signals.connection_rejected, websocket=self.websocket, reason=reason, ip=self.ip
        )

    def _position(self) -> Position | None:
        told = self.request.query_arguments.get(POSITION)
        return Position.parse(told[-1].decode("ascii", "replace")) if told else None

    def _check_page(self) -> None:
        if runtime.is_stopping:  # on a connection that was there before
            self.count_refusal("stopping")
            raise HTTPError(503, "the server is going away")
        gate.check_page(self)
        self.websocket.capacity.knock(self)


def _look_at(check: asyncio.Future[None]) -> None:
    """Take the error of a check that nobody awaits, since the handshake has ended otherwise."""
    if not check.cancelled():
        check.exception()

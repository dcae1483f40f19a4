"""Carries what happens to runs to those who watch them.

Pages listen to two WebSockets: one has the runs of the user who connects, the other everybody's.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from contextvars import copy_context
from typing import Any, Final

from tornado_websockets import signals
from tornado_websockets.layers import audience, layer
from tornado_websockets.runtime import runtime
from tornado_websockets.tornadowrapper import TornadoWrapper
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin import monitor
from tws_admin.progress.access import attends, may_view_all
from tws_admin.progress.live.board import LIMIT, Row, board
from tws_admin.progress.live.hearing import TOLD, check
from tws_admin.progress.live.poll import Poll, recent
from tws_admin.progress.live.sockets import route, sockets
from tws_admin.progress.live.throttle import Throttle

__all__ = ["ALL", "OWN", "Channels", "channels", "is_registered", "publish", "register"]

OWN: Final = "/tornado_websockets/tasks"
ALL: Final = "/tornado_websockets/tasks/all"

LIMITS: Final = {"messages_per_second": 5, "burst": 10}

SELDOM: Final = 5
"""Periods between two readings of the database where other processes tell what happens."""

PATIENCE_S: Final = 3.0
"""Seconds that a page waits for the database; then it gets what is known, and the rest later."""


class Channels:
    """The WebSockets on which pages listen; there is one of these, `channels`."""

    def __init__(self) -> None:
        self._own: WebSocket | None = None
        self._all: WebSocket | None = None
        self._throttle = Throttle(self._send)
        self._telling = Throttle(_tell)
        self._poll = Poll(self._take, self._tick)
        self._is_partial = False
        self._unread = 0  # periods since the database was read
        # Those who have got their runs, and now get what changes: by connection the key of the
        # user whose runs they are, None for everybody's.
        self._readers: dict[WebSocketHandler, str | None] = {}

    @property
    def is_registered(self) -> bool:
        """Whether they are there."""
        return self._own is not None and self._own.is_registered

    @property
    def is_watched(self) -> bool:
        """Whether anybody looks at runs: on these, on one of a single run, or on the monitor."""
        return bool(
            audience.count(OWN)
            or audience.count(ALL)
            or len(sockets)
            or audience.count(monitor.PATH)
        )

    def register(self) -> None:
        """Make the WebSockets, unless they are there.

        Raises:
            DuplicatePathError: the project has a WebSocket of its own on one of the paths.
        """
        if self.is_registered:
            return
        self._own = self._listener(OWN, attends)
        self._all = self._listener(ALL, may_view_all)
        TornadoWrapper.add_handler(route(self._own))
        signals.server_started.connect(self._server_started, dispatch_uid=self)
        signals.server_stopping.connect(self._server_stopping, dispatch_uid=self)
        if runtime.is_running:
            runtime.call(self._server_started)

    def publish(self, row: Row) -> None:
        """Show how a run is now to those who watch, here and elsewhere; on the event loop.

        Args:
            row: what `tws_admin.progress.rows.as_row` makes of the run.
        """
        new = self._take_told(row)
        if new is not None and layer().is_shared:
            self._telling.offer(new)

    # Private.

    def _hear(self, data: Mapping[str, Any]) -> None:
        """Take what another process tells."""
        self._take_told(check(data.get("row")))

    def _take_told(self, row: Row) -> Row | None:
        if not self.is_registered:
            return None
        new = board.tell(row, time.monotonic())
        if new is not None:
            self._throttle.offer(new)
        return new

    def _listener(self, path: str, permission: Any) -> WebSocket:
        websocket = WebSocket(
            path, permission=permission, monitored=False, slow_reader="close", limits=LIMITS
        )

        async def open(socket: WebSocketHandler) -> None:
            await self._welcome(socket)

        async def tasks(socket: WebSocketHandler) -> None:
            await self._welcome(socket)

        async def close(socket: WebSocketHandler) -> None:
            self._readers.pop(socket, None)

        for callback in (open, tasks, close):
            websocket.on(callback)
        return websocket

    async def _welcome(self, socket: WebSocketHandler) -> None:
        """Send the runs that a page is to show."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self._poll.fresh()
        key = str(socket.known_user.pk) if socket.websocket is self._own else None
        # Others may have so many runs that some of this user are not among those that were read.
        own = await self._rows_of(socket) if key is not None and self._is_partial else []
        rows = own or [row for row in board.rows() if key in (None, row["user"])]
        self._readers[socket] = key
        socket.emit("tasks", {"tasks": rows})

    async def _rows_of(self, socket: WebSocketHandler) -> list[Row]:
        began = time.monotonic()
        reading = runtime.in_thread(recent, socket.known_user.pk, context=copy_context())
        try:
            async with asyncio.timeout(PATIENCE_S):
                rows = await reading
        except Exception:  # noqa: BLE001  the poll tells of a database that does not answer
            return []
        found = [board.judge(row, began) for row in rows]
        return sorted(found, key=lambda row: row["created"], reverse=True)

    def _take(self, rows: list[Row], began: float) -> None:
        self._is_partial = len(rows) >= LIMIT
        for row in board.read(rows, began=began, is_all=not self._is_partial):
            self._throttle.offer(row)

    def _tick(self) -> bool:
        """Return whether the database is to be read now."""
        sockets.sweep()
        self._unread += 1
        if not self.is_watched:
            self._unread = SELDOM
            board.forget_untold(time.monotonic())
            return False
        if self._unread < SELDOM and layer().is_shared and not layer().trouble:
            return False  # who changes something tells
        self._unread = 0
        return True

    def _send(self, row: Row) -> None:
        if not (self.is_registered and runtime.is_running):
            return
        assert self._own is not None and self._all is not None
        readers = self._readers.items()
        owners = [socket for socket, key in readers if key is not None and key == row["user"]]
        others = [socket for socket, key in readers if key is None]
        for websocket, to in ((self._own, owners), (self._all, others)):
            if to:
                websocket.broadcast("task", row, to=to)
        sockets.show(row)

    def _server_started(self, **kwargs: Any) -> None:
        self._throttle.clear()
        self._telling.clear()
        layer().hearing[TOLD] = self._hear
        self._readers.clear()
        board.clear()
        sockets.clear()
        if self.is_registered:  # else in a test of something else, which has a registry of its own
            self._poll.start()

    def _server_stopping(self, **kwargs: Any) -> None:
        self._poll.stop()


def _tell(row: Row) -> None:
    layer().tell(TOLD, {"row": row})


channels: Final = Channels()
"""Those of this process."""

publish = channels.publish
register = channels.register


def is_registered() -> bool:
    """Return whether the server has the WebSockets of runs."""
    return channels.is_registered

"""The monitor of this process: it begins with the server, and tells its viewers once a second.

It has one WebSocket, which nothing here counts. All that is known is kept on the event loop's
thread, where the counters change; other threads ask there, so there is no lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Sequence
from typing import Any, Final

from tornado.websocket import WebSocketClosedError

from tornado_websockets import signals
from tornado_websockets.layers import layer
from tornado_websockets.runtime import runtime
from tornado_websockets.websocket import WebSocket, registry
from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin.asking import ask_loop
from tws_admin.feed.absent import absent
from tws_admin.feed.alone import Alone
from tws_admin.feed.nodes import NoSuchNodeError
from tws_admin.feed.observer import Observer
from tws_admin.feed.sampler import RANGES
from tws_admin.feed.sending import NO_TASKS, Source, send_all, send_due
from tws_admin.feed.together import Together
from tws_admin.feed.viewers import Viewer
from tws_admin.permissions import abilities, may_watch_feed, sees_tasks

__all__ = ["PATH", "Monitor", "monitor"]

PATH: Final = "/tornado_websockets/monitor"

LIMITS: Final = {
    # Snapshots of many paths are large, and one may ask for several.
    "send_bytes": 8 * 1024 * 1024,
    "messages_per_second": 20,
    "burst": 50,
}

Attach = Callable[[WebSocket], None]
"""Registers callbacks on the monitor's WebSocket."""


class Monitor:
    """What this process knows of its server; there is one, `monitor`."""

    def __init__(self) -> None:
        self._websocket: WebSocket | None = None
        self._observer: Observer | None = None
        self._scene: Alone | Together | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def websocket(self) -> WebSocket:
        """The WebSocket of the feed.

        Raises:
            LookupError: it is not registered.
        """
        if self._websocket is None:
            raise LookupError("the monitor has no WebSocket yet: import tws_admin.websockets")
        return self._websocket

    @property
    def is_running(self) -> bool:
        """Whether a server runs in this process, and is watched."""
        return self._observer is not None and self._observer.state == "serving"

    def register(self, *attach: Attach) -> WebSocket:
        """Make the WebSocket, unless it is there; the monitor begins with the server.

        Args:
            attach: each registers callbacks on it.

        Raises:
            DuplicatePathError: the project has a WebSocket of its own on this path.
        """
        if self._is_registered():
            return self.websocket
        self._websocket = WebSocket(
            PATH, permission=may_watch_feed, monitored=False, slow_reader="close", limits=LIMITS
        )
        for each in attach:
            each(self._websocket)
        signals.server_started.connect(self._server_started, dispatch_uid=self)
        signals.server_stopping.connect(self._server_stopping, dispatch_uid=self)
        if runtime.is_running:
            runtime.call(self._server_started)
        return self._websocket

    def snapshot(
        self, range: str = "10m", user: Any = None, *, node: str | None = None, within_s: float = 2
    ) -> dict[str, Any]:
        """Return the data of the event ``snapshot``, from any thread.

        In a process without a server it is empty, with the state ``absent``. On the event loop, and
        when other nodes take too long, it is that of this node alone.

        Args:
            range: one of `RANGES`, of the history.
            user: whose abilities are told, None for nobody's; blocks, as it may ask the database.
            node: the id of the only node that is seen; None, or one that is not there, is all.
            within_s: how long other nodes may take.

        Raises:
            ValueError: there is no such range.
        """
        if range not in RANGES:
            raise ValueError(f"range should be one of {', '.join(RANGES)}, got {range!r}")
        if runtime.is_here or not runtime.is_running:
            data = self._alone(range)
        else:
            data = ask_loop(self._look, node, range, within_s) or absent(range)
        may = [] if user is None else abilities(user)
        return {**data, "may": may, **({} if "tasks" in may else NO_TASKS)}

    def log(self, kind: str, path: str | None = None, **more: Any) -> None:
        """Add to the log, from any thread; texts are cut at 200 characters."""
        if self._observer is not None:
            self._observer.lifecycle.log(kind, path, **more)

    # On the event loop.

    def tick(self, observer: Observer) -> None:
        """Begin the next tick, and send it to the viewers to whom it is due."""
        observer.tick()
        if self._scene is not None:
            self._scene.tick()

    async def welcome(
        self, socket: WebSocketHandler, answer: dict[str, Any], range: str, node: str | None = None
    ) -> None:
        """Send a snapshot to a viewer, who gets ticks from then on.

        Args:
            socket: the viewer's connection.
            answer: what is in it besides.
            range: of the history.
            node: the id of the only node that is seen; None is all.

        Raises:
            NoSuchNodeError: that node is not there.
        """
        scene = self._scene
        if scene is None:
            data = absent(range)
        else:
            view, data = await scene.look(node, range, keep=True)
            viewer = self.leave(socket) or Viewer(0)
            viewer.seq = view.seq
            view.viewers[socket] = viewer
        hidden = {} if sees_tasks(socket.known_user) else NO_TASKS
        with contextlib.suppress(WebSocketClosedError):
            socket.emit("snapshot", {**data, **hidden, **answer})

    async def history(self, range: str, node: str | None = None) -> dict[str, Any]:
        """Return the rings of a range.

        Args:
            range: one of `RANGES`.
            node: the id of the only node that is meant; None is all.

        Raises:
            NoSuchNodeError: that node is not there.
        """
        data = absent(range) if self._scene is None else (await self._scene.look(node, range))[1]
        found: dict[str, Any] = data["history"]
        return found

    def pace(self, socket: WebSocketHandler, every_s: int) -> None:
        """Send ticks to a viewer as often as every so many seconds."""
        for view in self._views:
            if socket in view.viewers:
                view.viewers[socket].every_s = every_s

    def node_of(self, socket: WebSocketHandler) -> str | None:
        """Return the id of the only node that a viewer watches; None is all."""
        return next((view.node for view in self._views if socket in view.viewers), None)

    def leave(self, socket: WebSocketHandler) -> Viewer | None:
        """Forget a viewer, and return what was known of the one."""
        found = [view.viewers.pop(socket, None) for view in self._views]
        return next((viewer for viewer in found if viewer is not None), None)

    # Private.

    @property
    def _views(self) -> Sequence[Source]:
        return [] if self._scene is None else self._scene.views

    def _server_started(self, **kwargs: Any) -> None:
        if not self._is_registered():
            return  # in a test of something else, which has a registry of its own
        self._end()
        observer = self._observer = Observer(self._count_viewers)
        send = functools.partial(send_due, self.websocket)
        if layer().is_shared:
            self._scene = Together(observer, send)
        else:
            self._scene = Alone(observer, send)
        observer.lifecycle.connect()
        self.log("server_started")
        observer.tick()
        self._wait(observer)

    def _server_stopping(self, **kwargs: Any) -> None:
        observer, scene = self._observer, self._scene
        if observer is None or scene is None or not self.is_running:
            return
        self.log("server_stopping")
        observer.state = "stopping"
        observer.tick()
        scene.end()
        for view in self._views:
            observer.attempt("the last tick", send_all, self.websocket, view)
        self._end()

    def _is_registered(self) -> bool:
        return self._websocket is not None and registry.get(PATH) is self._websocket

    def _count_viewers(self) -> int:
        return sum(len(view.viewers) for view in self._views)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._observer is not None:
            self._observer.lifecycle.disconnect()

    def _wait(self, observer: Observer) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(observer.wait_s, self._go_on, observer)

    def _go_on(self, observer: Observer) -> None:
        self._wait(observer)
        self.tick(observer)

    def _alone(self, range: str) -> dict[str, Any]:
        if self._scene is None or not runtime.is_running:
            return absent(range)
        return self._scene.alone(range)

    async def _look(self, node: str | None, range: str, within_s: float) -> dict[str, Any]:
        if self._scene is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    try:
                        return (await self._scene.look(node, range))[1]
                    except NoSuchNodeError:
                        return (await self._scene.look(None, range))[1]
        return self._alone(range)


monitor: Final = Monitor()
"""The monitor of this process."""

"""The monitor of this process: it begins with the server, and tells its viewers once a second.

It has one WebSocket, which nothing here counts. All that is known is kept on the event loop's
thread, where the counters change; other threads ask there, so there is no lock.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import time
from collections.abc import Callable
from typing import Any, Final

from tornado.websocket import WebSocketClosedError

from tornado_websockets import signals
from tornado_websockets.layers import audience
from tornado_websockets.runtime import runtime
from tornado_websockets.websocket import WebSocket, registry
from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin.feed.observer import Observer
from tws_admin.feed.reading import NOTHING, versions
from tws_admin.feed.sampler import RANGES, Sampler
from tws_admin.feed.state import Feed
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

PATIENCE_S: Final = 1.0
"""Seconds after which a thread that waits for the event loop looks whether there still is one."""

NO_TASKS: Final[dict[str, Any]] = {"tasks": []}
"""What who may not see everybody's progress tasks has of them."""

TOO_SLOW: Final = (4008, "reader too slow")

Answer = concurrent.futures.Future[dict[str, Any] | None]
Attach = Callable[[WebSocket], None]
"""Registers callbacks on the monitor's WebSocket."""


class Monitor:
    """What this process knows of its server; there is one, `monitor`."""

    def __init__(self) -> None:
        self._websocket: WebSocket | None = None
        self._observer: Observer | None = None
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

    def snapshot(self, range: str = "10m", user: Any = None) -> dict[str, Any]:
        """Return the data of the event ``snapshot``, from any thread.

        In a process without a server it is empty, with the state ``absent``.

        Args:
            range: one of `RANGES`, of the history.
            user: whose abilities are told, None for nobody's; blocks, as it may ask the database.

        Raises:
            ValueError: there is no such range.
        """
        if range not in RANGES:
            raise ValueError(f"range should be one of {', '.join(RANGES)}, got {range!r}")
        data = self._ask(range) or _absent(range)
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
        observer.attempt("the ticks", self._send_due, observer)

    def welcome(self, socket: WebSocketHandler, answer: dict[str, Any], range: str) -> None:
        """Send a snapshot to a viewer, who gets ticks from then on.

        Args:
            socket: the viewer's connection.
            answer: what is in it besides.
            range: of the history.
        """
        observer = self._observer
        if observer is not None:
            observer.viewers.setdefault(socket, Viewer(observer.seq)).seq = observer.seq
        data = self._data(range) or _absent(range)
        hidden = {} if sees_tasks(socket.known_user) else NO_TASKS
        with contextlib.suppress(WebSocketClosedError):
            socket.emit("snapshot", {**data, **hidden, **answer})

    def history(self, range: str) -> dict[str, Any]:
        """Return the rings of a range."""
        observer = self._observer
        return _absent(range)["history"] if observer is None else observer.history(range)

    def pace(self, socket: WebSocketHandler, every_s: int) -> None:
        """Send ticks to a viewer as often as every so many seconds."""
        if self._observer is not None and socket in self._observer.viewers:
            self._observer.viewers[socket].every_s = every_s

    def leave(self, socket: WebSocketHandler) -> None:
        """Forget a viewer who has gone."""
        if self._observer is not None:
            self._observer.viewers.pop(socket, None)

    # Private.

    def _server_started(self, **kwargs: Any) -> None:
        if not self._is_registered():
            return  # in a test of something else, which has a registry of its own
        self._end()
        self._observer = Observer()
        self._observer.lifecycle.connect()
        self.log("server_started")
        self._observer.tick()
        self._wait(self._observer)

    def _server_stopping(self, **kwargs: Any) -> None:
        observer = self._observer
        if observer is None or not self.is_running:
            return
        self.log("server_stopping")
        observer.state = "stopping"
        observer.tick()
        observer.attempt("the last tick", self._send, observer, list(observer.viewers))
        self._end()

    def _is_registered(self) -> bool:
        return self._websocket is not None and registry.get(PATH) is self._websocket

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

    def _send_due(self, observer: Observer) -> None:
        # Those who have not read yet get all of it at once, when they have.
        due = observer.viewers.due(observer.seq)
        self._send(observer, [each for each in due if not each.unsent_bytes])

    def _send(self, observer: Observer, sockets: list[WebSocketHandler]) -> None:
        """Send a tick to each, encoded once for all who have the same one already."""
        for since, group in observer.viewers.groups(sockets).items():
            changes = observer.changes(since)
            if changes is None:  # they have read nothing for minutes
                audience.close_each(group, *TOO_SLOW)
                continue
            for seeing in (True, False):
                to = [each for each in group if sees_tasks(each.known_user) is seeing]
                if to:
                    self.websocket.broadcast("tick", changes, to=to)
                changes.pop("tasks", None)
            observer.viewers.advance(group, observer.seq)

    def _data(self, range: str) -> dict[str, Any] | None:
        if self._observer is None or not runtime.is_running:
            return None
        return self._observer.snapshot(range)

    def _ask(self, range: str) -> dict[str, Any] | None:
        """Return what `_data` does, from any thread."""
        if runtime.is_here or not runtime.is_running:
            return self._data(range)
        answer: Answer = concurrent.futures.Future()

        def settle() -> None:
            try:
                answer.set_result(self._data(range))
            except Exception as error:  # noqa: BLE001  it is raised where it was asked for
                answer.set_exception(error)

        runtime.call(settle)
        return _result(answer)


def _result(answer: Answer) -> dict[str, Any] | None:
    while runtime.is_running:  # a call is dropped when the server ends meanwhile
        with contextlib.suppress(TimeoutError):
            return answer.result(PATIENCE_S)
    return None


def _absent(range: str) -> dict[str, Any]:
    """Return the snapshot of a process without a server."""
    return {
        **Feed("").snapshot(),
        "time": round(time.time(), 3),
        "server": {**versions(), "state": "absent", "viewers": 0},
        "totals": {**NOTHING, "peak": 0},
        "history": Sampler(0.0).history(range),
    }


monitor: Final = Monitor()
"""The monitor of this process."""

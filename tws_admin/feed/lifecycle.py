"""The log of what happens to the server, its paths and their connections.

It receives the core's signals, most of them on the event loop: each receiver does no more than
note something, whatever the number of connections and of viewers.
"""

from __future__ import annotations

import collections
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from django.dispatch import Signal

from tornado_websockets import signals
from tornado_websockets.modules import ProgressBar
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin.feed.bars import Pace
from tws_admin.feed.state import LOG_SIZE

__all__ = ["MAX_TEXT", "Lifecycle", "cut", "name_of"]

MAX_TEXT: Final = 200
"""Characters that are kept of a text."""


class Lifecycle:
    """Notes the events of one server; those of paths that are not monitored are left out.

    Attributes:
        peak: the most connections that were open at a time.
        paces: when each progress bar moved.
    """

    def __init__(self) -> None:
        self.peak = 0
        self.paces: dict[ProgressBar, Pace] = {}
        self._connections = 0
        self._lock = threading.Lock()  # some events come from threads
        self._count = 0
        self._new: collections.deque[dict[str, Any]] = collections.deque(maxlen=LOG_SIZE)
        self._receivers: dict[Signal, Callable[..., None]] = {
            signals.path_registered: self._registered,
            signals.connection_opened: self._opened,
            signals.connection_closed: self._closed,
            signals.connection_rejected: self._rejected,
            signals.callback_failed: self._failed,
            signals.warning_sent: self._warned,
            signals.progress_started: self._progress_started,
            signals.progress_updated: self._progress_updated,
            signals.progress_done: self._progress_done,
        }

    def connect(self) -> None:
        """Begin to receive."""
        for signal, receiver in self._receivers.items():
            signal.connect(receiver, dispatch_uid=self)

    def disconnect(self) -> None:
        """Receive no more."""
        for signal in self._receivers:
            signal.disconnect(dispatch_uid=self)

    def log(self, kind: str, path: str | None = None, **more: Any) -> None:
        """Add an event, from any thread; texts are cut."""
        texts = {
            key: cut(value) if isinstance(value, str) else value for key, value in more.items()
        }
        event = {"time": round(time.time(), 3), "kind": kind, "path": path, **texts}
        with self._lock:
            self._count += 1
            self._new.append({"n": self._count, **event})

    def take(self) -> tuple[list[dict[str, Any]], int]:
        """Return the last 500 events since this was last called, and how many there ever were."""
        with self._lock:
            taken = list(self._new)
            self._new.clear()
            return taken, self._count

    # Receivers.

    def _registered(self, *, websocket: WebSocket, **kwargs: Any) -> None:
        if websocket.monitored:
            self.log("path_registered", websocket.path)

    def _opened(self, *, socket: WebSocketHandler, **kwargs: Any) -> None:
        if socket.websocket.monitored:
            self._connections += 1
            self.peak = max(self.peak, self._connections)
            self.log("connection_opened", socket.websocket.path, **_client(socket), ip=socket.ip)

    def _closed(
        self, *, socket: WebSocketHandler, code: int, reason: str, duration_s: float, **kwargs: Any
    ) -> None:
        if socket.websocket.monitored:
            self._connections -= 1
            self.log(
                "connection_closed",
                socket.websocket.path,
                **_client(socket),
                ip=socket.ip,
                code=code,
                reason=reason,
                duration_s=round(duration_s, 3),
            )

    def _rejected(self, *, websocket: WebSocket, reason: str, ip: str, **kwargs: Any) -> None:
        if websocket.monitored:
            self.log("connection_rejected", websocket.path, ip=ip, reason=reason)

    def _failed(
        self, *, socket: WebSocketHandler, event: str, error: BaseException, **kwargs: Any
    ) -> None:
        if socket.websocket.monitored:
            name = type(error).__name__
            self.log(
                "callback_failed", socket.websocket.path, **_client(socket), event=event, error=name
            )

    def _warned(self, *, socket: WebSocketHandler, code: str, **kwargs: Any) -> None:
        if socket.websocket.monitored:
            self.log("warning", socket.websocket.path, **_client(socket), code=code)

    def _progress_started(self, *, bar: ProgressBar, **kwargs: Any) -> None:
        self.paces[bar] = Pace(bar, time.time())
        self._progressed("progress_started", bar)

    def _progress_updated(self, *, bar: ProgressBar, **kwargs: Any) -> None:
        now = time.time()
        self.paces.setdefault(bar, Pace(bar, now)).step(now)

    def _progress_done(self, *, bar: ProgressBar, **kwargs: Any) -> None:
        self._progress_updated(bar=bar)
        self._progressed("progress_done", bar)

    def _progressed(self, kind: str, bar: ProgressBar) -> None:
        if bar.websocket is not None and bar.websocket.monitored:
            label = None if bar.label is None else str(bar.label)
            self.log(kind, bar.websocket.path, name=bar.name, label=label)


def cut(text: str) -> str:
    """Return the beginning of a text."""
    return text[:MAX_TEXT]


def name_of(user: Any) -> str | None:
    """Return the name of a user, None for nobody and for one that nobody has asked for."""
    if user is None or not user.is_authenticated:
        return None
    return cut(str(user.get_username()))


def _client(socket: WebSocketHandler) -> dict[str, Any]:
    # To look up who it is would cost a query for each connection.
    return {"id": socket.id, "user": name_of(socket.known_user)}

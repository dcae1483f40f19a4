"""Reads the core: what the server and its paths have counted until now, on the event loop."""

from __future__ import annotations

import inspect
import os
import platform
import socket
import time
from collections.abc import Callable
from typing import Any, Final

import django
import tornado

from tornado_websockets import __version__
from tornado_websockets.events import LIFECYCLE_EVENTS, Callback
from tornado_websockets.layers import layer
from tornado_websockets.modules import ProgressBar
from tornado_websockets.process import ProcessStats
from tornado_websockets.runtime import runtime
from tornado_websockets.stats import Histogram, PathStats
from tornado_websockets.websocket import WebSocket, registry
from tws_admin.feed import bars
from tws_admin.feed.lifecycle import Lifecycle
from tws_admin.feed.timings import PathTimings, merged

__all__ = ["NOTHING", "PathReader", "Reader", "versions"]

TURN_S: Final = 5
"""Calls of `Reader.measure` after which the percentiles of paths let go of what was before."""

NOTHING: Final = {"connections": 0, **PathStats().counters()}
"""The counters of no path."""


class PathReader:
    """Reads one path.

    Args:
        websocket: the path.
        is_new: False when it was there before the monitor.

    Attributes:
        counters: what it had counted at the last `read`, and its connections.
    """

    def __init__(self, websocket: WebSocket, *, is_new: bool) -> None:
        self.websocket = websocket
        self.counters: dict[str, int] = {}
        self._timings = PathTimings(websocket.stats, is_new=is_new)
        self._facts: dict[str, Any] | None = None
        self._callbacks: dict[str, dict[str, Any]] = {}
        self._row: dict[str, Any] | None = None

    def read(self) -> list[Histogram]:
        """Read the counters, and return how long callbacks took since this was last called."""
        websocket = self.websocket
        counters = {"connections": layer.count(websocket.path), **websocket.stats.counters()}
        calls = self._timings.take()
        if calls or counters != self.counters:
            self.counters = counters
            self._row = None
        return calls

    def turn(self) -> None:
        """Let the percentiles go of what was before the last turn."""
        if self._timings.turn():
            self._row = None

    def as_dict(self) -> dict[str, Any]:
        """Return the path under the keys of the feed: the same object while nothing changes."""
        modules = self.websocket.modules
        if self._row is None or len(self._row["modules"]) != len(modules):
            self._row = self._as_dict()
        return self._row

    def _as_dict(self) -> dict[str, Any]:
        websocket, stats = self.websocket, self.websocket.stats
        if self._facts is None:
            self._facts = _facts(websocket)
        self._timings.compute()
        return {
            **self._facts,
            "modules": [{"kind": each.kind, "name": each.name} for each in websocket.modules],
            **self.counters,
            "peak": stats.peak,
            "closed_by_code": stats.closed.as_dict(),
            "rejected_by_reason": stats.rejected.as_dict(),
            "warnings_by_code": stats.warnings.as_dict(),
            "slow_by_action": stats.slow.as_dict(),
            **self._timings.percentiles,
            "events": [
                {"event": event, **counted, **self._callback(event)}
                for event, counted in self._timings.events()
            ],
        }

    def _callback(self, event: str) -> dict[str, Any]:
        if event not in self._callbacks:
            callback = _callback(self.websocket, event)
            if callback is None:
                return {"callback": None, "is_async": None}
            self._callbacks[event] = {"callback": _place(callback), "is_async": callback.is_async}
        return self._callbacks[event]


class Reader:
    """Reads one server.

    Args:
        lifecycle: knows of progress bars and of the most connections.
    """

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        self._process = ProcessStats(runtime.threads)
        self._started = time.time()
        self._versions = versions()
        self._turn = 0
        self._paths: dict[str, PathReader] = {}
        self._find(is_new=False)

    def measure(self) -> dict[str, float | None]:
        """Return one number for each series of the history, to be called once a second.

        It costs little, since that is done whether or not somebody watches.
        """
        self._find(is_new=True)
        readers = self._paths.values()
        calls = [each for reader in readers for each in reader.read()]
        self._turn += 1
        if self._turn % TURN_S == 0:
            for reader in readers:
                reader.turn()
        return {
            **self._sums(),
            **merged(calls).as_dict(),
            "loop_lag_ms": _lag_ms(),
            "cpu": self._process.cpu_seconds,
            "rss_bytes": self._process.rss_bytes,
            "threads_busy": self._process.threads_busy,
            "threads_queued": self._process.threads_queued,
        }

    def totals(self) -> dict[str, int]:
        """Return the counters of all paths."""
        return {**self._sums(), "peak": self._lifecycle.peak}

    def paths(self) -> list[dict[str, Any]]:
        """Return every path."""
        return [reader.as_dict() for reader in self._paths.values()]

    def bars(self) -> list[dict[str, Any]]:
        """Return every progress bar."""
        now = time.time()
        return [
            {
                "path": path,
                **bars.as_dict(module, self._lifecycle.paces.get(module), now),
                "watchers": layer.count(path),
            }
            for path, reader in self._paths.items()
            for module in reader.websocket.modules
            if isinstance(module, ProgressBar)
        ]

    def server(self) -> dict[str, Any]:
        """Return the server itself; what a rate tells is not in it."""
        return {
            **self._versions,
            "started": round(self._started, 3),
            "uptime_s": round(self._process.uptime_s, 1),
            "rss_bytes": self._process.rss_bytes,
            "loop_lag_ms": _lag_ms(),
            "threads": runtime.threads.size,
            "threads_busy": self._process.threads_busy,
            "threads_queued": self._process.threads_queued,
        }

    # Private.

    def _find(self, *, is_new: bool) -> None:
        # A list: a thread may import a module that registers one meanwhile.
        found = [each for each in list(registry.values()) if each.monitored]
        self._paths = {
            each.path: self._known(each) or PathReader(each, is_new=is_new) for each in found
        }

    def _known(self, websocket: WebSocket) -> PathReader | None:
        reader = self._paths.get(websocket.path)
        return reader if reader is not None and reader.websocket is websocket else None

    def _sums(self) -> dict[str, int]:
        sums = dict(NOTHING)
        for reader in self._paths.values():
            for name, count in reader.counters.items():
                sums[name] += count
        return sums


def _lag_ms() -> float:
    return round(runtime.lag.last_s * 1000, 3)


def versions() -> dict[str, Any]:
    """Return what runs where."""
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "version": __version__,
        "python": platform.python_version(),
        "django": django.get_version(),
        "tornado": tornado.version,
    }


def _facts(websocket: WebSocket) -> dict[str, Any]:
    """Return what does not change."""
    permission = websocket.permission
    return {
        "path": websocket.path,
        "declared": websocket.place,
        "rules": {
            "login_required": websocket.login_required,
            "permission": _name(permission) if callable(permission) else permission,
            "origins": list(websocket.origins),
            "require_origin": websocket.require_origin,
        },
    }


def _callback(websocket: WebSocket, event: str) -> Callback | None:
    """Return what an event calls, of those that modules add the first."""
    callback = websocket.events.get(event)
    if callback is None and event in LIFECYCLE_EVENTS:
        return next(iter(websocket.events.lifecycle(event)), None)
    return callback


def _place(callback: Callback) -> str:
    """Return where a callback was written, as ``module:line``."""
    function = inspect.unwrap(callback.function)
    code = getattr(function, "__code__", None)
    module = getattr(function, "__module__", "?")
    return f"{module}:{code.co_firstlineno}" if code else _name(function)


def _name(function: Callable[..., Any]) -> str:
    """Return what a function is called, as ``module.name``; an object goes by its class."""
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"

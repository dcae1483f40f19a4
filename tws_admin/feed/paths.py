"""Reads one path of the core: what it has counted, and what it is."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

from tornado_websockets.events import LIFECYCLE_EVENTS, Callback
from tornado_websockets.histogram import Histogram
from tornado_websockets.layers import audience
from tornado_websockets.websocket import WebSocket
from tws_admin.feed.timings import PathTimings

__all__ = ["PathReader"]

RATED: Final = ("events_in", "events_out")
"""The counters of which a snapshot has rates for each path."""


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
        self._before: dict[str, int] = {}
        self._elapsed_s = 0.0
        self._timings = PathTimings(websocket.stats, is_new=is_new)
        self._facts: dict[str, Any] | None = None
        self._callbacks: dict[str, dict[str, Any]] = {}
        self._row: dict[str, Any] | None = None

    @property
    def rates(self) -> dict[str, float]:
        """Events in and out per second, between the last two readings; empty before there are."""
        if not self._before or self._elapsed_s <= 0:
            return {}
        return {key: (self.counters[key] - self._before[key]) / self._elapsed_s for key in RATED}

    def read(self, elapsed_s: float) -> list[Histogram]:
        """Read the counters, and return how long callbacks took since this was last called.

        Args:
            elapsed_s: seconds since then.
        """
        websocket = self.websocket
        self._before, self._elapsed_s = self.counters, elapsed_s
        counters = {"connections": audience.count(websocket.path), **websocket.stats.counters()}
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

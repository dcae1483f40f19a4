"""Reads the core: what the server and its paths have counted until now, on the event loop."""

from __future__ import annotations

import os
import platform
import socket
import time
from typing import Any, Final

import django
import tornado

from tornado_websockets import __version__
from tornado_websockets.layers import audience
from tornado_websockets.modules import ProgressBar
from tornado_websockets.process import ProcessStats
from tornado_websockets.runtime import runtime
from tornado_websockets.stats import PathStats
from tornado_websockets.websocket import WebSocket, registry
from tws_admin.feed import bars
from tws_admin.feed.lifecycle import Lifecycle
from tws_admin.feed.paths import PathReader
from tws_admin.feed.timings import merged

__all__ = ["NOTHING", "Reader", "versions"]

TURN_S: Final = 5
"""Calls of `Reader.measure` after which the percentiles of paths let go of what was before."""

NOTHING: Final = {"connections": 0, **PathStats().counters()}
"""The counters of no path."""


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
        self._measured_at = time.monotonic()
        self._paths: dict[str, PathReader] = {}
        self._find(is_new=False)

    def measure(self) -> dict[str, float | None]:
        """Return one number for each series of the history, to be called once a second.

        It costs little, since that is done whether or not somebody watches.
        """
        self._find(is_new=True)
        readers = self._paths.values()
        now = time.monotonic()
        elapsed_s, self._measured_at = now - self._measured_at, now
        calls = [each for reader in readers for each in reader.read(elapsed_s)]
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

    def rates(self) -> dict[str, dict[str, float]]:
        """Return how many events each path has had per second, lately."""
        return {path: reader.rates for path, reader in self._paths.items()}

    def bars(self) -> list[dict[str, Any]]:
        """Return every progress bar."""
        now = time.time()
        return [
            {
                "path": path,
                **bars.as_dict(module, self._lifecycle.paces.get(module), now),
                "watchers": audience.count(path),
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

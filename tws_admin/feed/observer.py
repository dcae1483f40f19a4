"""Watches one run of the server: what it counts goes into the history, and to who watches."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin.attempts import Attempts
from tws_admin.feed.lifecycle import Lifecycle
from tws_admin.feed.reading import Reader
from tws_admin.feed.sampler import Sampler
from tws_admin.feed.state import Feed
from tws_admin.feed.viewers import Viewers
from tws_admin.progress.live.board import board

__all__ = ["Observer"]


class Observer:
    """Made when a server starts; everything but the log is for the event loop alone.

    Attributes:
        epoch: names the run.
        state: of the server, ``serving`` or ``stopping``.
        viewers: who watches, and which tick each has.
        lifecycle: the log.
    """

    def __init__(self) -> None:
        self.epoch = secrets.token_hex(8)
        self.state = "serving"
        self.viewers: Viewers[WebSocketHandler] = Viewers()
        self.lifecycle = Lifecycle()
        self._reader = Reader(self.lifecycle)
        self._sampler = Sampler(time.monotonic())
        self._feed = Feed(self.epoch)
        self._read_at = -1
        self._attempts = Attempts("the monitor goes on without %s")

    @property
    def seq(self) -> int:
        """Number of the last tick."""
        return self._feed.seq

    @property
    def wait_s(self) -> float:
        """Seconds until the next tick is due."""
        now = time.monotonic()
        return self._sampler.due_s(now) - now

    def tick(self) -> None:
        """Begin the next tick; once a second, whether or not somebody watches."""
        self.attempt("the counters", self._measure)
        self._feed.advance(time.time(), *self.lifecycle.take())

    def snapshot(self, range: str) -> dict[str, Any]:
        """Return the data of a snapshot, but for what its viewer may do.

        Raises:
            KeyError: there is no such range.
        """
        history = self.history(range)
        self._read()
        snapshot = self._feed.snapshot()
        rates = self._reader.rates()
        # Of the moment, for a page without scripts; who gets ticks computes them from the counters.
        snapshot["paths"] = [
            {**path, "rates": rates.get(path["path"], {})} for path in snapshot["paths"]
        ]
        return {**snapshot, "history": history}

    def history(self, range: str) -> dict[str, Any]:
        """Return the rings of a range.

        Raises:
            KeyError: there is no such range.
        """
        return self._sampler.history(range)

    def changes(self, since: int) -> dict[str, Any] | None:
        """Return the data of a tick; None when that is too long ago."""
        self._read()
        changes = self._feed.changes(since)
        if changes is not None:
            changes["rates"] = self._sampler.newest(self.seq - since)
        return changes

    def attempt(self, what: str, function: Callable[..., Any], *args: Any) -> None:
        """Call a function that may fail, which is logged when it begins to: ticks go on."""
        self._attempts.make(what, function, *args)

    # Private.

    def _measure(self) -> None:
        now = time.monotonic()
        self._sampler.add(self._reader.measure(), at_s=now, time=time.time(), epoch=self.epoch)

    def _read(self) -> None:
        """Read everything, once for all who get this tick.

        Nobody who has this tick has an older reading of it, so each number stands for one state.
        """
        if self._read_at == self.seq:
            return
        self._read_at = self.seq
        sections: dict[str, Callable[[], Any]] = {
            "server": self._server,
            "totals": self._reader.totals,
            "paths": self._reader.paths,
            "bars": self._reader.bars,
            "tasks": board.rows,
        }
        for name, read in sections.items():
            self.attempt(name, self._update, name, read)

    def _update(self, name: str, read: Callable[[], Any]) -> None:
        self._feed.update(**{name: read()})

    def _server(self) -> dict[str, Any]:
        cpu = self._sampler.newest()["cpu"]
        return {
            **self._reader.server(),
            "cpu": cpu,
            "viewers": len(self.viewers),
            "state": self.state,
        }

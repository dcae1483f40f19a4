"""Watches one run of the server: what it counts goes into the history, and to who watches."""

from __future__ import annotations

import collections
import math
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

from tornado_websockets.layers import layer
from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin.attempts import Attempts
from tws_admin.feed.lifecycle import Lifecycle
from tws_admin.feed.reading import Reader
from tws_admin.feed.reports import TAIL, Report
from tws_admin.feed.sampler import Sampler
from tws_admin.feed.state import Feed
from tws_admin.feed.viewers import Viewers
from tws_admin.progress.live.board import board

__all__ = ["Observer"]

WATCHED_S: Final = 5.0
"""Seconds for which paths are read anew each second after somebody has looked."""

SELDOM: Final = 10
"""Ticks between two readings of the paths for a report that nobody looks at."""

TOLD_S: Final = 10.0
"""Seconds for which an event of the log is in the reports: some of these may not be read."""


class Observer:
    """Made when a server starts; everything but the log is for the event loop alone.

    Args:
        count_viewers: returns how many watch, if there are more than `viewers`.

    Attributes:
        epoch: names the run.
        state: of the server, ``serving`` or ``stopping``.
        node: None, as there are no others.
        viewers: who watches, and which tick each has.
        lifecycle: the log.
    """

    def __init__(self, count_viewers: Callable[[], int] | None = None) -> None:
        self.epoch = secrets.token_hex(8)
        self.state = "serving"
        self.node: str | None = None
        self.viewers: Viewers[WebSocketHandler] = Viewers()
        self.lifecycle = Lifecycle()
        self._reader = Reader(self.lifecycle)
        self._sampler = Sampler(time.monotonic())
        self._feed = Feed(self.epoch)
        self._watched_at = -math.inf
        self._read_at = self._shown_at = self._reported_at = -1
        self._count_viewers = count_viewers or self.viewers.__len__
        self._tail: collections.deque[Mapping[str, Any]] = collections.deque(maxlen=TAIL)
        self._sections: dict[str, Any] = {
            "server": {"state": self.state, "trouble": ""},
            "totals": self._reader.totals(),
            "paths": [],
            "bars": [],
        }
        self._report: Report | None = None
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
        events, count = self.lifecycle.take()
        self._tail.extend(events)
        self._feed.advance(time.time(), events, count)

    def snapshot(self, range: str) -> dict[str, Any]:
        """Return the data of a snapshot, but for what its viewer may do.

        Raises:
            KeyError: there is no such range.
        """
        history = self.history(range)
        self._show()
        snapshot = self._feed.snapshot()
        rates = self._reader.rates()
        # Of the moment, for a page without scripts; who gets ticks computes them from the counters.
        snapshot["paths"] = [
            {**path, "rates": rates.get(path["path"], {})} for path in snapshot["paths"]
        ]
        return {**snapshot, "history": history, "node": None}

    def watch(self) -> None:
        """Note that somebody looks at this node, from wherever."""
        if not self._is_watched:
            self._read_at = self._reported_at = -1
        self._watched_at = time.monotonic()

    def report(self) -> Report:
        """Return what other nodes are told of this one: the same until the next tick.

        Its paths may be some seconds old when nobody has looked lately, since their percentiles
        cost more than all the rest.
        """
        if self._report is None or self._reported_at != self.seq:
            self._reported_at = self.seq
            self._read(is_whole=self._is_watched or self.seq % SELDOM == 1)
            now = time.time()
            rates = self._reader.rates()
            self._report = {
                **self._sections,
                "time": round(now, 3),
                "rates": self._sampler.newest(),
                "speeds": {path: each for path, each in rates.items() if any(each.values())},
                "log": [event for event in self._tail if event["time"] >= now - TOLD_S],
            }
        return self._report

    def past(self, range: str) -> dict[str, Any]:
        """Return what other nodes are told of the time before, and what time it is.

        Raises:
            KeyError: there is no such range.
        """
        now = round(time.time(), 3)
        return {"time": now, "history": self.history(range), "lifecycle": self._feed.log}

    def history(self, range: str) -> dict[str, Any]:
        """Return the rings of a range.

        Raises:
            KeyError: there is no such range.
        """
        return self._sampler.history(range)

    def changes(self, since: int) -> dict[str, Any] | None:
        """Return the data of a tick; None when that is too long ago."""
        self._show()
        changes = self._feed.changes(since)
        if changes is not None:
            changes["rates"] = self._sampler.newest(self.seq - since)
        return changes

    def attempt(self, what: str, function: Callable[..., Any], *args: Any) -> None:
        """Call a function that may fail, which is logged when it begins to: ticks go on."""
        self._attempts.make(what, function, *args)

    def attempting(self, what: str) -> AbstractContextManager[None]:
        """Go on behind a block that may fail, as `attempt` does."""
        return self._attempts.making(what)

    # Private.

    def _measure(self) -> None:
        now = time.monotonic()
        self._sampler.add(self._reader.measure(), at_s=now, time=time.time(), epoch=self.epoch)

    @property
    def _is_watched(self) -> bool:
        return time.monotonic() - self._watched_at < WATCHED_S

    def _read(self, *, is_whole: bool) -> None:
        """Read everything, once for all who get this tick; or everything but the paths.

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
        }
        if not is_whole:
            del sections["paths"]
        for name, read in sections.items():
            self.attempt(name, self._take, name, read)

    def _take(self, name: str, read: Callable[[], Any]) -> None:
        self._sections[name] = read()

    def _show(self) -> None:
        """Read everything for those who watch this node alone."""
        if self._shown_at == self.seq:
            return
        self._shown_at = self.seq
        self._read(is_whole=True)
        self._feed.update(**self._sections, tasks=board.rows())

    def _server(self) -> dict[str, Any]:
        cpu = self._sampler.newest()["cpu"]
        return {
            **self._reader.server(),
            "cpu": cpu,
            "viewers": self._count_viewers(),
            "state": self.state,
            "trouble": layer().trouble,
        }

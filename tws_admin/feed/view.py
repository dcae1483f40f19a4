"""What those see who look at all nodes together, or at one of them."""

from __future__ import annotations

import math
import secrets
import time as clock
from collections.abc import Mapping
from typing import Any, NamedTuple

from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin.feed import merge
from tws_admin.feed.nodes import Nodes, name_of
from tws_admin.feed.reports import Report
from tws_admin.feed.sampler import RANGES, SERIES, Ring, shown
from tws_admin.feed.state import HORIZON, LOG_SIZE, Feed
from tws_admin.feed.viewers import Viewers
from tws_admin.progress.live.board import board

__all__ = ["Merged", "View"]

Event = Mapping[str, Any]


class Merged(NamedTuple):
    """What some nodes have reported, put together.

    Attributes:
        ids: of the nodes.
        sections: of the feed.
        point: the newest one of the history.
        speeds: the rates of paths, by name.
        logs: the last events of each node.
    """

    ids: list[str]
    sections: dict[str, Any]
    point: list[float]
    speeds: dict[str, dict[str, float]]
    logs: dict[str, list[Event]]

    @classmethod
    def of(cls, reports: Mapping[str, Report], fresh: list[Report]) -> Merged:
        """Return reports put together, of which those are fresh that are not of silent nodes."""
        found = list(reports.values())
        servers = [report["server"] for report in fresh or found]
        point = merge.point(report["rates"] for report in fresh)
        return cls(
            ids=list(reports),
            sections={
                "server": merge.server(servers) if servers else {},
                "totals": merge.totals(report["totals"] for report in found),
                "paths": merge.paths(report["paths"] for report in found),
                "bars": merge.bars(report["bars"] for report in found),
            },
            point=[_number(point[name]) for name in SERIES],
            speeds=merge.speeds(report["speeds"] for report in fresh),
            logs={key: report["log"] for key, report in reports.items()},
        )


class View:
    """The state of some nodes, tick by tick; for the event loop alone.

    It has an epoch of its own, and another one as soon as a node has come or gone: counters only
    grow within one.

    Args:
        node: the id of the only node that is seen; None is all.

    Attributes:
        node: the same.
        viewers: who sees it, and which tick each has.
        ids: of the nodes that are in it.
    """

    def __init__(self, node: str | None) -> None:
        self.node = node
        self.viewers: Viewers[WebSocketHandler] = Viewers()
        self.ids: list[str] = []
        self._feed = Feed(secrets.token_hex(8))
        self._points = Ring(1, HORIZON)
        self._logged: dict[str, int] = {}  # by node the number of its last event that is in the log
        self._count = 0
        self._speeds: dict[str, dict[str, float]] = {}

    @property
    def seq(self) -> int:
        """Number of the last tick."""
        return self._feed.seq

    def merge(self, nodes: Nodes) -> Merged:
        """Return what the nodes have reported, put together; in any thread.

        Those of many nodes take a while.
        """
        reports = {key: each for key, each in nodes.reports.items() if self.node in (None, key)}
        return Merged.of(reports, nodes.fresh(reports))

    def begin(
        self, nodes: Nodes, merged: Merged, past: Mapping[str, Mapping[str, Any]], time: float
    ) -> None:
        """Begin with the first tick, and with the log of the time before.

        Args:
            nodes: those that there are.
            merged: of `merge`.
            past: of each that has told, by its id.
            time: Unix time.
        """
        logs = {key: each["lifecycle"] for key, each in past.items()}
        self._take(nodes, merged, logs, time)

    def take(self, nodes: Nodes, merged: Merged, time: float) -> None:
        """Begin the next tick with what the nodes have reported."""
        self._take(nodes, merged, merged.logs, time)

    def snapshot(self, history: Mapping[str, Any]) -> dict[str, Any]:
        """Return the data of a snapshot, but for what its viewer may do.

        Args:
            history: the rings of the range that is asked for.
        """
        snapshot = self._feed.snapshot()
        speeds = self._speeds
        snapshot["paths"] = [
            {**path, "rates": speeds.get(path["path"], {})} for path in snapshot["paths"]
        ]
        return {**snapshot, "history": history, "node": self.node}

    def changes(self, since: int) -> dict[str, Any] | None:
        """Return the data of a tick; None when that is too long ago."""
        changes = self._feed.changes(since)
        if changes is not None:
            point = self._points.newest(self.seq - since)
            changes["rates"] = {
                name: shown(value) for name, value in zip(SERIES, point, strict=True)
            }
        return changes

    @staticmethod
    def history(past: Mapping[str, Mapping[str, Any]], range: str) -> dict[str, Any]:
        """Return the rings of a range, of those nodes that have told theirs; in any thread.

        Those of several nodes take a while.
        """
        step_s, _size = RANGES[range]
        rings = [each["history"] for each in past.values() if each["history"]["step_s"] == step_s]
        if not rings:
            empty: dict[str, list[float]] = {name: [] for name in SERIES}
            return {"step_s": step_s, "end": round(clock.time(), 3), "series": empty}
        return merge.history(rings)

    # Private.

    def _take(
        self, nodes: Nodes, merged: Merged, logs: Mapping[str, list[Event]], time: float
    ) -> None:
        if merged.ids and self.ids and set(merged.ids) != set(self.ids):
            self._feed.epoch = secrets.token_hex(8)
        self.ids = merged.ids
        known = {state.node.id for state in nodes.states}
        self._logged = {key: last for key, last in self._logged.items() if key in known}
        events = self._new(nodes, {key: log for key, log in logs.items() if key in self.ids})
        self._feed.advance(time, events, self._count)
        self._points.add(self.seq, merged.point)
        self._speeds = merged.speeds
        self._feed.update(**merged.sections, tasks=board.rows(), nodes=nodes.rows())

    def _new(self, nodes: Nodes, logs: Mapping[str, list[Event]]) -> list[Event]:
        """Return the events that are not in the log yet, numbered anew, with their node's name.

        Those that have come and gone since are counted.
        """
        names = {state.node.id: name_of(state) for state in nodes.states}
        found: list[Event] = []
        missed = 0
        for key, log in logs.items():
            last = self._logged.get(key)
            new = [event for event in log if last is None or event["n"] > last]
            if new:
                missed += 0 if last is None else new[0]["n"] - last - 1
                self._logged[key] = new[-1]["n"]
            found += [{**event, "node": names.get(key, key)} for event in new]
        found.sort(key=lambda event: event["time"])
        first = self._count + missed + 1
        self._count += missed + len(found)
        numbered: list[Event] = [{**event, "n": first + index} for index, event in enumerate(found)]
        return numbered[-LOG_SIZE:]


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)

"""The nodes that serve this project together, and what each has said of itself last."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any, Final

from tornado_websockets.layers import NodeState, layer
from tws_admin.attempts import Attempts
from tws_admin.feed.observer import Observer
from tws_admin.feed.reports import Report, check, check_past

__all__ = ["PAST", "NoSuchNodeError", "Nodes", "name_of", "row"]

logger = logging.getLogger("tws_admin")

PAST: Final = "tws_admin.past"
"""What nodes are asked for: their history and their log."""

MAX_NAME: Final = 64
"""Characters of a host's name that are shown."""

PATIENCE_S: Final = 1.0
"""Seconds that an answer to that may take."""


class NoSuchNodeError(LookupError):
    """A node is not there, or not any more."""


class Nodes:
    """For the event loop alone.

    Args:
        observer: of this one.

    Attributes:
        states: the nodes that are known, this one first.
        reports: the last one of each of them that has any; also of one that is silent now.
    """

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self.states: list[NodeState] = []
        self.reports: dict[str, Report] = {}
        self._useless: set[str] = set()
        self._attempts = Attempts("the monitor goes on without %s of the other nodes")

    async def read(self) -> None:
        """Read the reports; one that is missing or useless leaves the one before in place."""
        known: Mapping[str, Report] = {}
        with self._attempts.making("the reports"):
            found = dict(await layer().reports())
            found.pop(layer().node.id, None)
            # Those of many nodes take a while, so not on the event loop.
            known = await asyncio.to_thread(self._usable, found)
        self.take(known)

    def take(self, known: Mapping[str, Report] = {}) -> None:
        """Take what was read, and what this node says of itself now."""
        self.states = layer().nodes()
        known = {**known, layer().node.id: self._observer.report()}
        ids = [state.node.id for state in self.states]
        reports = {**self.reports, **known}
        self.reports = {key: reports[key] for key in ids if key in reports}
        self._useless.intersection_update(ids)

    def fresh(self, reports: Mapping[str, Report]) -> list[Report]:
        """Return the reports of those that are not silent."""
        stale = {state.node.id for state in self.states if state.is_stale}
        return [report for key, report in reports.items() if key not in stale]

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of the feed's ``nodes``."""
        return [
            {**row(state, self.reports.get(state.node.id)), "here": index == 0}
            for index, state in enumerate(self.states)
        ]

    async def past(self, range: str, node: str | None) -> dict[str, Mapping[str, Any]]:
        """Return the history and the log of all nodes, or of one, as far as they answer.

        Args:
            range: of the history.
            node: the id of the only one; None is all.
        """
        own = layer().node.id
        answers: Mapping[str, Any] = {}
        with self._attempts.making("the history"):
            asked = await layer().ask(PAST, {"range": range}, node=node, timeout_s=PATIENCE_S)
            answers = asked.answers
        if node in (None, own):
            answers = {own: self._observer.past(range), **answers}
        return await asyncio.to_thread(_usable_past, answers)

    def _usable(self, found: Mapping[str, Any]) -> dict[str, Report]:
        checked = {key: self._checked(key, report) for key, report in found.items()}
        return {key: report for key, report in checked.items() if report is not None}

    def _checked(self, key: str, report: Any) -> Report | None:
        try:
            return check(report)
        except ValueError as error:
            if key not in self._useless:
                self._useless.add(key)
                logger.warning("node %s reports what cannot be used: %s", key, error)
            return None


def name_of(state: NodeState) -> str:
    """Return what a node is called: its host and process."""
    return f"{_shown(state.node.host)}:{state.node.pid}"


def row(state: NodeState, report: Report | None) -> dict[str, Any]:
    """Return what the feed has of a node; numbers that are not known are None."""
    node = state.node
    server: Mapping[str, Any] = {} if report is None else report["server"]
    rates: Mapping[str, Any] = {} if report is None or state.is_stale else report["rates"]
    return {
        "id": node.id,
        "name": name_of(state),
        "host": _shown(node.host),
        "pid": node.pid,
        "version": _shown(node.version),
        "started": node.started,
        "uptime_s": server.get("uptime_s"),
        "connections": None if report is None else report["totals"]["connections"],
        "events_in_per_s": rates.get("events_in"),
        "events_out_per_s": rates.get("events_out"),
        "loop_lag_ms": server.get("loop_lag_ms"),
        "rss_bytes": server.get("rss_bytes"),
        "cpu": server.get("cpu"),
        "state": _standing(state, server),
        "trouble": server.get("trouble", ""),
    }


def _shown(text: str) -> str:
    """Return what a machine is called without what would turn the text around, and not endless."""
    return "".join(each if each.isprintable() else "�" for each in text[:MAX_NAME])


def _usable_past(answers: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    usable = {}
    for key, past in answers.items():
        try:
            usable[key] = _on_this_clock(check_past(past))
        except ValueError as error:
            logger.warning("node %s says what cannot be used of its past: %s", key, error)
    return usable


def _on_this_clock(past: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a past whose history ends when it does by the clock of this machine."""
    history = past["history"]
    end = round(time.time() - max(0.0, past["time"] - history["end"]), 3)
    return {**past, "history": {**history, "end": end}}


def _standing(state: NodeState, server: Mapping[str, Any]) -> str:
    if state.is_stale:
        return "stale"
    if server.get("state") == "stopping":
        return "stopping"
    return "degraded" if server.get("trouble") else "serving"

"""A layer whose other nodes say what a test lets them say."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from tests.tws_admin.snapshots import SERIES, counters
from tornado_websockets.layers import Answers, LocalLayer, Node, NodeState

SETTINGS = {"layer": "tests.tws_admin.neighbours.Neighbourhood"}


def report(**more: Any) -> dict[str, Any]:
    """Return what a node says of itself."""
    return {
        "time": 1000.0,
        "server": server(),
        "totals": counters(),
        "rates": dict.fromkeys(SERIES, 0),
        "speeds": {},
        "paths": [],
        "bars": [],
        "log": [],
        **more,
    }


def server(**more: Any) -> dict[str, Any]:
    return {
        "host": "web2",
        "pid": 77,
        "version": "1.0.0",
        "started": 900.0,
        "uptime_s": 100.0,
        "loop_lag_ms": 0.5,
        "rss_bytes": 1000,
        "cpu": 0.5,
        "threads": 8,
        "threads_busy": 0,
        "threads_queued": 0,
        "viewers": 0,
        "state": "serving",
        "trouble": "",
        **more,
    }


def history(step_s: int = 1, end: float = 1000.0, **series: list[Any]) -> dict[str, Any]:
    columns = {name: series.get(name, []) for name in SERIES}
    return {"step_s": step_s, "end": end, "series": columns}


def past(*log: Any, step_s: int = 1, **series: Any) -> dict[str, Any]:
    """Return what a node says of the time before."""
    return {"time": 1000.0, "history": history(step_s, 1000.0, **series), "lifecycle": list(log)}


def event(n: int, time: float = 1000.0, kind: str = "connection_opened") -> dict[str, Any]:
    return {"n": n, "time": time, "kind": kind, "path": "/chat"}


@dataclasses.dataclass
class Neighbour:
    """Another node.

    Attributes:
        report: what it has said last, None for nothing.
        answers: by topic; it is silent about all others.
        is_stale: whether nothing was heard of it for a while.
    """

    id: str
    report: Any = None
    answers: dict[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    is_stale: bool = False

    @property
    def state(self) -> NodeState:
        node = Node(self.id, "web2", 77, "1.0.0", 900.0)
        return NodeState(node, 5.0 if self.is_stale else 0.1, self.is_stale)


class Neighbourhood(LocalLayer):
    """That of a node among others.

    Attributes:
        others: by id.
        asked: what was asked of them.
        told: what they were told.
        wrong: what does not work now.
        error: raised by whoever reads or asks, if any.
        delay_s: how long that takes.
    """

    is_shared: ClassVar[bool] = True

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.others: dict[str, Neighbour] = {}
        self.asked: list[tuple[str, Mapping[str, Any], str | None]] = []
        self.told: list[tuple[str, Mapping[str, Any]]] = []
        self.wrong = ""
        self.error: Exception | None = None
        self.delay_s = 0.0

    def add(self, id: str = "b" * 16, **more: Any) -> Neighbour:
        neighbour = self.others[id] = Neighbour(id, **more)
        return neighbour

    @property
    def trouble(self) -> str:
        return self.wrong

    def nodes(self) -> list[NodeState]:
        return [*super().nodes(), *(each.state for each in self.others.values())]

    async def reports(self) -> Mapping[str, Mapping[str, Any]]:
        await asyncio.sleep(self.delay_s)
        if self.error is not None:
            raise self.error
        others = {id: each.report for id, each in self.others.items() if each.report}
        return {**await super().reports(), **others}

    async def ask(
        self,
        topic: str,
        data: Mapping[str, Any],
        *,
        node: str | None = None,
        timeout_s: float = 2.0,
    ) -> Answers:
        if self.error is not None:
            raise self.error
        self.asked.append((topic, data, node))
        await asyncio.sleep(min(self.delay_s, timeout_s))
        others = {id: each for id, each in self.others.items() if node in (None, id)}
        in_time = others if self.delay_s <= timeout_s else {}
        found = {id: each.answers[topic] for id, each in in_time.items() if topic in each.answers}
        silent = [id for id in others if id not in found]
        if node in (None, self.node.id):
            found = {self.node.id: await self.answering[topic](data), **found}
        return Answers(found, silent)

    def tell(self, topic: str, data: Mapping[str, Any]) -> None:
        self.told.append((topic, data))

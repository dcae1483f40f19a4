"""Several servers of one project, that a Redis connects, and what is published there."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from tests.engines.broker import Broker, is_installed
from tests.torture.missing import MissingProgramError
from tests.torture.project import make_project, write
from tests.torture.publishing import ROUTES, SETTINGS, WEBSOCKETS
from tests.torture.server import Server, until

__all__ = ["Cluster", "Place", "Published", "make_broker"]

Place = Callable[[], AbstractContextManager[object]]
"""Returns where a node is, to be entered by whoever starts or asks it."""

END_TIMEOUT_S: Final = 60


def make_broker(*, keeps: bool = False, **options: str) -> Broker:
    """Return a Redis of a scenario's own, with options of its configuration.

    Raises:
        MissingProgramError: it is not installed.
    """
    if not is_installed():
        raise MissingProgramError("redis-server is not installed")
    named: dict[str, Any] = {name.replace("_", "-"): value for name, value in options.items()}
    return Broker(keeps=keeps, **named)


class Published(NamedTuple):
    """What one node has published.

    Attributes:
        events: how many, which are numbered from 0.
        failed: numbers of those that were not acknowledged.
    """

    events: int
    failed: list[int]


class Cluster:
    """So many servers on ports of their own; they end with it.

    Args:
        folder: an empty one, for the project.
        url: the Redis server's; one for each node where they reach it in different ways.
        count: how many nodes.
        websockets: Python behind that of the paths ``/feed``, which has a history, and ``/live``.
        places: where each node is; all are here by default.
    """

    def __init__(
        self,
        folder: Path,
        url: str,
        count: int,
        *,
        websockets: str = "",
        places: Sequence[Place] = (),
    ) -> None:
        self.nodes: list[Server] = []
        self._folder = make_project(
            folder, settings=SETTINGS.format(url=url), websockets=WEBSOCKETS + websockets
        )
        write(folder, {"project/cluster.py": ROUTES})
        self._places = places or [contextlib.nullcontext] * count
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            # All begin before the first one is waited for.
            for place in self._places:
                with place():
                    self.nodes.append(Server(self._folder))
                stack.push(self.nodes[-1])
            for node in self.nodes:
                node.__enter__()
            if not self.knows(len(self.nodes), timeout_s=60):
                raise AssertionError("the nodes do not know each other")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    @property
    def ports(self) -> list[int]:
        return [node.port for node in self.nodes]

    def look(self, node: int = 0) -> dict[str, Any]:
        """Return what a node knows of all."""
        found: dict[str, Any] = self._ask(node, "/look")
        return found

    def knows(self, count: int, *, timeout_s: float) -> bool:
        """Wait until every node knows so many, and return whether they do."""
        everyone = range(len(self.nodes))

        def does() -> bool:
            return all(self.look(node)["nodes"] == count for node in everyone)

        until(does, timeout_s)
        return does()

    def publish(
        self, rate: float, nodes: Sequence[int] | None = None, *, name: str = "node"
    ) -> None:
        """Begin to publish so many events a second, on all nodes together, or on some.

        Args:
            name: begins those of the publishers, each of which is one only once.
        """
        chosen = range(len(self.nodes)) if nodes is None else nodes
        for node in chosen:
            self._ask(node, f"/begin/publish?name={name}{node}&rate={rate / len(chosen)}")

    def published(
        self, nodes: Sequence[int] | None = None, *, name: str = "node"
    ) -> Mapping[str, Published]:
        """End that, and return what each node has published, by the publisher's name."""
        chosen = range(len(self.nodes)) if nodes is None else nodes
        return {f"{name}{node}": Published(**self._ask(node, "/end/publish")) for node in chosen}

    def measure_lag(self) -> None:
        """Begin to measure how late the event loops are."""
        for node in range(len(self.nodes)):
            self._ask(node, "/begin/lag")

    def lags(self) -> list[dict[str, float]]:
        """End that, and return ``p99`` and ``worst`` of each node, in ms."""
        return [self._ask(node, "/end/lag") for node in range(len(self.nodes))]

    def trouble(self) -> list[str]:
        """Return the lines of all logs that no server should write."""
        return [line for node in self.nodes for line in node.trouble()]

    def _ask(self, node: int, path: str) -> Any:
        with self._places[node]():
            status, text = self.nodes[node].get(path, timeout_s=END_TIMEOUT_S)
        if status != 200:
            raise AssertionError(f"{path} was answered with {status}: {text}")
        return json.loads(text or "null")

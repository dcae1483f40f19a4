"""What viewers see where several nodes serve one project: all of them together, or one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from tornado_websockets.layers import layer
from tornado_websockets.runtime import runtime
from tws_admin.feed.nodes import PAST, Nodes, NoSuchNodeError
from tws_admin.feed.observer import Observer
from tws_admin.feed.sampler import RANGES
from tws_admin.feed.view import Merged, View

__all__ = ["Together"]

Told = tuple[Mapping[str, Mapping[str, Any]], dict[str, Any]]
"""What nodes have told of the time before, and their history put together."""

WATCHED: Final = "tws_admin.watched"
"""What other nodes are told while somebody looks."""


class Together:
    """The views that somebody sees; for the event loop alone.

    Other nodes are told of this one from now on, by the layer.
    Other nodes are read once a second while there are any, and not at all while there are none.

    Args:
        observer: of this node.
        send: is called with each view that has a new tick.
    """

    def __init__(self, observer: Observer, send: Callable[[View], None]) -> None:
        self._observer = observer
        self._nodes = Nodes(observer)
        self._send = send
        self._views: dict[str | None, View] = {}
        self._task: asyncio.Task[None] | None = None
        self._asking: dict[tuple[str, str | None], asyncio.Task[Told]] = {}
        layer().report = observer.report
        layer().answering[PAST] = self._answer_past
        layer().hearing[WATCHED] = lambda _data: observer.watch()

    @property
    def views(self) -> list[View]:
        """Those that there are."""
        return list(self._views.values())

    def tick(self) -> None:
        """Begin the next tick of each view, when the other nodes have been read."""
        self._views = {node: view for node, view in self._views.items() if view.viewers}
        if not self._views:
            return
        self._watch()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._tick())

    def end(self) -> None:
        """Make the last tick of each view, with what this node says now."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._nodes.take()
        for view in self.views:
            with self._observer.attempting("the sum of the nodes"):
                self._show(view, view.merge(self._nodes))

    async def look(
        self, node: str | None, range: str, *, keep: bool = False
    ) -> tuple[View, dict[str, Any]]:
        """Return a view, and the data of a snapshot of it.

        Args:
            node: the id of the only one that is seen; None is all.
            range: of the history.
            keep: go on with it from now on, as it is about to have a viewer.

        Raises:
            NoSuchNodeError: that node is not there.
        """
        self._watch()
        past, history = await asyncio.shield(self._ask(range, node))
        if node is not None and node not in self._nodes.reports:
            raise NoSuchNodeError(node)
        view = self._views.get(node)
        if view is None:
            new = View(node)
            merged = await asyncio.to_thread(new.merge, self._nodes)
            view = self._views.get(node, new)  # somebody else may have come meanwhile
            if view is new:
                view.begin(self._nodes, merged, past, time.time())
        if keep:
            self._views[node] = view
        return view, view.snapshot(history)

    def alone(self, range: str) -> dict[str, Any]:
        """Return a snapshot of this node, without waiting for anything.

        Args:
            range: of the history.
        """
        own = layer().node.id
        view, past = View(own), {own: self._observer.past(range)}
        self._nodes.take()
        view.begin(self._nodes, view.merge(self._nodes), past, time.time())
        return view.snapshot(view.history(past, range))

    # Private.

    def _watch(self) -> None:
        self._observer.watch()
        layer().tell(WATCHED, {})

    def _ask(self, range: str, node: str | None) -> asyncio.Task[Told]:
        """Ask for the time before; who asks the same meanwhile gets the same answer.

        When a node comes or goes all viewers begin anew, in the same moment.
        """
        key = range, node
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.get_running_loop().create_task(self._told(*key))
            task.add_done_callback(lambda _task: self._asking.pop(key))
            runtime.keep(task)
        return task

    async def _told(self, range: str, node: str | None) -> Told:
        await self._nodes.read()
        past = await self._nodes.past(range, node)
        return past, await asyncio.to_thread(View.history, past, range)

    async def _answer_past(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        if data.get("range") not in RANGES:
            raise ValueError(f"a range was expected, got {data!r:.100}")
        return self._observer.past(data["range"])

    async def _tick(self) -> None:
        await self._nodes.read()
        for view in self.views:
            with self._observer.attempting("the sum of the nodes"):
                merged = await asyncio.to_thread(view.merge, self._nodes)
                self._show(view, merged)

    def _show(self, view: View, merged: Merged) -> None:
        view.take(self._nodes, merged, time.time())
        self._observer.attempt("the ticks", self._send, view)

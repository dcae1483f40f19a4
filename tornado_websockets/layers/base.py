"""The contract of a layer: what carries events between the processes that serve a project."""

from __future__ import annotations

import abc
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, TypeAlias

from tornado_websockets.layers.audience import Audience
from tornado_websockets.layers.connection import Member
from tornado_websockets.layers.event import Event
from tornado_websockets.layers.nodes import Answers, Node, NodeState
from tornado_websockets.layers.recovery import Recovery

__all__ = ["Answer", "Hear", "Layer"]

Answer: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Answers a question of a node, on the event loop; what it raises is logged, and no answer."""

Hear: TypeAlias = Callable[[Mapping[str, Any]], None]
"""Hears what another process tells, on the event loop."""


class Layer(Recovery):
    """Reaches the clients of every process that serves.

    A project's own layer is a subclass that `TORNADO["layer"]` names. Between `start` and `stop`
    it belongs to a server; what sends works without, where the layer is shared.

    Args:
        audience: who is connected to this process.

    Attributes:
        is_shared: whether more processes than one can be reached.
        node: this process.
        report: returns what this node says of itself once a second, as JSON has it; None is
            nothing.
    """

    is_shared: ClassVar[bool] = True

    def __init__(self, audience: Audience) -> None:
        super().__init__(audience)
        self.node = Node.here()
        self.report: Callable[[], Mapping[str, Any]] | None = None
        self.answering: dict[str, Answer] = {}
        self.hearing: dict[str, Hear] = {}

    # The server's life, on the event loop.

    async def start(self) -> None:
        """Begin to serve what `audience.served` has; done before the first client comes.

        What cannot be reached now is tried again: this takes a few seconds at most, and raises
        nothing for it.
        """
        self._logs.clear()
        self.audience.served_changed = self.served_changed

    async def stop(self) -> None:
        """Send what waits, and end; every client has gone."""
        self.audience.served_changed = None
        await self._stop_replays()

    def served_changed(self) -> None:
        """Look at `audience.served` again."""
        self._drop_logs()

    @property
    def trouble(self) -> str:
        """What does not work now, in a few words; empty while everything does."""
        return ""

    # Events.

    @abc.abstractmethod
    def publish(self, path: str, event: Event) -> None:
        """Send an event to every client of a path, or of some rooms, once; from any thread.

        In a server it returns at once. Elsewhere it blocks until the event is acknowledged.

        Args:
            path: the path.
            event: what is sent; of its rooms, those who are there at the call, in this process.

        Raises:
            EventTooLargeError: it is more than the layer carries.
            ServerNotRunningError: nobody can be reached from this process.
            LayerUnavailableError: other processes cannot be reached, for too long already to keep
                more for them.
        """

    @abc.abstractmethod
    async def apublish(self, path: str, event: Event) -> None:
        """Send as `publish` does, and wait until the event is acknowledged.

        Everybody else has a turn of the event loop in any case.

        Raises:
            EventTooLargeError: it is more than the layer carries.
            ServerNotRunningError: nobody can be reached from this process.
            LayerUnavailableError: it was not acknowledged in time; it may be delivered later.
        """

    # Presence.

    def presence(self, path: str, room: str) -> list[Member]:
        """Return who is in a room, in whatever process, those who came first first."""
        return self.audience.members(path, room)

    # Nodes.

    def nodes(self) -> list[NodeState]:
        """Return the nodes that are known, this one first; from any thread."""
        return [NodeState(self.node, 0.0, False)]

    async def reports(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the last report of each node that is not stale, by its id."""
        return {} if self.report is None else {self.node.id: self.report()}

    async def ask(
        self,
        topic: str,
        data: Mapping[str, Any],
        *,
        node: str | None = None,
        timeout_s: float = 2.0,
    ) -> Answers:
        """Ask nodes what each answers by itself, see `answering`; on the event loop.

        Args:
            topic: the question.
            data: what it is about, as JSON has it.
            node: the id of the only one that is asked; None is all, this one among them.
            timeout_s: how long to wait for the last of them.

        Returns:
            One that does not know the topic is among the silent.
        """
        answer = self.answering.get(topic)
        if answer is None or node not in (None, self.node.id):
            return Answers({}, [node or self.node.id])
        return Answers({self.node.id: await answer(data)}, [])

    @abc.abstractmethod
    def tell(self, topic: str, data: Mapping[str, Any]) -> None:
        """Tell all other nodes something, see `hearing`; from any thread, with or without a server.

        It does not wait. Who cannot be reached does not hear it; that is logged.
        """

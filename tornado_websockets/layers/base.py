"""The contract of a layer: what carries events between the processes that serve a project."""

from __future__ import annotations

import abc
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, ClassVar, TypeAlias

from tornado_websockets.encoding import encode
from tornado_websockets.history import Position, offset_text
from tornado_websockets.layers.audience import Audience
from tornado_websockets.layers.connection import Connection, Member
from tornado_websockets.layers.log import Log
from tornado_websockets.layers.nodes import Answers, Node, NodeState
from tornado_websockets.outgoing import Outgoing

__all__ = ["Answer", "Hear", "Layer"]

Answer: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Answers a question of a node, on the event loop; what it raises is logged, and no answer."""

Hear: TypeAlias = Callable[[Mapping[str, Any]], None]
"""Hears what another process tells, on the event loop."""


class Layer(abc.ABC):
    """Reaches the clients of every process that serves.

    A project's own layer is a subclass that `TORNADO["layer"]` names. Between `start` and `stop`
    it belongs to a server; what sends works without, where the layer is shared.

    Args:
        audience: who is connected to this process.

    Attributes:
        is_shared: whether more processes than one can be reached.
        audience: who is connected to this process.
        node: this process.
        report: returns what this node says of itself once a second, as JSON has it; None is
            nothing.
    """

    is_shared: ClassVar[bool] = True

    def __init__(self, audience: Audience) -> None:
        self.audience = audience
        self.node = Node.here()
        self.report: Callable[[], Mapping[str, Any]] | None = None
        self.answering: dict[str, Answer] = {}
        self.hearing: dict[str, Hear] = {}
        self._logs: dict[str, Log] = {}

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

    def served_changed(self) -> None:
        """Look at `audience.served` again."""
        for path in self._logs.keys() - self.audience.served.keys():
            del self._logs[path]

    @property
    def trouble(self) -> str:
        """What does not work now, in a few words; empty while everything does."""
        return ""

    # Events.

    @abc.abstractmethod
    def publish(
        self,
        path: str,
        event: str,
        payload: bytes,
        *,
        rooms: Collection[str] | None = None,
        without: Collection[str] = (),
    ) -> None:
        """Send an event to every client of a path, or of some rooms, once; from any thread.

        In a server it returns at once. Elsewhere it blocks until the event is acknowledged.

        Args:
            path: the path.
            event: the event's name.
            payload: its envelope in UTF-8.
            rooms: those whose connections get it: those that are there at the call, in this
                process.
            without: the ids of connections that do not.

        Raises:
            ServerNotRunningError: nobody can be reached from this process.
            LayerUnavailableError: other processes cannot be reached, for too long already to keep
                more for them.
        """

    @abc.abstractmethod
    async def apublish(
        self,
        path: str,
        event: str,
        payload: bytes,
        *,
        rooms: Collection[str] | None = None,
        without: Collection[str] = (),
    ) -> None:
        """Send as `publish` does, and wait until the event is acknowledged.

        Raises:
            ServerNotRunningError: nobody can be reached from this process.
            LayerUnavailableError: it was not acknowledged in time; it may be delivered later.
        """

    # History, on the event loop.

    def log(self, path: str) -> Log | None:
        """Return what is kept of a path that has a history."""
        log = self._logs.get(path)
        if log is None:
            history = self.audience.served.get(path)
            if history is not None:
                log = self._logs[path] = Log(history, time.monotonic)
                self.begin(path, log)
        return log

    def begin(self, path: str, log: Log) -> None:
        """Let a log begin; one that is filled from elsewhere has no epoch until then."""
        log.begin()

    @abc.abstractmethod
    async def reach(self, path: str, position: Position | None) -> None:
        """Wait until the log of a path covers a position, or it is certain that it does not.

        It takes a few seconds at most, and raises nothing.
        """

    def welcome(self, path: str, connection: Connection, position: Position | None) -> None:
        """Tell a client that has just joined where it is, and send what it has missed.

        Args:
            path: one that has a history.
            connection: the client's.
            position: where it was when it was here before, None when it was not.
        """
        log = self.log(path)
        assert log is not None
        missed = None if position is None else log.since(position.epoch, position.offset)
        recovered = None if position is None else missed is not None
        at = position.offset if position is not None and missed is not None else log.top
        self.tell_position(connection, log.epoch, offset_text(at), recovered, len(missed or ()))
        for entry in missed or ():
            if position is not None and position.socket not in entry.without:
                connection.send(entry.outgoing)

    def tell_position(
        self, connection: Connection, epoch: str, offset: str, recovered: bool | None, missed: int
    ) -> None:
        """Send the event ``recovered`` to a client."""
        data = {
            "recovered": recovered,
            "epoch": epoch,
            "offset": offset,
            "socket": connection.id,
            "missed": missed,
        }
        connection.send(Outgoing("recovered", encode("recovered", data)))

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
        """
        if node not in (None, self.node.id):
            return Answers({}, [node])
        return Answers({self.node.id: await self.answering[topic](data)}, [])

    @abc.abstractmethod
    def tell(self, topic: str, data: Mapping[str, Any]) -> None:
        """Tell all other nodes something, see `hearing`; from any thread, with or without a server.

        It does not wait. Who cannot be reached does not hear it; that is logged.
        """

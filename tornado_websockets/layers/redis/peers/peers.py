"""The other nodes: who they are, what they say, and who is there through them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tornado_websockets.layers.base import Layer
from tornado_websockets.layers.connection import Member, PresenceChange
from tornado_websockets.layers.nodes import Answers, NodeState
from tornado_websockets.layers.redis.peers.exchange import Line
from tornado_websockets.layers.redis.peers.mail import Mail
from tornado_websockets.layers.redis.peers.nodes import Nodes
from tornado_websockets.layers.redis.peers.presence import Presence
from tornado_websockets.layers.redis.peers.roll import Roll

__all__ = ["Peers"]


class Peers:
    """What a node knows of the others from its start to its stop, on the event loop.

    Args:
        layer: the layer, whose node is this one.
        lines: the Redis servers; the first one carries all but presence.
        line_of: returns the one that a path belongs to.
    """

    def __init__(self, layer: Layer, lines: Sequence[Line], line_of: Callable[[str], Line]) -> None:
        self._layer = layer
        self._line_of = line_of
        self._roll = Roll(time.monotonic)
        self._nodes = Nodes(layer, lines[0], self._roll, beaten=self._beaten, dropped=self._drop)
        self._mail = Mail(
            layer, lines[0], self._roll, ready=self._nodes.look, left=self._nodes.leave
        )
        self._presences = {id(line): self._presence(line) for line in lines}

    def start(self) -> None:
        """Begin; what cannot be reached now is reached later."""
        self._layer.audience.announce = self._announce
        for presence in self._presences.values():
            presence.start()
        self._mail.start()
        self._nodes.start()

    async def stop(self) -> None:
        """Say good-bye, and end; every client has gone."""
        self._layer.audience.announce = self._layer.audience.tell
        for presence in self._presences.values():
            await presence.stop()
        await self._nodes.stop()
        await self._mail.stop()

    def served_changed(self) -> None:
        """Look at the paths that are served again."""
        for presence in self._presences.values():
            presence.served_changed()

    def presence(self, path: str, room: str) -> list[Member]:
        """Return who is in a room; see `Layer.presence`."""
        return self._presences[id(self._line_of(path))].members(path, room)

    def nodes(self) -> list[NodeState]:
        """Return the nodes; see `Layer.nodes`."""
        return [NodeState(self._layer.node, 0.0, False), *self._roll.states]

    async def reports(self) -> Mapping[str, Mapping[str, Any]]:
        """Return their reports; see `Layer.reports`."""
        return await self._nodes.reports()

    async def ask(
        self, topic: str, data: Mapping[str, Any], *, node: str | None, timeout_s: float
    ) -> Answers:
        """Ask them; see `Layer.ask`."""
        return await self._mail.ask(topic, data, node=node, timeout_s=timeout_s)

    def tell(self, message: bytes) -> None:
        """Tell them what `mail.telling` has returned."""
        self._mail.tell(message)

    # Private.

    def _presence(self, line: Line) -> Presence:
        audience = self._layer.audience
        return Presence(
            self._layer.node.id,
            audience,
            line,
            roll=self._roll,
            look=self._nodes.look,
            paths=lambda: [path for path in audience.served if self._line_of(path) is line],
        )

    def _announce(self, change: PresenceChange) -> None:
        self._presences[id(self._line_of(change.path))].announce(change)

    def _beaten(self) -> None:
        for presence in self._presences.values():
            presence.beaten()

    def _drop(self, node: str) -> None:
        for presence in self._presences.values():
            presence.drop(node)

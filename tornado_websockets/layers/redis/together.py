"""The half of the layer that knows the other nodes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tornado_websockets.layers.base import Layer
from tornado_websockets.layers.connection import Member
from tornado_websockets.layers.nodes import Answers, Node, NodeState
from tornado_websockets.layers.redis.link import FAILURES
from tornado_websockets.layers.redis.peers import Peers
from tornado_websockets.layers.redis.peers.mail import CHANNEL, telling
from tornado_websockets.layers.redis.shard import Shard
from tornado_websockets.layerspec import without_password
from tornado_websockets.runtime import runtime

__all__ = ["Together"]

logger = logging.getLogger("tornado_websockets")


class Together(Layer):
    """Knows the other nodes while a server runs, and tells them something without one too.

    Attributes:
        shards: the Redis servers; the first one carries what is said between nodes.
        shard_of: returns the one that a path belongs to.
    """

    shards: Sequence[Shard]
    shard_of: Callable[[str], Shard]
    _peers: Peers | None = None
    _is_mute = False

    async def start(self) -> None:
        await super().start()
        # Each start is another node: the others have seen the one before leave.
        self.node = Node.here()
        self._peers = Peers(self, self.shards, self.shard_of)
        self._peers.start()

    async def stop(self) -> None:
        peers, self._peers = self._peers, None
        if peers is not None:
            await peers.stop()
        await super().stop()

    def served_changed(self) -> None:
        super().served_changed()
        if self._peers is not None:
            self._peers.served_changed()

    def presence(self, path: str, room: str) -> list[Member]:
        if self._peers is None:
            return super().presence(path, room)
        return self._peers.presence(path, room)

    def nodes(self) -> list[NodeState]:
        return super().nodes() if self._peers is None else self._peers.nodes()

    async def reports(self) -> Mapping[str, Mapping[str, Any]]:
        return await (super().reports() if self._peers is None else self._peers.reports())

    async def ask(
        self,
        topic: str,
        data: Mapping[str, Any],
        *,
        node: str | None = None,
        timeout_s: float = 2.0,
    ) -> Answers:
        if self._peers is None:
            return await super().ask(topic, data, node=node, timeout_s=timeout_s)
        return await self._peers.ask(topic, data, node=node, timeout_s=timeout_s)

    def tell(self, topic: str, data: Mapping[str, Any]) -> None:
        message = telling(self.node.id, topic, data)
        if runtime.is_running:
            runtime.call(self._tell, message)
            return
        shard = self.shards[0]
        try:
            shard.blocking.tell(shard.channel(CHANNEL), message)
        except FAILURES as error:
            if not self._is_mute:
                reason = without_password(str(error))
                logger.error("other processes are not told of %r: %s", topic, reason)
            self._is_mute = True
        else:
            self._is_mute = False

    def _tell(self, message: bytes) -> None:
        if self._peers is not None:  # else the server begins, or ends
            self._peers.tell(message)

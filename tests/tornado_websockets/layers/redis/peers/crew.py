"""Several nodes in one process: a layer each, with clients of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from tests.tornado_websockets.layers.clients import Client, until
from tornado_websockets.layers import Audience, Member, PresenceChange
from tornado_websockets.layers.redis import RedisLayer
from tornado_websockets.layers.redis.peers import nodes, roll
from tornado_websockets.runtime import runtime

__all__ = ["Crew", "Mate", "crew"]


class Mate:
    """One node.

    Attributes:
        audience: its clients.
        layer: its layer.
        changes: the changes of presence that it has told.
        is_gone: whether it has ended.
    """

    def __init__(self, urls: tuple[str, ...], paths: tuple[str, ...]) -> None:
        self.is_gone = False
        self.audience = Audience()
        self.changes: list[PresenceChange] = []
        self.audience.presence_changed = self.changes.append
        for path in paths:
            self.audience.serve(path, None)
        self.layer = RedisLayer(self.audience, urls)

    @property
    def id(self) -> str:
        return self.layer.node.id

    @property
    def told(self) -> list[tuple[str, str, bool]]:
        """The changes that it has told: room, name, whether it came."""
        return [(each.room, each.member.name, each.is_there) for each in self.changes]

    def enter(self, path: str, room: str, member: Member) -> Client:
        """Return a client who has joined a path, and is a member of a room."""
        client = Client()
        self.audience.join(path, client)
        assert self.audience.enter(path, room, client, member)
        return client

    def names(self, path: str, room: str) -> list[str]:
        """Return who is in a room, by name."""
        return [member.name for member in self.layer.presence(path, room)]

    def knows(self, *others: Mate) -> bool:
        """Return whether it knows just these nodes, as live ones."""
        states = self.layer.nodes()[1:]
        return {each.node.id for each in states if not each.is_stale} == {
            each.id for each in others
        }


class Crew:
    """Nodes that come and go."""

    def __init__(self, stack: AsyncExitStack, urls: tuple[str, ...]) -> None:
        self._stack = stack
        self._urls = urls

    async def join(self, *paths: str) -> Mate:
        """Start one more node, that serves some paths."""
        mate = Mate(self._urls, paths or ("/x", "/y"))
        await mate.layer.start()
        self._stack.push_async_callback(self.leave, mate)
        return mate

    async def meet(self, count: int, *paths: str) -> list[Mate]:
        """Start some, and wait until they know each other."""
        mates = [await self.join(*paths) for _ in range(count)]
        for mate in mates:
            others = [each for each in mates if each is not mate]
            await until(lambda mate=mate, others=others: mate.knows(*others))  # type: ignore[misc]
        return mates

    async def leave(self, mate: Mate) -> None:
        """Stop one, as a server does that ends."""
        if not mate.is_gone:
            mate.is_gone = True
            await mate.layer.stop()

    async def die(self, mate: Mate) -> None:
        """End one as if its process had been killed: it says nothing any more."""
        mate.is_gone = True
        peers = vars(vars(mate.layer)["_peers"])
        beats = vars(peers["_nodes"])
        beats["_is_over"] = True
        beats["_wake"].set()
        for shard in mate.layer.shards:
            vars(shard.subscriber)["_up"].clear()  # so that nothing more is sent
        # What is under way would open a connection that nobody closes.
        speakers = [peers["_mail"], *peers["_presences"].values()]
        tasks = [beats["_task"], *(vars(vars(each)["_exchange"])["_sending"] for each in speakers)]
        await asyncio.wait([task for task in tasks if task is not None])
        for shard in mate.layer.shards:
            await shard.stop()


@asynccontextmanager
async def crew(
    *urls: str, gone_s: float = 10.0, stale_s: float | None = None
) -> AsyncIterator[Crew]:
    """Let nodes share some Redis servers; they beat ten times as often as others.

    Args:
        urls: of the servers.
        gone_s: seconds after which a silent node is taken for gone.
        stale_s: seconds after which it is stale; None is a third of that.
    """
    with pytest.MonkeyPatch.context() as patch:
        for module in (nodes, roll):
            patch.setattr(module, "PERIOD_S", 0.1)
        patch.setattr(roll, "STALE_S", gone_s / 3 if stale_s is None else stale_s)
        patch.setattr(roll, "GONE_S", gone_s)
        runtime.start(threads=1)
        try:
            async with AsyncExitStack() as stack:
                yield Crew(stack, urls)
        finally:
            await runtime.stop(timeout_s=5)

"""Connections for commands that are answered at once, to whoever is the primary now."""

from __future__ import annotations

import asyncio
from typing import Final

from redis.asyncio import Redis

from tornado_websockets.layers.redis.address import Address
from tornado_websockets.layers.redis.link import make_client

__all__ = ["LEAVE_S", "Pool"]

LEAVE_S: Final = 2.0
"""Seconds that commands have to be answered whose connections are to be closed."""


class Pool:
    """Keeps a client of redis-py, which keeps connections.

    Args:
        address: the server.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._client: Redis | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def client(self) -> Redis:
        """A client that answers in bytes, within a second, and tries nothing again."""
        if self._client is None:
            self._client = make_client(self._address)
        return self._client

    def renew(self) -> None:
        """Use none of the connections again, also none of those that are in use now.

        A replica answers whoever reads, with what was true when it was the primary.
        """
        if self._client is not None:
            client, self._client = self._client, None
            task = asyncio.get_running_loop().create_task(_leave(client))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        """Close all connections."""
        for task in self._leaving:
            task.cancel()
        if self._leaving:
            await asyncio.wait(self._leaving)
        if self._client is not None:
            await self._client.aclose()
            self._client = None


async def _leave(client: Redis) -> None:
    try:
        await client.connection_pool.disconnect(inuse_connections=False)
        await asyncio.sleep(LEAVE_S)
    finally:
        await client.aclose()

"""Connections for commands that are answered at once, to whoever is the primary now.

A replica answers whoever reads, with what was true when it was the primary: a connection that leads
there is never to be used again.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from redis.asyncio import Redis

from tornado_websockets.layers.redis.address import Address
from tornado_websockets.layers.redis.link import FAILURES, make_client

__all__ = ["LEAVE_S", "Pool"]

LEAVE_S: Final = 4.0
"""Seconds that commands have whose connections are to be closed; each is answered within one, but
`run_script` may need three."""


class Pool:
    """Keeps a client of redis-py, which keeps connections.

    Args:
        address: the server.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._client: Redis | None = None
        self._leaving: dict[asyncio.Task[None], Redis] = {}

    @property
    def client(self) -> Redis:
        """A client that answers in bytes, within a second, and tries nothing again."""
        if self._client is None:
            self._client = make_client(self._address)
        return self._client

    def renew(self) -> None:
        """Use none of the connections again, also none of those that are in use now."""
        if self._client is not None:
            client, self._client = self._client, None
            task = asyncio.get_running_loop().create_task(_leave(client))
            self._leaving[task] = client
            task.add_done_callback(self._leaving.pop)

    async def close(self) -> None:
        """Close all connections."""
        leaving = dict(self._leaving)
        for task in leaving:
            task.cancel()
        if leaving:
            await asyncio.wait(leaving)
        for client in leaving.values():
            await _close(client)
        if self._client is not None:
            await _close(self._client)
            self._client = None


async def _leave(client: Redis) -> None:
    with contextlib.suppress(*FAILURES):
        await client.connection_pool.disconnect(inuse_connections=False)
    await asyncio.sleep(LEAVE_S)
    await _close(client)


async def _close(client: Redis) -> None:
    with contextlib.suppress(*FAILURES):
        await client.aclose()

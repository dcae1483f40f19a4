"""One connection to a Redis server, on the event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from redis.asyncio import Connection, ConnectionPool, Redis, SSLConnection
from redis.asyncio.connection import UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError

from tornado_websockets.layers.redis.address import Address
from tornado_websockets.layers.redis.script import Script

__all__ = ["FAILURES", "TIMEOUT_S", "Command", "Link", "make_client", "run_script"]

Command: TypeAlias = Sequence[str | bytes | int]

FAILURES: Final = (OSError, RedisError)
"""What is raised when a server does not answer, or refuses; TimeoutError is an OSError."""

KINDS: Final[Mapping[str, Any]] = {
    "redis": Connection,
    "rediss": SSLConnection,
    "unix": UnixDomainSocketConnection,
}

TIMEOUT_S: Final = 1.0
"""Seconds that a server has to answer."""


class Link:
    """Sends commands one batch after the other, and reads what comes; opened when it is needed.

    Nothing is tried again here: whoever uses it knows what may happen twice.

    Args:
        address: the server.
    """

    def __init__(self, address: Address) -> None:
        # What is read may come at any time, so each use has a timeout of its own.
        plain = {"socket_timeout": None, "socket_connect_timeout": None, "protocol": 2}
        self._connection = KINDS[address.scheme](**{**address.arguments, **plain})

    async def request(
        self, commands: Iterable[Command], *, timeout_s: float = TIMEOUT_S
    ) -> list[Any]:
        """Send commands together, and return the answers, errors among them.

        Raises:
            FAILURES: there is no answer; the connection is closed.
        """
        packed = list(commands)
        try:
            async with asyncio.timeout(timeout_s):
                if not self._connection.is_connected:
                    await self._connection.connect()
                await self._connection.send_packed_command(
                    self._connection.pack_commands(packed), check_health=False
                )
                return [await self._answer() for _ in packed]
        except BaseException:
            await self.close()
            raise

    async def open(self, *, timeout_s: float = TIMEOUT_S) -> None:
        """Connect, when it is not.

        Raises:
            FAILURES: it cannot.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._connection.connect()
        except BaseException:
            await self.close()
            raise

    async def send(self, *command: str | bytes, timeout_s: float = TIMEOUT_S) -> None:
        """Send a command, whose answer `read` returns.

        Raises:
            FAILURES: it cannot be sent.
        """
        async with asyncio.timeout(timeout_s):
            await self._connection.send_packed_command(
                self._connection.pack_command(*command), check_health=False
            )

    async def read(self) -> Any:
        """Return what comes next, however long that takes.

        Raises:
            FAILURES: it is an error, or the connection has ended.
        """
        return await self._connection.read_response()

    async def close(self) -> None:
        """Close the connection, when it is open."""
        with contextlib.suppress(*FAILURES):
            await self._connection.disconnect(nowait=True)

    async def _answer(self) -> Any:
        try:
            return await self._connection.read_response()
        except ResponseError as error:
            return error


def make_client(address: Address) -> Redis:
    """Return a client of redis-py, that tries nothing again and answers in bytes."""
    given = {"socket_timeout": TIMEOUT_S, "socket_connect_timeout": TIMEOUT_S}
    pool = ConnectionPool(
        connection_class=KINDS[address.scheme],
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        **{**given, **address.arguments},
    )
    return Redis.from_pool(pool)


async def run_script(
    client: Redis, script: Script, keys: Sequence[str], arguments: Sequence[str | bytes | int]
) -> Any:
    """Run a script, which a server that has restarted does not know.

    Raises:
        FAILURES: it cannot.
    """
    try:
        return await client.evalsha(script.sha, len(keys), *keys, *arguments)
    except NoScriptError:
        await client.script_load(script.text)
        return await client.evalsha(script.sha, len(keys), *keys, *arguments)

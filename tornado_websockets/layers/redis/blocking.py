"""Publishing from a process that runs no server: it waits until Redis has the event."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError
from redis.retry import Retry

from tornado_websockets.exceptions import LayerUnavailableError
from tornado_websockets.history import History
from tornado_websockets.layers.event import Event
from tornado_websockets.layers.redis.address import Address
from tornado_websockets.layers.redis.command import send_command
from tornado_websockets.layers.redis.health import is_demoted
from tornado_websockets.layers.redis.link import FAILURES
from tornado_websockets.layers.redis.parcel import pack
from tornado_websockets.layers.redis.script import SEND
from tornado_websockets.layerspec import without_password

__all__ = ["BlockingPublisher"]

TIMEOUT_S: Final = 2.0
"""Seconds to connect, and seconds to answer."""

KNOWN_S: Final = 60
"""Seconds for which Redis knows an event that may be sent twice."""

KINDS: Final[Mapping[str, Any]] = {
    "redis": redis.Connection,
    "rediss": redis.SSLConnection,
    "unix": redis.UnixDomainSocketConnection,
}


class BlockingPublisher:
    """Sends events one by one, from any thread.

    Args:
        address: the server.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._client: redis.Redis | None = None

    @property
    def client(self) -> redis.Redis:
        """A client of redis-py with short timeouts, that tries nothing again."""
        with self._lock:
            if self._client is None:
                given = {"socket_timeout": TIMEOUT_S, "socket_connect_timeout": TIMEOUT_S}
                pool = redis.ConnectionPool(
                    connection_class=KINDS[self._address.scheme],
                    retry=Retry(NoBackoff(), 0),
                    protocol=2,
                    **{**given, **self._address.arguments},
                )
                self._client = redis.Redis.from_pool(pool)
            return self._client

    def publish(self, path: str, history: History | None, event: Event) -> None:
        """Send an event, and return when Redis has it.

        Raises:
            LayerUnavailableError: Redis cannot be reached, or refuses.
        """
        # A number of its own for each event, since those of several threads may cross.
        command = send_command(
            self._address,
            path,
            history,
            [pack(event)],
            origin=secrets.token_hex(8),
            number=1,
            epoch=secrets.token_hex(8),
            known_s=KNOWN_S,
        )
        try:
            self._do(lambda: self._send(command))
        except FAILURES as error:
            reason = without_password(str(error))
            raise LayerUnavailableError(path, f"{self._address.name}: {reason}") from error

    def tell(self, channel: str, message: bytes) -> None:
        """Send a message to whoever listens to a channel now; maybe twice.

        Raises:
            FAILURES: Redis cannot be reached, or refuses.
        """

        def send() -> None:
            with self.client.pipeline(transaction=False) as pipe:
                pipe.publish(channel, message)
                # A replica takes the message, and those who listen to the primary do not hear it.
                # To write is what it refuses.
                pipe.delete(self._address.key("nobody"))
                pipe.execute()

        self._do(send)

    def close(self) -> None:
        """Close the connections that are kept."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _do(self, what: Callable[[], None]) -> None:
        """Do something, and once more on another connection when it fails for its own."""
        try:
            what()
        except RedisError as error:
            if not (isinstance(error, RedisConnectionError) or is_demoted(error)):
                raise
            # One that was kept, and that Redis has closed meanwhile, or that leads to a server
            # which another one has taken over from.
            self.client.connection_pool.disconnect(inuse_connections=False)
            what()

    def _send(self, command: list[Any]) -> None:
        client = self.client
        try:
            client.evalsha(*command[1:])
        except NoScriptError:
            client.script_load(SEND.text)
            client.evalsha(*command[1:])

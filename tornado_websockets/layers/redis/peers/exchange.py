"""Messages between nodes, to all of them or to one, through one Redis server."""

from __future__ import annotations

import asyncio
import collections
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, TypeAlias

from redis.asyncio import Redis

from tornado_websockets.encoding import encode
from tornado_websockets.exceptions import InvalidMessageError
from tornado_websockets.layers.redis.health import Health
from tornado_websockets.layers.redis.link import FAILURES
from tornado_websockets.message import decode

__all__ = ["Exchange", "Line", "Take", "letter"]

logger = logging.getLogger("tornado_websockets")

Take: TypeAlias = Callable[[str, Mapping[str, Any]], None]
"""Takes a message: the id of the node that has sent it, and its data. ValueError refuses it."""

MAX_BYTES: Final = 4 * 1024 * 1024
"""Size of a message, at most."""

MAX_WAITING: Final = 10_000
"""Messages that wait to be sent, at most."""

BATCH: Final = 100
"""Messages that are sent together, at most."""


class Line(Protocol):
    """One Redis server, as messages between nodes need it."""

    @property
    def client(self) -> Redis:
        """A client for commands, with timeouts, that tries nothing again."""

    @property
    def is_up(self) -> bool:
        """Whether every channel is heard now."""

    @property
    def health(self) -> Health:
        """Is told whether it can be used."""

    def key(self, *parts: str) -> str:
        """Return the name of a key."""

    def channel(self, *parts: str) -> str:
        """Return the name of a channel."""

    def listen(
        self,
        channel: str,
        handle: Callable[[bytes], None],
        ready: Callable[[], None] | None = None,
    ) -> None:
        """Hear a channel from soon on; `ready` is called whenever that begins, again too."""

    def unlisten(self, channel: str) -> None:
        """Hear it no longer."""


class Exchange:
    """Sends and takes messages, on the event loop.

    They arrive in the order of their sending, or not at all; the sender learns whether Redis has
    them, and a receiver that was away is told so by `ready`.

    Args:
        line: the Redis server.
        name: of the channels.
        id: this node's.
        takes: what takes each kind of message.
        ready: called whenever messages are heard again, from the first time on.

    Attributes:
        refused: messages that were none.
    """

    def __init__(
        self,
        line: Line,
        name: str,
        id: str,
        takes: Mapping[str, Take],
        ready: Callable[[], None] | None = None,
    ) -> None:
        self.refused = 0
        self._line = line
        self._id = id
        self._takes = takes
        self._ready = ready
        self._name = name
        self._waiting: collections.deque[tuple[str, bytes, asyncio.Future[bool]]]
        self._waiting = collections.deque()
        self._sending: asyncio.Task[None] | None = None
        self._is_over = False

    def start(self) -> None:
        """Listen from now on."""
        self._is_over = False
        # The own channel comes first: who is ready gets answers.
        self._line.listen(self._channel(self._id), self._receive)
        self._line.listen(self._channel(""), self._receive, self._ready)

    async def stop(self, timeout_s: float = 1.0) -> None:
        """Send what waits, and listen no longer."""
        if self._sending is not None:
            await asyncio.wait([self._sending], timeout=timeout_s)
            self._sending.cancel()
        self._is_over = True  # what would still be sent had nobody who closes its connection
        while self._waiting:
            self._waiting.popleft()[2].set_result(False)
        self._line.unlisten(self._channel(""))
        self._line.unlisten(self._channel(self._id))

    def send(self, message: bytes, to: str = "") -> asyncio.Future[bool]:
        """Send a message to all other nodes, or to one; returns whether Redis has it."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if self._is_over or not self._line.is_up or len(self._waiting) >= MAX_WAITING:
            future.set_result(False)
            return future
        self._waiting.append((self._channel(to), message, future))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())
        return future

    # Private.

    def _channel(self, to: str) -> str:
        return self._line.channel(self._name, to) if to else self._line.channel(self._name)

    async def _send(self) -> None:
        while self._waiting:
            count = min(BATCH, len(self._waiting))
            batch = [self._waiting.popleft() for _ in range(count)]
            is_sent = False
            try:
                await self._publish([(channel, message) for channel, message, _ in batch])
                is_sent = True
            except FAILURES:
                # What is wrong is logged by those who go on asking; see `Nodes`.
                pass
            finally:
                for _channel, _message, future in batch:
                    if not future.done():
                        future.set_result(is_sent)

    async def _publish(self, messages: list[tuple[str, bytes]]) -> None:
        # Never a second time: what was perhaps lost is asked for again by those who need it.
        async with self._line.client.pipeline(transaction=False) as pipe:
            for channel, message in messages:
                pipe.publish(channel, message)
            await pipe.execute()

    def _receive(self, message: bytes) -> None:
        try:
            kind, sender, data = _unpack(message)
            if sender == self._id:
                return
            take = self._takes.get(kind)
            if take is not None:  # else it is of a newer version
                take(sender, data)
        except (InvalidMessageError, ValueError) as error:
            if not self.refused:
                logger.warning("a message on %s was refused: %s", self._channel(""), error)
            self.refused += 1


def letter(kind: str, sender: str, data: Mapping[str, Any], max_bytes: int = MAX_BYTES) -> bytes:
    """Return a message as it travels.

    Raises:
        EncodeError: a value in data cannot be encoded; names its key path.
        ValueError: it is too large.
    """
    message = encode(kind, {"from": sender, "data": data})
    if len(message) > max_bytes:
        raise ValueError(f"what is sent between nodes has {len(message)} bytes, over {max_bytes}")
    return message


def _unpack(message: bytes) -> tuple[str, str, Mapping[str, Any]]:
    """Return kind, sender and data of what came.

    Raises:
        InvalidMessageError, ValueError: it is no message.
    """
    if len(message) > MAX_BYTES:
        raise ValueError(f"it has {len(message)} bytes, more than {MAX_BYTES}")
    kind, envelope = decode(message)
    sender, data = envelope.get("from"), envelope.get("data")
    if not isinstance(sender, str) or not isinstance(data, dict):
        raise ValueError("it does not say who has sent what")
    return kind, sender, data

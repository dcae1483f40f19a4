"""One Redis server, and what this process has to do with it."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Set
from typing import TYPE_CHECKING, Final

from redis.asyncio import Redis

from tornado_websockets.history import History
from tornado_websockets.layers.redis.address import Address
from tornado_websockets.layers.redis.blocking import BlockingPublisher
from tornado_websockets.layers.redis.command import events_channel
from tornado_websockets.layers.redis.echo import PATIENCE_S
from tornado_websockets.layers.redis.follower import Follower
from tornado_websockets.layers.redis.health import Health
from tornado_websockets.layers.redis.lane import Letter
from tornado_websockets.layers.redis.parcel import BadParcelError, Parcel, live_line, unpack
from tornado_websockets.layers.redis.pool import Pool
from tornado_websockets.layers.redis.publisher import Publisher
from tornado_websockets.layers.redis.subscriber import Subscriber
from tornado_websockets.outgoing import Outgoing

if TYPE_CHECKING:
    from tornado_websockets.layers.base import Layer

__all__ = ["Shard"]

logger = logging.getLogger("tornado_websockets")

READERS: Final = 8
"""Paths that are read at the same time; each takes a connection."""

ANEW_S: Final = 2.0
"""Seconds between two tries to find who has taken over from a server."""


class Shard:
    """Sends and receives the events of some paths; on the event loop, between `start` and `stop`.

    Args:
        address: the server.
        layer: has the logs, and the audience.

    Attributes:
        address: the server.
        origin: names this process to others.
        health: whether the server can be used.
        publisher: what is sent.
        subscriber: what is heard.
        blocking: sends without a server, from any thread.
        reading: lets so many read at the same time, however many paths there are.
        refused: messages that were none.
    """

    def __init__(self, address: Address, layer: Layer) -> None:
        self.address = address
        self.origin = layer.node.id
        self.health = Health(address.name)
        self.subscriber = Subscriber(address, self.health)
        self.publisher = Publisher(address, self.origin, self.health)
        # Who has got through knows that the other one will.
        self.subscriber.came_up.append(self.publisher.pause.end)
        self.publisher.worked.append(self.subscriber.pause.end)
        self.health.demoted.append(self._connect_anew)
        self.blocking = BlockingPublisher(address)
        self.reading = asyncio.Semaphore(READERS)
        self.refused = 0
        self._own_line = live_line(self.origin)
        self._layer = layer
        self._pool = Pool(address)
        self._renewal: asyncio.TimerHandle | None = None
        self._renewed_s = -math.inf
        self._ending: set[asyncio.Task[None]] = set()
        self._paths: dict[str, Follower | None] = {}

    @property
    def client(self) -> Redis:
        """A client of redis-py, see `Pool`; not to be kept."""
        return self._pool.client

    @property
    def is_up(self) -> bool:
        """Whether every channel is heard now."""
        return self.subscriber.is_up

    def key(self, *parts: str) -> str:
        """Return the name of a key."""
        return self.address.key(*parts)

    def channel(self, *parts: str) -> str:
        """Return the name of a channel."""
        return self.address.channel(*parts)

    def listen(
        self,
        channel: str,
        handle: Callable[[bytes], None],
        ready: Callable[[], None] | None = None,
    ) -> None:
        """Hear a further channel, see `Subscriber.listen`."""
        self.subscriber.listen(channel, handle, ready)

    def unlisten(self, channel: str) -> None:
        """Hear a channel no longer."""
        self.subscriber.unlisten(channel)

    @property
    def paths(self) -> Set[str]:
        """The paths that are heard."""
        return self._paths.keys()

    def fill(self) -> list[asyncio.Task[None]]:
        """Read what is missing of each path with a history."""
        return [each.fill() for each in self._paths.values() if each is not None]

    def follower(self, path: str) -> Follower | None:
        """Return what keeps the log of a path complete, None for one without a history."""
        return self._paths.get(path)

    def put(self, path: str, history: History | None, letter: Letter) -> None:
        """Send a letter that was reserved, see `Publisher`."""
        follower = None if history is None else self._paths.get(path)
        if follower is not None:
            down_s = max(self.publisher.down_s, self.subscriber.down_s)
            follower.echo.add(letter, at_once=down_s > PATIENCE_S)
        self.publisher.put(path, history, letter)

    def start(self) -> None:
        """Begin to connect."""
        self.origin = self.publisher.origin = self._layer.node.id
        self._own_line = live_line(self.origin)
        self.reading = asyncio.Semaphore(READERS)  # of this event loop
        self.subscriber.start()
        self.publisher.start()

    async def stop(self) -> None:
        """Send what waits, and end."""
        await self.publisher.stop()
        await self.subscriber.stop()
        for path in list(self._paths):
            self.withdraw(path)
        if self._ending:
            await asyncio.wait(self._ending)
        self.blocking.close()
        if self._renewal is not None:
            self._renewal.cancel()
            self._renewal = None
        await self._pool.close()

    def serve(self, path: str) -> None:
        """Hear a path from soon on; once is enough, as long as it has a history or has none."""
        has_history = self._layer.audience.served[path] is not None
        if path in self._paths:
            if has_history == (self._paths[path] is not None):
                return
            self._stop_following(path)
        follower = Follower(path, self._layer, self) if has_history else None
        self._paths[path] = follower

        def take(data: bytes) -> None:
            self._take(path, data)

        def ready() -> None:
            if follower is not None:
                follower.fill()

        self.listen(events_channel(self.address, path), take, ready)

    def withdraw(self, path: str) -> None:
        """Hear a path no longer."""
        self._stop_following(path)
        del self._paths[path]
        self.unlisten(events_channel(self.address, path))

    def refuse(self, path: str, error: Exception) -> None:
        """Count a message that is none; the first one is logged."""
        self.refused += 1
        if self.refused == 1:
            logger.error(
                "%s has brought something for %s that no process of this project sends: %s (who"
                " else can write there? further ones are only counted)",
                self.address.name,
                path,
                error,
            )

    # Private.

    def _connect_anew(self) -> None:
        """Leave a server that is a replica: the address may lead to the primary by now."""
        if self._renewal is None:
            loop = asyncio.get_running_loop()
            self._renewal = loop.call_at(max(loop.time(), self._renewed_s + ANEW_S), self._renew)

    def _renew(self) -> None:
        # Also when all is well by now: some may be connected to the new one, some still to the old.
        self._renewal, self._renewed_s = None, asyncio.get_running_loop().time()
        self.subscriber.reconnect()
        self._pool.renew()

    def _await(self, ending: asyncio.Task[None]) -> None:
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    def _stop_following(self, path: str) -> None:
        follower = self._paths[path]
        ending = None if follower is None else follower.stop()
        if ending is not None:
            self._await(ending)

    def _take(self, path: str, data: bytes) -> None:
        if data.startswith(self._own_line):
            return  # who is here has got it at once
        try:
            parcel = unpack(data)
        except BadParcelError as error:
            self.refuse(path, error)
            return
        follower = self._paths.get(path)
        if parcel.epoch and follower is not None:
            follower.take(parcel)
        else:  # also of a process that keeps what this one does not, while a project is deployed
            self._take_live(path, parcel)

    def _take_live(self, path: str, parcel: Parcel) -> None:
        audience = self._layer.audience
        for name, payload, rooms, without in parcel.events:
            to = None if rooms is None else audience.inside(path, rooms)
            audience.deliver(path, Outgoing(name, payload), to, without)
            if rooms is None:
                audience.heard(path, name, payload)

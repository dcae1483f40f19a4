"""The layer that Redis carries."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import hashlib
import itertools
import logging
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured

from tornado_websockets.exceptions import LayerUnavailableError
from tornado_websockets.history import Position
from tornado_websockets.layers.audience import Audience
from tornado_websockets.layers.event import Event
from tornado_websockets.layers.log import Log, numbered
from tornado_websockets.layers.redis.address import Address
from tornado_websockets.layers.redis.lane import Letter
from tornado_websockets.layers.redis.shard import Shard
from tornado_websockets.layers.redis.together import Together
from tornado_websockets.layers.replay import Early
from tornado_websockets.outgoing import Outgoing
from tornado_websockets.runtime import runtime

__all__ = ["RedisLayer"]

logger = logging.getLogger("tornado_websockets")

START_S: Final = 5.0
"""Seconds that a server waits for Redis before it serves without."""

REACH_S: Final = 5.0
"""Seconds that a client who comes back waits for a server that is behind what it has got."""

OUTAGE_S: Final = 3.0
"""Seconds of an outage after which nobody waits for its end."""

ACKNOWLEDGE_S: Final = 10.0
"""Seconds that `RedisLayer.apublish` waits."""

TOUCH_S: Final = 3600.0
"""Seconds after which an idle path is read again, so that Redis does not forget it."""


class RedisLayer(Together):
    """Reaches the clients of every process that has the same Redis, or the same list of them.

    Args:
        audience: who is connected to this process.
        urls: of the servers; each path belongs to one of them.

    Raises:
        ImproperlyConfigured: one of the URLs is none.
    """

    def __init__(self, audience: Audience, urls: tuple[str, ...]) -> None:
        super().__init__(audience)
        try:
            addresses = [
                Address.parse(url, number, len(urls)) for number, url in enumerate(urls, 1)
            ]
            self.shards = [Shard(address, self) for address in addresses]
        except (TypeError, ValueError) as error:
            raise ImproperlyConfigured(f"TORNADO['layer'] cannot be used: {error}") from error
        self.shard_of = functools.lru_cache(maxsize=10_000)(self._shard_of)
        self._ids = itertools.count()
        self._touching: asyncio.Task[None] | None = None

    # The server's life.

    async def start(self) -> None:
        await super().start()
        self.served_changed()
        for shard in self.shards:
            shard.start()
        self._touching = asyncio.get_running_loop().create_task(self._touch())
        try:
            async with asyncio.timeout(START_S):
                await self._be_complete()
        except TimeoutError:
            logger.warning("the server begins without Redis: it serves its own clients alone")

    async def stop(self) -> None:
        try:
            await super().stop()  # while the others can be told
        finally:
            assert self._touching is not None
            self._touching.cancel()
            await asyncio.gather(*(shard.stop() for shard in self.shards))

    def served_changed(self) -> None:
        super().served_changed()
        served = self.audience.served
        for shard in self.shards:
            for path in shard.paths - served.keys():
                shard.withdraw(path)
        for path in list(served):
            self.shard_of(path).serve(path)

    @property
    def trouble(self) -> str:
        return ", ".join(filter(None, (shard.health.trouble for shard in self.shards)))

    # Events.

    def publish(self, path: str, event: Event) -> None:
        if runtime.is_running:
            self._hand_over(path, event)
        else:
            self.shard_of(path).blocking.publish(path, self._history(path, event.rooms), event)

    async def apublish(self, path: str, event: Event) -> None:
        if not runtime.is_running:
            await asyncio.to_thread(self.publish, path, event)
            return
        # The event loop here may be one of a thread of the server.
        acknowledged: concurrent.futures.Future[str | None] = concurrent.futures.Future()

        def settle(reason: str | None) -> None:
            if not acknowledged.done():
                acknowledged.set_result(reason)

        self._hand_over(path, event, settle)
        try:
            async with asyncio.timeout(ACKNOWLEDGE_S):
                reason = await asyncio.wrap_future(acknowledged)
        except TimeoutError:
            reason = self.shard_of(path).health.reason or "it takes too long"
        if reason is not None:
            raise LayerUnavailableError(path, reason)

    def _hand_over(
        self, path: str, event: Event, acknowledge: Callable[[str | None], None] | None = None
    ) -> None:
        """Deliver an event here, unless that is for Redis to do, and let it be sent."""
        history, id = self._history(path, event.rooms), ""
        if history is not None:
            # Under its id, clients know an event again that comes to them twice.
            id = f"{self.node.id[:8]}{next(self._ids):x}"
            event = event._replace(payload=numbered(event.payload, None, id))
        # Before it is delivered here: what is refused, nobody gets.
        letter, shard = Letter(event, acknowledge, id=id), self.shard_of(path)
        if history is None:
            self.audience.send_event(path, event)
        try:
            shard.publisher.reserve(path, letter)
        except LayerUnavailableError:
            if history is not None:
                outgoing = Outgoing(event.name, event.payload)
                runtime.call(self.deliver, path, outgoing, event.without)
            raise
        runtime.call(shard.put, path, history, letter)

    def _history(self, path: str, rooms: Collection[str] | None) -> Any:
        return None if rooms is not None else self.audience.served.get(path)

    # History.

    def begin(self, path: str, log: Log) -> None:
        """Leave the log without an epoch, until Redis has told it."""

    def early(self, path: str) -> Sequence[Early]:
        follower = self.shard_of(path).follower(path)
        return () if follower is None else follower.echo.early

    async def reach(self, path: str, position: Position | None) -> None:
        log, shard = self.log(path), self.shard_of(path)
        follower = shard.follower(path)
        if log is None or follower is None:
            return
        ends_s = time.monotonic() + REACH_S
        # Twice: what is read already may have been asked for before the client's last event.
        for _ in range(2):
            is_known = log.epoch if position is None else log.covers(position)
            if is_known or shard.subscriber.down_s >= OUTAGE_S:
                return
            await asyncio.wait([follower.fill()], timeout=max(0.0, ends_s - time.monotonic()))

    # Private.

    def _shard_of(self, path: str) -> Shard:
        """Return the server that a path belongs to: when one is added, few paths move."""

        def weight(shard: tuple[int, Shard]) -> bytes:
            return hashlib.blake2b(f"{shard[0]} {path}".encode(), digest_size=8).digest()

        return max(enumerate(self.shards), key=weight)[1]

    async def _be_complete(self) -> None:
        """Wait until every channel is heard, and every log is filled."""
        await asyncio.gather(*(shard.subscriber.wait() for shard in self.shards))
        filling = [task for shard in self.shards for task in shard.fill()]
        if filling:
            await asyncio.wait(filling)

    async def _touch(self) -> None:
        while True:
            await asyncio.sleep(TOUCH_S)
            for shard in self.shards:
                shard.fill()

"""Listens to channels of a Redis server, whatever happens to the connection."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final, NamedTuple

from redis.exceptions import ResponseError

from tornado_websockets.layers.redis.address import Address
from tornado_websockets.layers.redis.health import Health
from tornado_websockets.layers.redis.link import Link
from tornado_websockets.layers.redis.pause import Pause

__all__ = ["Subscriber"]

logger = logging.getLogger("tornado_websockets")

PING_S: Final = 1.0
"""Seconds between the questions whether the server is there."""

UNANSWERED: Final = 3
"""Pings in a row that nothing follows: the connection is given up."""

TURN_S: Final = 0.05
"""Seconds after which others have a turn, however much there is to hear."""

CHUNK: Final = 500
"""Channels of one command."""

WHO: Final = "subscriber"


class _Channel(NamedTuple):
    handle: Callable[[bytes], None]
    ready: Callable[[], None] | None


class Subscriber:
    """Calls a function for each message of a channel, on the event loop.

    What is sent while the connection is away is lost, so each channel is told when it has begun,
    and begun again.

    Args:
        address: the server.
        health: is told whether the server can be used.

    Attributes:
        pause: the time after a failure.
        came_up: are called when that begins, after the channels were told.
        went_down: are called when that ends.
    """

    def __init__(self, address: Address, health: Health) -> None:
        self.pause = Pause()
        self.came_up: list[Callable[[], None]] = []
        self.went_down: list[Callable[[], None]] = []
        self._address = address
        self._health = health
        self._channels: dict[str, _Channel] = {}
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        self._down_since_s = time.monotonic()
        # What follows when Redis answers a ping that was sent behind something.
        self._awaited: dict[bytes, Callable[[], None]] = {}
        self._pings = self._unanswered = 0
        self._sending: set[asyncio.Task[None]] = set()

    @property
    def is_up(self) -> bool:
        """Whether every channel is heard now."""
        return self._up.is_set()

    @property
    def down_s(self) -> float:
        """Seconds since the channels were heard last."""
        return 0.0 if self.is_up else time.monotonic() - self._down_since_s

    async def wait(self) -> None:
        """Wait until every channel is heard."""
        await self._up.wait()

    def listen(
        self,
        channel: str,
        handle: Callable[[bytes], None],
        ready: Callable[[], None] | None = None,
    ) -> None:
        """Hear a channel from soon on.

        Args:
            channel: its name.
            handle: gets each message; what it raises is logged.
            ready: is called each time when the channel is heard from now on, also after an outage.
        """
        self._channels[channel] = _Channel(handle, ready)
        if self._link is not None:
            self._send(self._link, "SUBSCRIBE", [channel], lambda: self._tell_ready([channel]))

    def unlisten(self, channel: str) -> None:
        """Hear a channel no longer."""
        if self._channels.pop(channel, None) is not None and self._link is not None:
            self._send(self._link, "UNSUBSCRIBE", [channel], lambda: None)

    def reconnect(self) -> None:
        """Connect anew: the address may lead to another server by now."""
        if self._link is not None:
            self._keep(self._link.close())

    def start(self) -> None:
        """Begin to connect."""
        self._up = asyncio.Event()  # of this event loop
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End."""
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task, *self._sending])
        self._task = None

    # Private.

    async def _run(self) -> None:
        while True:
            try:
                await self._hear()
            except Exception as error:  # noqa: BLE001  whatever it is, it ends no earlier
                self._health.fail(WHO, error)
            finally:
                self._set_down()
            await self.pause.wait()

    async def _hear(self) -> None:
        """Read messages until the connection ends."""
        link = Link(self._address)
        pinging: asyncio.Task[None] | None = None
        try:
            await link.open()
            self._link = link
            self._awaited.clear()
            self._unanswered = 0
            self._send(link, "SUBSCRIBE", list(self._channels), self._set_up)
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(None) as silence:
                pinging = loop.create_task(self._ping(link, silence))
                turn_s = loop.time() + TURN_S
                while True:
                    try:
                        message = await link.read()  # which does not wait for what is there already
                    except ResponseError as error:
                        # It runs somebody's script: it is there, and keeps the subscriptions. What
                        # was sent meanwhile is not done, though, when anything waits for that.
                        if self._awaited or not str(error).startswith("BUSY"):
                            raise
                        message = b""
                    self._unanswered = 0
                    self._take(message)
                    if loop.time() > turn_s:
                        await asyncio.sleep(0)
                        turn_s = loop.time() + TURN_S
        except TimeoutError as error:
            silence_s = UNANSWERED * PING_S
            raise TimeoutError(str(error) or f"no answer for {silence_s:.0f} s") from error
        finally:
            self._link = None
            for task in (pinging, *self._sending):
                if task is not None:
                    task.cancel()
            await link.close()

    async def _ping(self, link: Link, silence: asyncio.Timeout) -> None:
        # Pings are counted and not seconds, which pass as well while this process is stopped.
        while self._unanswered < UNANSWERED:
            # An error here is one of `read` as well, which tells it.
            with contextlib.suppress(Exception):
                await link.send("PING", "")
            await asyncio.sleep(PING_S)
            self._unanswered += 1
        silence.reschedule(asyncio.get_running_loop().time())

    def _take(self, message: Any) -> None:
        if isinstance(message, list) and message[0] == b"message":
            channel = self._channels.get(message[1].decode("utf-8", "replace"))
            if channel is not None:
                try:
                    channel.handle(message[2])
                except Exception:
                    logger.exception("a message of Redis could not be handled")
            return
        # Outside of any channel, an answer is the text alone.
        text = message[1] if isinstance(message, list) else message
        done = self._awaited.pop(text, None)
        if done is not None:
            done()

    def _send(
        self, link: Link, command: str, channels: list[str], done: Callable[[], None]
    ) -> None:
        """Send a command, and call something when Redis has done it."""
        self._pings += 1
        token = str(self._pings)
        self._awaited[token.encode()] = done
        self._keep(self._write(link, command, channels, token))

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _write(self, link: Link, command: str, channels: list[str], token: str) -> None:
        # An error here is one of `read` as well, which tells it.
        with contextlib.suppress(Exception):
            for at in range(0, len(channels), CHUNK):
                await link.send(command, *channels[at : at + CHUNK])
            await link.send("PING", token)

    def _set_up(self) -> None:
        self.pause.reset()
        self._up.set()
        self._health.recover(WHO)
        self._tell_ready(list(self._channels))
        _call(self.came_up)

    def _set_down(self) -> None:
        if self.is_up:
            self._up.clear()
            self._down_since_s = time.monotonic()
            _call(self.went_down)

    def _tell_ready(self, names: Iterable[str]) -> None:
        channels = [self._channels.get(name) for name in names]
        _call([each.ready for each in channels if each is not None and each.ready is not None])


def _call(functions: Iterable[Callable[[], None]]) -> None:
    for function in list(functions):
        try:
            function()
        except Exception:
            logger.exception("%r failed", function)

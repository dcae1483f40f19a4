"""Sends what this process publishes to Redis: in order, in batches, again when it has to."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from redis.exceptions import NoScriptError, ResponseError

from tornado_websockets.exceptions import LayerUnavailableError
from tornado_websockets.history import History
from tornado_websockets.layers.redis.address import Address
from tornado_websockets.layers.redis.allowance import Allowance
from tornado_websockets.layers.redis.command import send_command
from tornado_websockets.layers.redis.health import Health
from tornado_websockets.layers.redis.lane import Lane, Letter
from tornado_websockets.layers.redis.link import Link
from tornado_websockets.layers.redis.pause import Pause
from tornado_websockets.layers.redis.script import SEND

__all__ = ["Publisher"]

logger = logging.getLogger("tornado_websockets")

TIMEOUT_S: Final = 3.0
"""Seconds that a server has to answer: what is late was often done, and is sent for nothing."""

STOP_S: Final = 2.0
"""Seconds in which what waits is still sent when the server ends."""

FLUSH_BYTES: Final = 1024 * 1024
"""Bytes that are sent together, unless they are a single batch."""

SLOWEST: Final = 4 * 1024 * 1024
"""Bytes of a second on the slowest network that is taken for one that works."""

OF_PATH: Final = "WRONGTYPE"
"""What a server says of the keys of one path, while it takes others."""

WHO: Final = "publisher"
STOPPED: Final = "the server has stopped"


class Publisher:
    """Keeps events until Redis has them; within bounds.

    Args:
        address: the server.
        origin: names this process to others.
        health: is told whether the server can be used.

    Attributes:
        origin: may be set before `start`.
        pause: the time after a failure.
        worked: are called when the server took something, after a failure.
    """

    def __init__(self, address: Address, origin: str, health: Health) -> None:
        self.origin = origin
        self.pause = Pause()
        self.worked: list[Callable[[], None]] = []
        self._address = address
        self._health = health
        self._link = Link(address)
        self._lanes: dict[tuple[str, bool], Lane] = {}
        self._number = 0
        self._is_over = self._is_closed = False
        self._down_since_s: float | None = None
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._allowance = Allowance(
            address.name, lambda: health.reason or "it takes less than is sent"
        )

    @property
    def down_s(self) -> float:
        """Seconds since the first of the failures after the last success."""
        return 0.0 if self._down_since_s is None else time.monotonic() - self._down_since_s

    def reserve(self, path: str, letter: Letter) -> None:
        """Count a letter that is going to be put; from any thread.

        Raises:
            LayerUnavailableError: there are too many, or the server has stopped.
        """
        if self._is_over:
            raise LayerUnavailableError(path, STOPPED)
        self._allowance.take(path, len(letter.packed))

    def put(self, path: str, history: History | None, letter: Letter) -> None:
        """Add a letter, on the event loop."""
        if self._is_closed:  # since it was reserved
            self._lose([letter])
            return
        lane = self._lanes.get((path, history is not None))
        if lane is None:
            lane = Lane(path, history)
            self._lanes[lane.key] = lane
        lane.add(letter)
        self._wake.set()

    def start(self) -> None:
        """Begin to send."""
        self._wake = asyncio.Event()  # of this event loop
        self._is_over = self._is_closed = False
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Send what waits, and end; what cannot be sent is lost, which is logged."""
        assert self._task is not None
        task, self._task = self._task, None
        self._is_over = True
        self._wake.set()
        _done, late = await asyncio.wait([task], timeout=STOP_S)
        if late:
            task.cancel()
            await asyncio.wait([task])
        await self._link.close()
        self._is_closed = True
        lost = [letter for lane in self._lanes.values() for letter in lane.waiting]
        for lane in self._lanes.values():
            self._allowance.admit(lane)
        self._lanes.clear()
        if lost:
            self._lose(lost)

    # Private.

    async def _run(self) -> None:
        while self._task is not None or self._lanes:
            self._wake.clear()
            try:
                lanes = self._ready()
                if lanes:
                    await self._flush(lanes)
                    self._note_success()
                else:
                    await self._rest()
            except Exception as error:  # noqa: BLE001  what waits is sent whatever happens
                if self._down_since_s is None:
                    self._down_since_s = time.monotonic()
                self._health.fail(WHO, error)
                # The address may lead to another server by now, which this one made room for.
                await self._link.close()
                await self.pause.wait()

    def _note_success(self) -> None:
        if self._down_since_s is not None:
            self._down_since_s = None
            self._health.recover(WHO)
            self.pause.reset()
            for function in self.worked:
                function()

    def _ready(self) -> list[Lane]:
        """Return what is to be sent next, those first that have waited longest."""
        now_s = asyncio.get_running_loop().time()
        found: list[Lane] = []
        size = 0
        for lane in self._lanes.values():
            if lane.rests_until_s <= now_s:
                size += lane.next_size
                if found and size > FLUSH_BYTES:
                    break
                found.append(lane)
        return found

    async def _rest(self) -> None:
        """Wait for something to be sent, or for the end of the rest of a path that was refused."""
        now_s = asyncio.get_running_loop().time()
        ends_s = min((lane.rests_until_s for lane in self._lanes.values()), default=math.inf)
        if ends_s < math.inf or self._task is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if ends_s == math.inf else ends_s - now_s):
                    await self._wake.wait()

    async def _flush(self, lanes: Sequence[Lane]) -> None:
        """Send one batch of each path."""
        commands = [self._command(lane) for lane in lanes]
        size = sum(lane.next_size for lane in lanes)
        timeout_s = TIMEOUT_S + size / SLOWEST
        answers = await self._link.request(commands, timeout_s=timeout_s)
        if any(isinstance(answer, NoScriptError) for answer in answers):
            # It has restarted. What it did of the batches it does not do again.
            [loaded, *answers] = await self._link.request(
                [("SCRIPT LOAD", SEND.text), *commands], timeout_s=timeout_s
            )
            answers = [loaded] if isinstance(loaded, ResponseError) else answers
        refusals = [answer for answer in answers if isinstance(answer, ResponseError)]
        errors = [each for each in refusals if OF_PATH not in str(each)]
        if errors and len(refusals) == len(answers):
            raise errors[0]
        for lane, answer in zip(lanes, answers, strict=True):
            if isinstance(answer, ResponseError):
                self._refuse(lane, answer)
            else:
                self._acknowledge(lane)

    def _refuse(self, lane: Lane, error: ResponseError) -> None:
        """Let a path wait that Redis does not take, while it takes others."""
        self._health.fail(f"{WHO} of {lane.path}", error)
        if OF_PATH in str(error):
            self._allowance.refuse(lane, str(error))
        lane.rests_until_s = asyncio.get_running_loop().time() + lane.backoff.next_s()

    def _command(self, lane: Lane) -> Any:
        self._number += 1
        batch = lane.next_batch(self._number)
        return send_command(
            self._address,
            lane.path,
            lane.history,
            [letter.packed for letter in batch.letters],
            origin=self.origin,
            number=batch.number,
            epoch=secrets.token_hex(8),
        )

    def _acknowledge(self, lane: Lane) -> None:
        assert lane.batch is not None
        letters, lane.batch = lane.batch.letters, None
        del self._lanes[lane.key]
        if lane.letters:
            self._lanes[lane.key] = lane  # behind the others
        lane.backoff.reset()
        self._allowance.admit(lane)
        self._health.recover(f"{WHO} of {lane.path}")
        self._settle(letters, None)

    def _lose(self, letters: Sequence[Letter]) -> None:
        logger.error("%d events were not sent: %s", len(letters), self._health.reason or STOPPED)
        self._settle(letters, STOPPED)

    def _settle(self, letters: Iterable[Letter], reason: str | None) -> None:
        events = size = 0
        for letter in letters:
            events += 1
            size += len(letter.packed)
            letter.is_acknowledged = reason is None
            if letter.acknowledge is not None:
                letter.acknowledge(reason)
        self._allowance.give_back(events, size)

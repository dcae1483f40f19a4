"""The beats and reports of nodes in Redis."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

from tornado_websockets.encoding import encode
from tornado_websockets.exceptions import InvalidMessageError
from tornado_websockets.layers.base import Layer
from tornado_websockets.layers.redis.link import FAILURES
from tornado_websockets.layers.redis.peers.exchange import Line
from tornado_websockets.layers.redis.peers.roll import GONE_S, PERIOD_S, Roll, beat
from tornado_websockets.limits.loggate import LogGate
from tornado_websockets.message import decode

__all__ = ["Nodes"]

logger = logging.getLogger("tornado_websockets")

MAX_REPORT: Final = 4 * 1024 * 1024
"""Size of a report in bytes, at most."""

WHO: Final = "nodes"

NOTHING: Final = encode("report")
"""The report of who has none."""


class Nodes:
    """Leaves this node's beat behind once a second, and reads those of the others.

    The beats are fields of one hash, by the id of the node: nobody looks for keys. Beside it each
    node has a key of its own with its report, which expires: who is in the hash and has none was
    gone before this node began.

    Args:
        layer: its node, and its report.
        line: the Redis server.
        roll: the other nodes.
        beaten: called after each beat that Redis has.
        dropped: told the id of a node that is gone.
    """

    def __init__(
        self,
        layer: Layer,
        line: Line,
        roll: Roll,
        *,
        beaten: Callable[[], None],
        dropped: Callable[[str], None],
    ) -> None:
        self._layer = layer
        self._line = line
        self._roll = roll
        self._beaten = beaten
        self._dropped = dropped
        self._number = 0
        self._read_at_s = -math.inf
        self._wake = asyncio.Event()
        self._is_over = False
        self._task: asyncio.Task[None] | None = None
        self._gate = LogGate(time.monotonic, period_s=60.0)

    def start(self) -> None:
        """Beat from now on."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Beat no more, and leave nothing behind."""
        # Not cancelled: redis-py may take that for a timeout of its own, and the beats go on.
        self._is_over = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait([self._task])
        if self._line.is_up:
            await self._try(self._forget([self._layer.node.id]))

    def look(self) -> None:
        """Beat and read the beats of the others at once; of many nodes not all read."""
        if self._roll.period_s <= PERIOD_S:
            self._read_at_s = -math.inf
        self._wake.set()

    def leave(self, id: str) -> None:
        """Note that a node has ended."""
        if self._roll.remove(id):
            self._dropped(id)

    async def reports(self) -> dict[str, Mapping[str, Any]]:
        """Return the last report of each node that is not stale; see `Layer.reports`."""
        found: dict[str, Mapping[str, Any]] = {}
        if self._layer.report is not None:
            found[self._layer.node.id] = self._layer.report()
        live = self._roll.live
        if live and self._line.is_up:
            await self._try(self._collect(live, found))
        return found

    # Private.

    async def _run(self) -> None:
        while not self._is_over:
            self._wake.clear()
            if not self._line.is_up:
                self._roll.miss()
            elif (error := await self._try(self._beat())) is None:
                self._line.health.recover(WHO)
            else:
                self._roll.miss()
                self._line.health.fail(WHO, error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PERIOD_S):
                    await self._wake.wait()

    async def _try(self, work: Coroutine[Any, Any, None]) -> Exception | None:
        """Return why some work could not be done: nothing ends for that."""
        try:
            await work
        except FAILURES as error:
            return error
        except Exception as error:
            if self._gate.count("error"):
                logger.exception("the list of nodes cannot be used")
            return error
        return None

    async def _beat(self) -> None:
        self._number += 1
        node, now, answers = self._layer.node, time.monotonic(), []
        # Half a beat early is in time.
        is_reading = now - self._read_at_s > self._roll.period_s - PERIOD_S / 2
        async with self._line.client.pipeline(transaction=False) as pipe:
            pipe.hset(self._key, node.id, beat(node, self._number))
            pipe.set(self._report_key(node.id), self._report(), ex=math.ceil(GONE_S))
            if is_reading:
                pipe.hgetall(self._key)
            answers = await pipe.execute()
        if is_reading:
            self._read_at_s = now
            await self._read(answers[-1])
        self._beaten()

    async def _read(self, found: Mapping[bytes, bytes]) -> None:
        """Take in the beats of all nodes."""
        beats = {id.decode("ascii", "replace"): beat for id, beat in found.items()}
        beats.pop(self._layer.node.id, None)
        new = self._roll.read(beats)
        gone = self._roll.overdue()
        for id, is_there in zip(new, await self._have_reports(new), strict=True):
            if not is_there:
                gone.append(id)
            elif not self._roll.add(id, beats[id]) and self._gate.count("refused"):
                logger.warning("a beat in %s was refused: it is none of this version", self._key)
        if gone:
            await self._forget(gone)
        for id in gone:
            self.leave(id)

    async def _have_reports(self, ids: Sequence[str]) -> list[bool]:
        if not ids:
            return []
        async with self._line.client.pipeline(transaction=False) as pipe:
            for id in ids:
                pipe.exists(self._report_key(id))
            return [bool(count) for count in await pipe.execute()]

    async def _forget(self, ids: Sequence[str]) -> None:
        async with self._line.client.pipeline(transaction=False) as pipe:
            pipe.hdel(self._key, *ids)
            for id in ids:
                pipe.delete(self._report_key(id))
            await pipe.execute()

    async def _collect(self, ids: Sequence[str], into: dict[str, Mapping[str, Any]]) -> None:
        payloads = await self._line.client.mget([self._report_key(id) for id in ids])
        for id, payload in zip(ids, payloads, strict=True):
            report = _report_in(payload)
            if report:
                into[id] = report

    def _report(self) -> bytes:
        """Return this node's report as it is kept; one that cannot be is empty."""
        if self._layer.report is None:
            return NOTHING
        try:
            payload = encode("report", self._layer.report())
        except Exception:
            if self._gate.count("report"):
                logger.exception("this node has no report")
            return NOTHING
        if len(payload) > MAX_REPORT:
            if self._gate.count("size"):
                logger.error("the report has %d bytes, over %d", len(payload), MAX_REPORT)
            return NOTHING
        return payload

    @property
    def _key(self) -> str:
        return self._line.key("nodes")

    def _report_key(self, id: str) -> str:
        return self._line.key("report", id)


def _report_in(payload: bytes | str | None) -> Mapping[str, Any]:
    """Return the report that Redis has; empty when it has none, or something else."""
    if payload is None or len(payload) > MAX_REPORT:
        return {}
    try:
        return decode(payload)[1]
    except InvalidMessageError:
        return {}

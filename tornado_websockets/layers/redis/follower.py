"""Keeps the log of one path complete: what it misses is read from Redis."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tornado_websockets.history import START, Offset, offset_text
from tornado_websockets.layers.event import Event
from tornado_websockets.layers.log import Log, numbered
from tornado_websockets.layers.redis.backoff import Backoff
from tornado_websockets.layers.redis.command import meta_key, stream_key
from tornado_websockets.layers.redis.echo import Echo
from tornado_websockets.layers.redis.lane import DAY_S, keep_s
from tornado_websockets.layers.redis.link import run_script
from tornado_websockets.layers.redis.parcel import Parcel, id_of, offset_of, unpack_events
from tornado_websockets.layers.redis.script import READ
from tornado_websockets.outgoing import Outgoing

if TYPE_CHECKING:
    from tornado_websockets.layers.base import Layer
    from tornado_websockets.layers.redis.shard import Shard

__all__ = ["Follower", "Record"]

logger = logging.getLogger("tornado_websockets")

COUNT: Final = 500
"""Entries of a stream that are read at once."""


class Record(NamedTuple):
    """An event that is kept.

    Attributes:
        offset: where it is.
        before: where the one before it is, kept or not.
        origin: id of the process that has sent it.
        event: the event.
    """

    offset: Offset
    before: Offset
    origin: str
    event: Event


class _Read(NamedTuple):
    epoch: str
    top: Offset
    records: list[Record]

    def went_back_behind(self, offset: Offset) -> bool:
        """Return whether an event that was kept is no longer, though it is none of the oldest.

        A Redis does so that has not written it, or a replica that took over without it.
        """
        gaps = ((record.before, record.offset) for record in self.records)
        return self.top < offset or any(before < offset < after for before, after in gaps)


class Follower:
    """Delivers the events of a path with a history, each once and in their order.

    Args:
        path: the path.
        layer: has the path's log.
        shard: the server that keeps the path.

    Attributes:
        echo: what this process has sent there, until it comes back.
    """

    def __init__(self, path: str, layer: Layer, shard: Shard) -> None:
        self.echo = Echo(lambda early: layer.deliver(path, *early))
        self._path = path
        self._layer = layer
        self._shard = shard
        self._who = f"reader of {path}"
        self._is_dirty = self._is_over = False
        self._filling: asyncio.Task[None] | None = None

    def take(self, parcel: Parcel) -> None:
        """Deliver what has just been sent, or read what is missing before it."""
        log = self._layer.log(self._path)
        if log is not None and not self._extend(log, parcel.epoch, _records(parcel)):
            self._is_dirty = True
            self.fill()

    def fill(self) -> asyncio.Task[None]:
        """Read what is missing, in one task for all who wait; it is not theirs to cancel."""
        if self._filling is None or self._filling.done():
            self._filling = asyncio.get_running_loop().create_task(self._fill())
        return self._filling

    def stop(self) -> asyncio.Task[None] | None:
        """End, and return what is still ending."""
        self._is_over = True
        if self._filling is not None:
            self._filling.cancel()
        self.echo.stop()
        self._shard.health.recover(self._who)
        return self._filling

    # Private.

    async def _fill(self) -> None:
        backoff = Backoff()
        # redis-py may swallow a cancellation that comes together with an answer.
        while not self._is_over:
            # What is read before that is not followed by anything.
            await self._shard.subscriber.wait()
            try:
                self._is_dirty = False
                if await self._read_on() and not self._is_dirty:
                    self._shard.health.recover(self._who)
                    return
            except Exception as error:  # noqa: BLE001  it is tried until it succeeds
                self._shard.health.fail(self._who, error)
                await asyncio.sleep(backoff.next_s())

    async def _read_on(self) -> bool:
        """Read some of what is missing, and return whether that was all."""
        log = self._layer.log(self._path)
        if log is None:
            return True
        if not log.epoch:
            return await self._read_anew()
        after = log.top
        read = await self._read(after)
        # Of what is kept no more, some may have come in the meantime. A top that is lower is that
        # of a server which took over, and has not got everything.
        is_lost = read.top < after or (not read.records and log.top < read.top)
        if is_lost or not self._extend(log, read.epoch, read.records):
            return await self._read_anew()
        return log.top >= read.top

    async def _read_anew(self) -> bool:
        """Let the log begin anew with all that Redis keeps; who is connected is told."""
        read = await self._read_all()
        log = self._layer.log(self._path)
        if log is not None and read.epoch == log.epoch and read.went_back_behind(log.top):
            # Who is away and has got less than was lost would find nothing missing.
            read = await self._read_all(over=log.epoch)
        log, (epoch, top, records) = self._layer.log(self._path), read
        if log is None:
            return True
        self._layer.restart(self._path, epoch, records[-1].offset if records else top)
        if records:
            log.begin(epoch, records[0].before)
        for record in records:
            self._append(log, record)
        self.echo.forget()
        return True

    async def _read_all(self, over: str = "") -> _Read:
        """Return all that Redis keeps behind the last gap.

        Args:
            over: an epoch that another one is to follow.
        """
        records: list[Record] = []
        after, epoch = START, ""
        while True:
            read = await self._read(after, over)
            if epoch not in ("", read.epoch):  # it has been emptied in the meantime
                records, after, epoch = [], START, ""
                continue
            epoch = read.epoch
            for record in read.records:
                if records and record.before != records[-1].offset:
                    records = []
                records.append(record)
            if not read.records or read.records[-1].offset >= read.top:
                return _Read(epoch, read.top, records)
            after = read.records[-1].offset

    async def _read(self, after: Offset, over: str = "") -> _Read:
        address, history = self._shard.address, self._layer.audience.served.get(self._path)
        known_s = DAY_S if history is None else keep_s(history)
        async with self._shard.reading:
            epoch, top, entries = await run_script(
                self._shard.client,
                READ,
                [stream_key(address, self._path), meta_key(address, self._path)],
                [secrets.token_hex(8), offset_text(after), COUNT, known_s, over],
            )
        return _Read(epoch.decode(), offset_of(top), list(self._records_of(entries)))

    def _records_of(self, entries: Iterable[Any]) -> Iterable[Record]:
        for id, fields in entries:
            try:
                values = dict(zip(fields[::2], fields[1::2], strict=True))
                [event] = unpack_events(values[b"e"])
                offset, before = offset_of(id), offset_of(values[b"b"])
                if offset <= before:
                    raise ValueError("it is not behind the one before it")
                yield Record(offset, before, values[b"o"].decode(), event)
            except (ValueError, KeyError) as error:
                self._shard.refuse(self._path, error)

    def _extend(self, log: Log, epoch: str, records: Iterable[Record]) -> bool:
        """Add and deliver what the log has not got; False when something before that is missing."""
        if epoch != log.epoch:
            return False
        for record in records:
            if record.offset <= log.top:
                continue
            if record.before != log.top:
                return False
            outgoing = self._append(log, record)
            self._layer.deliver(self._path, outgoing, record.event.without)
        return True

    def _append(self, log: Log, record: Record) -> Outgoing:
        event = record.event
        payload = numbered(event.payload, record.offset)
        entry = log.append(record.offset, Outgoing(event.name, payload), event.without)
        if record.origin == self._shard.origin:
            self.echo.heard(id_of(event.payload))
        else:
            self._layer.audience.heard(self._path, event.name, event.payload)
        return entry.outgoing


def _records(parcel: Parcel) -> Iterable[Record]:
    before, (ms, seq) = parcel.before, parcel.first
    for number, event in enumerate(parcel.events):
        offset = (ms, seq + number)
        yield Record(offset, before, parcel.origin, event)
        before = offset

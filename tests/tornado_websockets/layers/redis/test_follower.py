"""The log of a path is complete, or its clients are told that it is not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.engines.broker import Broker
from tests.tornado_websockets.layers.clients import Page, until
from tests.tornado_websockets.layers.redis.station import Station, stations, wordy
from tornado_websockets.history import START, Position
from tornado_websockets.layers.log import Log
from tornado_websockets.layers.redis import follower as module
from tornado_websockets.layers.redis.link import run_script
from tornado_websockets.layers.redis.parcel import Event, Parcel, unpack


def log_of(station: Station, path: str = "/h") -> Log:
    log = station.layer.log(path)
    assert log is not None
    return log


async def test_a_node_that_begins_knows_what_was_sent_before(url: str) -> None:
    async with stations(1, url) as (one,):
        page = Page()
        await one.visit(page)
        one.say(*range(250))
        await until(lambda: len(page.numbers) == 250)
        one.go(page)
        one.say(250, 251)
        await one.layer.apublish("/h", "e", wordy(252))
        async with asyncio.timeout(10):
            other = Station(url)
            await other.layer.start()
        try:
            assert len(log_of(other)) == 253
            await other.visit(page)
            assert page.told == [None, True]
            assert page.numbers == [*range(253)]
        finally:
            await other.layer.stop()


async def test_who_comes_to_a_node_that_is_behind_waits_for_it(url: str) -> None:
    async with stations(2, url) as (one, two):
        page = Page()
        await one.visit(page)
        shard = two.layer.shards[0]
        shard.unlisten(shard.channel("events", "/h"))
        for number in range(5):
            await one.layer.apublish("/h", "e", wordy(number))
        await until(lambda: page.numbers == [*range(5)])
        one.go(page)
        await one.layer.apublish("/h", "e", wordy(5))
        await two.visit(page)
        assert (page.told, page.numbers) == ([None, True], [*range(6)])


async def test_what_is_sent_again_is_not_delivered_again(url: str) -> None:
    async with stations(1, url) as (one,):
        page = Page()
        await one.visit(page)
        one.say(1, 2)
        await until(lambda: page.numbers == [1, 2])
        log, follower = log_of(one), one.layer.shards[0].follower("/h")
        assert follower is not None
        events = [Event("e", wordy(1)), Event("e", wordy(2))]
        follower.take(Parcel("0" * 16, events, log.epoch, START, (log.top[0], log.top[1] - 1)))
        await one.layer.apublish("/h", "e", wordy(3))
        await until(lambda: page.numbers == [1, 2, 3])


async def test_a_server_that_took_over_and_has_not_got_everything_is_noticed(
    url: str, broker: Broker
) -> None:
    """As after a failover: the last event was there, and is not any more."""
    async with stations(1, url) as (one,):
        page, shard = Page(), one.layer.shards[0]
        await one.visit(page)
        await one.layer.apublish("/h", "e", wordy(1))
        before = broker.run("HGET", shard.key("meta", "/h"), "top")
        await one.layer.apublish("/h", "e", wordy(2))
        await until(lambda: page.numbers == [1, 2])
        lost = page.position
        broker.run(
            "XDEL", shard.key("stream", "/h"), broker.run("HGET", shard.key("meta", "/h"), "top")
        )
        broker.run("HSET", shard.key("meta", "/h"), "top", before)
        broker.run("CLIENT", "KILL", "TYPE", "pubsub")
        await until(lambda: page.told == [None, False])
        assert len(log_of(one)) == 1
        other = Page()
        await one.visit(other)
        await one.layer.apublish("/h", "e", wordy(3))
        await until(lambda: page.numbers == [1, 2, 3])
        late = Page().again()
        one.audience.join("/h", late)
        one.layer.welcome("/h", late, lost)
        assert late.envelopes[0]["data"]["recovered"] is False


@pytest.mark.parametrize("goes_on", [False, True])
async def test_who_was_away_when_redis_went_back_is_told(
    url: str, broker: Broker, goes_on: bool
) -> None:
    """What it has missed is gone, though the event that it has got last is there."""
    async with stations(1, url) as (one,):
        away, page, shard = Page(), Page(), one.layer.shards[0]
        await one.visit(away)
        await one.visit(page)
        await one.layer.apublish("/h", "e", wordy(1))
        await until(lambda: away.numbers == page.numbers == [1])
        one.go(away)
        stream, meta = shard.key("stream", "/h"), shard.key("meta", "/h")
        before = broker.run("HGET", meta, "top")
        await one.layer.apublish("/h", "e", wordy(2))
        await until(lambda: page.numbers == [1, 2])
        broker.run("XDEL", stream, broker.run("HGET", meta, "top"))
        broker.run("HSET", meta, "top", before)
        if goes_on:
            await one.layer.apublish("/h", "e", wordy(3))
        else:
            broker.run("CLIENT", "KILL", "TYPE", "pubsub")
        await until(lambda: page.told == [None, False])
        async with asyncio.timeout(10):
            other = Station(url)
            await other.layer.start()
        try:
            await other.visit(away)
            assert away.told == [None, False]
        finally:
            await other.layer.stop()


async def test_a_stream_that_is_gone_is_noticed(url: str, broker: Broker) -> None:
    """As when Redis has no memory left: the next event is not behind the last one."""
    async with stations(1, url) as (one,):
        page, shard = Page(), one.layer.shards[0]
        await one.visit(page)
        await one.layer.apublish("/h", "e", wordy(1))
        await until(lambda: page.numbers == [1])
        broker.run("DEL", shard.key("stream", "/h"), shard.key("meta", "/h"))
        one.say(2)
        await until(lambda: page.told == [None, False])
        one.say(3)
        await until(lambda: page.numbers == [1, 3])


async def test_an_entry_that_cannot_be_read_ends_what_is_known(url: str, broker: Broker) -> None:
    async with stations(2, url) as (one, two):
        page, shard = Page(), one.layer.shards[0]
        await one.visit(page)
        await one.layer.apublish("/h", "e", wordy(1))
        await until(lambda: page.numbers == [1])
        await two.layer.shards[0].subscriber.stop()
        key = shard.key("stream", "/h")
        broker.run("XADD", key, "*", "o", "x", "e", "rubbish", "b", "1-0", "s", "1")
        broker.run("XADD", key, "*", "rubbish", "1")
        broker.run("HSET", shard.key("meta", "/h"), "top", "9999999999999-0")
        await one.layer.apublish("/h", "e", wordy(2))
        two.layer.shards[0].subscriber.start()
        await until(lambda: two.layer.shards[0].refused > 0 and len(log_of(two)) == 1)
        await until(lambda: page.told == [None, False])


async def test_nobody_waits_for_a_redis_that_is_known_to_be_away() -> None:
    with Broker() as own:
        async with stations(1, own.url) as (one,):
            log = log_of(one)
            own.stop()
            await until(lambda: one.layer.shards[0].subscriber.down_s > 3)
            async with asyncio.timeout(0.5):
                await one.layer.reach("/h", Position(log.epoch, (9, 9), frozenset()))
                await one.layer.reach("/live", None)


async def test_what_is_sent_while_something_is_read_is_read_as_well(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It came with a gap before it, and the answer that fills the gap was on its way already."""
    has_read, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(*arguments: Any) -> Any:
        answer = await run_script(*arguments)
        has_read.set()
        await go_on.wait()
        return answer

    async with stations(2, url) as (one, two):
        page, shard = Page(), two.layer.shards[0]
        await two.visit(page)
        channel, follower = shard.channel("events", "/h"), shard.follower("/h")
        assert follower is not None
        heard: list[bytes] = []
        shard.listen(channel, heard.append)
        for number in range(3):
            await one.layer.apublish("/h", "e", wordy(number))
        await until(lambda: len(heard) == 3)
        monkeypatch.setattr(module, "run_script", slowly)
        filling = follower.fill()
        await has_read.wait()
        await one.layer.apublish("/h", "e", wordy(3))
        await until(lambda: len(heard) == 4)
        follower.take(unpack(heard[-1]))
        assert page.numbers == []
        go_on.set()
        await asyncio.wait_for(filling, 10)
        assert page.numbers == [0, 1, 2, 3]
        assert page.told == [None]

"""The log of a path is complete, or its clients are told that it is not."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.engines.broker import Broker
from tests.tornado_websockets.layers.clients import Page, until
from tests.tornado_websockets.layers.redis.station import Station, stations, wordy
from tornado_websockets.history import START, History, Position
from tornado_websockets.layers.event import Event
from tornado_websockets.layers.log import Log
from tornado_websockets.layers.redis import follower as module
from tornado_websockets.layers.redis.link import run_script
from tornado_websockets.layers.redis.parcel import Parcel, pack, unpack


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
        await one.layer.apublish("/h", Event("e", wordy(252)))
        async with beside(url) as other:
            assert len(log_of(other)) == 253
            await other.visit(page)
            assert page.told == [None, True]
            assert page.numbers == [*range(253)]


async def test_who_comes_to_a_node_that_is_behind_waits_for_it(url: str) -> None:
    async with stations(2, url) as (one, two):
        page = Page()
        await one.visit(page)
        shard = two.layer.shards[0]
        shard.unlisten(shard.channel("events", "/h"))
        for number in range(5):
            await one.layer.apublish("/h", Event("e", wordy(number)))
        await until(lambda: page.numbers == [*range(5)])
        one.go(page)
        await one.layer.apublish("/h", Event("e", wordy(5)))
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
        await one.layer.apublish("/h", Event("e", wordy(3)))
        await until(lambda: page.numbers == [1, 2, 3])


async def test_a_server_that_took_over_and_has_not_got_everything_is_noticed(
    url: str, broker: Broker
) -> None:
    """As after a failover: the last event was there, and is not any more."""
    async with stations(1, url) as (one,):
        page, shard = Page(), one.layer.shards[0]
        await one.visit(page)
        await one.layer.apublish("/h", Event("e", wordy(1)))
        before = broker.run("HGET", shard.key("meta", "/h"), "top")
        await one.layer.apublish("/h", Event("e", wordy(2)))
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
        await one.layer.apublish("/h", Event("e", wordy(3)))
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
        await one.layer.apublish("/h", Event("e", wordy(1)))
        await until(lambda: away.numbers == page.numbers == [1])
        one.go(away)
        stream, meta = shard.key("stream", "/h"), shard.key("meta", "/h")
        before = broker.run("HGET", meta, "top")
        await one.layer.apublish("/h", Event("e", wordy(2)))
        await until(lambda: page.numbers == [1, 2])
        broker.run("XDEL", stream, broker.run("HGET", meta, "top"))
        broker.run("HSET", meta, "top", before)
        if goes_on:
            await one.layer.apublish("/h", Event("e", wordy(3)))
        else:
            broker.run("CLIENT", "KILL", "TYPE", "pubsub")
        await until(lambda: page.told == [None, False])
        async with beside(url) as other:
            await other.visit(away)
            assert away.told == [None, False]


async def test_a_stream_that_is_gone_is_noticed(url: str, broker: Broker) -> None:
    """As when Redis has no memory left: the next event is not behind the last one."""
    async with stations(1, url) as (one,):
        page, shard = Page(), one.layer.shards[0]
        await one.visit(page)
        await one.layer.apublish("/h", Event("e", wordy(1)))
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
        await one.layer.apublish("/h", Event("e", wordy(1)))
        await until(lambda: page.numbers == [1])
        await two.layer.shards[0].subscriber.stop()
        key = shard.key("stream", "/h")
        broker.run("XADD", key, "*", "o", "x", "e", "rubbish", "b", "1-0", "s", "1")
        broker.run("XADD", key, "*", "rubbish", "1")
        broker.run("HSET", shard.key("meta", "/h"), "top", "9999999999999-0")
        await one.layer.apublish("/h", Event("e", wordy(2)))
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
            await one.layer.apublish("/h", Event("e", wordy(number)))
        await until(lambda: len(heard) == 3)
        monkeypatch.setattr(module, "run_script", slowly)
        filling = follower.fill()
        await has_read.wait()
        await one.layer.apublish("/h", Event("e", wordy(3)))
        await until(lambda: len(heard) == 4)
        follower.take(unpack(heard[-1]))
        assert page.numbers == []
        go_on.set()
        await asyncio.wait_for(filling, 10)
        assert page.numbers == [0, 1, 2, 3]
        assert page.told == [None]


async def test_a_node_that_begins_reads_more_than_comes_at_once(url: str) -> None:
    async with stations(1, url) as (one,):
        one.say(*range(1200))
        await one.layer.apublish("/h", Event("e", wordy(1200)))
        async with beside(url) as other:
            assert len(log_of(other)) == 1201


async def test_a_redis_that_is_emptied_while_it_is_read_is_read_from_its_beginning(
    url: str, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stations(1, url) as (one,):
        one.say(*range(600))
        await one.layer.apublish("/h", Event("e", wordy(600)))
        await until(lambda: len(log_of(one)) == 601)
        shard, old = one.layer.shards[0], log_of(one).epoch
        keys, is_first = (shard.key("stream", "/h"), shard.key("meta", "/h")), True

        async def emptied(client: Any, script: Any, names: Any, arguments: Any) -> Any:
            nonlocal is_first
            answer = await run_script(client, script, names, arguments)
            if is_first and names[0] == keys[0]:
                is_first = False
                broker.run("DEL", *keys)
                one.layer.publish("/h", Event("e", wordy(7)))
                await until(lambda: broker.run("XLEN", keys[0]) == "1")
            return answer

        monkeypatch.setattr(module, "run_script", emptied)
        async with beside(url) as other:
            log, page = log_of(other), Page()
            assert not is_first
            assert (len(log), log.epoch) == (1, broker.run("HGET", keys[1], "epoch"))
            assert log.epoch != old
            await other.visit(page)
            await other.layer.apublish("/h", Event("e", wordy(8)))
            await until(lambda: page.numbers == [8])


async def test_it_is_read_again_until_redis_answers_with_something_else_than_an_error(
    url: str, broker: Broker
) -> None:
    async with stations(1, url) as (one,):
        page, shard = Page(), one.layer.shards[0]
        await one.visit(page)
        await one.layer.apublish("/h", Event("e", wordy(1)))
        await until(lambda: page.numbers == [1])
        key, follower = shard.key("meta", "/h"), shard.follower("/h")
        assert follower is not None
        broker.run("RENAME", key, key + "-away")
        broker.run("SET", key, "of somebody else")
        filling = follower.fill()
        await until(lambda: "WRONGTYPE" in shard.health.reason and not shard.health.is_well)
        broker.run("RENAME", key + "-away", key)
        await asyncio.wait_for(filling, 10)
        assert shard.health.is_well
        await one.layer.apublish("/h", Event("e", wordy(2)))
        await until(lambda: page.numbers == [1, 2])
        assert page.told == [None]


async def test_an_entry_that_is_not_behind_the_one_before_it_is_refused(url: str) -> None:
    """A log could not have it, whoever wrote that: nothing would ever come after it."""
    async with stations(1, url) as (one,):
        page, shard = Page(), one.layer.shards[0]
        await one.visit(page)
        await one.layer.apublish("/h", Event("e", wordy(1)))
        await until(lambda: page.numbers == [1])
        wrong: dict[Any, Any] = {
            "o": "x",
            "e": pack(Event("e", wordy(0))),
            "b": "99999999999999-0",
            "s": "1",
        }
        await shard.client.xadd(shard.key("stream", "/h"), wrong)
        follower = shard.follower("/h")
        assert follower is not None
        await asyncio.wait_for(follower.fill(), 10)
        assert shard.refused > 0
        await one.layer.apublish("/h", Event("e", wordy(2)))
        await until(lambda: page.numbers == [1, 2])
        assert shard.health.is_well


async def test_a_path_that_is_given_back_by_a_thread_is_read_no_longer(url: str) -> None:
    """The event loop has not heard of it yet."""
    async with stations(1, url) as (one,):
        one.audience.serve("/new", History(events=5))
        follower = one.layer.shards[0].follower("/new")
        assert follower is not None
        filling = follower.fill()
        thread = threading.Thread(target=one.audience.withdraw, args=("/new",))
        thread.start()
        thread.join()
        await asyncio.wait_for(filling, 10)
        await until(lambda: one.layer.shards[0].follower("/new") is None)
        await asyncio.wait_for(follower.fill(), 10)
        assert one.layer.log("/new") is None


async def test_an_answer_that_comes_with_the_end_of_a_path_begins_nothing_anew(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """redis-py answers then, although it was cancelled."""
    has_read = asyncio.Event()

    async def stubborn(*arguments: Any) -> Any:
        answer = await run_script(*arguments)
        has_read.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return answer

    async with stations(1, url) as (one,):
        monkeypatch.setattr(module, "run_script", stubborn)
        one.audience.serve("/new", History(events=5))
        follower = one.layer.shards[0].follower("/new")
        assert follower is not None
        filling = follower.fill()
        await has_read.wait()
        one.audience.withdraw("/new")
        await asyncio.wait_for(filling, 10)
        assert one.layer.log("/new") is None
        assert one.layer.shards[0].health.is_well


@contextlib.asynccontextmanager
async def beside(url: str) -> AsyncIterator[Station]:
    """Start one more node."""
    station = Station(url)
    async with asyncio.timeout(20):
        await station.layer.start()
    try:
        yield station
    finally:
        await station.layer.stop()

"""What one server brings, and what is none of it."""

from __future__ import annotations

import pytest
from redis.exceptions import ReadOnlyError

from tests.engines.broker import Broker
from tests.tornado_websockets.layers.clients import Client, Page, until
from tests.tornado_websockets.layers.redis.station import stations, wordy
from tornado_websockets.history import History
from tornado_websockets.layers.event import Event
from tornado_websockets.layers.redis import backoff
from tornado_websockets.layers.redis import shard as module


async def test_what_nobody_of_this_project_sends_is_counted_and_logged_once(
    url: str, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    async with stations(1, url) as (one,):
        shard, page = one.layer.shards[0], Page()
        client = await one.visit(page, "/live")
        for text in ("rubbish", "L 0123456789abcdef\nrubbish", "", '{"event":"news"}'):
            broker.run("PUBLISH", shard.channel("events", "/live"), text)
        await until(lambda: shard.refused == 4)
        assert caplog.text.count("no process of this project sends") == 1
        one.say(1, path="/live")
        assert client.got == ["e"]


async def test_a_path_may_come_and_go_and_get_a_history(url: str, broker: Broker) -> None:
    async with stations(2, url) as (one, two):
        shard = one.layer.shards[0]
        channel = shard.channel("events", "/new")
        for station in (one, two):
            station.audience.serve("/new", None)
        await until(lambda: broker.run("PUBSUB", "NUMSUB", channel).endswith("2"))
        one.audience.serve("/new", History(events=5))
        follower = shard.follower("/new")
        assert follower is not None
        await until(lambda: bool(one.layer.log("/new").epoch))  # type: ignore[union-attr]
        one.audience.serve("/new", History(events=6))
        assert shard.follower("/new") is follower
        two.audience.withdraw("/new")
        one.audience.withdraw("/new")
        await until(lambda: broker.run("PUBSUB", "NUMSUB", channel).endswith("0"))
        assert shard.follower("/new") is None


async def test_processes_that_do_not_agree_on_a_history_hear_each_other(
    url: str, broker: Broker
) -> None:
    """As while a project is deployed that gives a path a history, or takes it away."""
    async with stations(2, url) as (new, old):
        new.audience.serve("/new", History(events=5))
        old.audience.serve("/new", None)
        clients = Client(), Client()
        for station, client in zip((new, old), clients, strict=True):
            station.audience.join("/new", client)
        channel = new.layer.shards[0].channel("events", "/new")
        await until(lambda: broker.run("PUBSUB", "NUMSUB", channel).endswith("2"))
        await until(lambda: bool(new.layer.log("/new").epoch))  # type: ignore[union-attr]
        for station, number in ((new, 1), (old, 2)):
            await station.layer.apublish("/new", Event("e", wordy(number)))
        await until(
            lambda: all(
                sorted(each["data"]["n"] for each in client.envelopes if each["event"] == "e")
                == [1, 2]
                for client in clients
            )
        )


async def test_names_begin_with_the_prefix(broker: Broker) -> None:
    async with stations(1, f"{broker.url}?prefix=shop") as (one,):
        shard = one.layer.shards[0]
        assert shard.key("a", "b") == "shop:a:b"
        assert shard.channel("a") == "shop:0:a"
        assert await shard.client.ping()


@pytest.mark.parametrize("first", ["subscriber", "publisher"])
async def test_who_gets_through_first_lets_the_other_one_try(
    first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Broker(keeps=True) as own:
        async with stations(1, own.url) as (one,):
            shard = one.layer.shards[0]
            monkeypatch.setattr(backoff, "FIRST_S", 60.0)
            monkeypatch.setattr(backoff, "LAST_S", 60.0)
            own.stop()
            one.say(1, path="/live")
            await until(lambda: not shard.is_up and shard.publisher.down_s > 0)
            own.start()
            getattr(shard, first).pause.end()
            await until(lambda: shard.is_up and shard.publisher.down_s == 0)
            # A beat may have failed as well, in the moment of the end, and comes once more.
            await until(lambda: shard.health.is_well)


async def test_whoever_says_that_it_is_a_replica_is_left_though_not_each_moment(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = ReadOnlyError("You can't write against a read only replica.")
    monkeypatch.setattr(module, "ANEW_S", 0.1)
    async with stations(1, broker.url) as (one,):
        shard = one.layer.shards[0]
        for _ in range(2):
            before = shard.client
            shard.health.fail("somebody", error)
            await until(lambda: shard.client is not before)  # noqa: B023
        monkeypatch.setattr(module, "ANEW_S", 60.0)
        before = shard.client
        for _ in range(3):
            shard.health.fail("somebody", error)
        assert await shard.client.ping()
        assert shard.client is before

"""What Redis refuses for a while is taken once and in order when it takes it again."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator

import pytest

from tests.engines.broker import Broker, is_installed
from tests.tornado_websockets.layers.clients import Client, Page
from tests.tornado_websockets.layers.redis.station import Station, stations
from tests.tornado_websockets.layers.redis.test_outages import numbers, soon
from tornado_websockets.layers.redis import subscriber


@pytest.fixture
def own() -> Iterator[Broker]:
    if not is_installed():
        pytest.skip("redis-server is not installed")
    with Broker() as broker:
        yield broker


async def meet(one: Station, two: Station) -> tuple[list[Page], Client]:
    """Return a page at each node, and a client at the second one, who all have heard of one."""
    pages, live = [Page(), Page()], Client()
    await one.visit(pages[0])
    await two.visit(pages[1])
    two.audience.join("/live", live)
    one.say(0)
    one.say(0, path="/live")
    await soon(lambda: pages[0].numbers == pages[1].numbers == numbers(live) == [0])
    return pages, live


async def end(one: Station, pages: list[Page], live: Client, count: int) -> None:
    """Make sure that all of it has come, once and in order."""
    await soon(lambda: all(len(page.numbers) == count for page in pages))
    await soon(lambda: len(numbers(live)) == count)
    expected = [*range(count)]
    assert pages[0].numbers == pages[1].numbers == expected
    assert [each["data"]["n"] for each in live.envelopes] == expected
    assert [page.told for page in pages] == [[None], [None]]
    await soon(lambda: one.layer.trouble == "")


@pytest.mark.parametrize(
    ("refuse", "take", "reason"),
    [
        ("maxmemory 1", "maxmemory 0", "used memory > 'maxmemory'"),
        ("min-replicas-to-write 1", "min-replicas-to-write 0", "Not enough good replicas"),
    ],
)
async def test_what_is_refused_for_a_while_comes_later(
    own: Broker, refuse: str, take: str, reason: str
) -> None:
    async with stations(2, own.url) as (one, two):
        pages, live = await meet(one, two)
        own.run("CONFIG", "SET", *refuse.split())
        for number in range(1, 100):
            one.say(number)
            one.say(number, path="/live")
        await soon(lambda: reason in one.layer.shards[0].health.reason)
        await soon(lambda: numbers(pages[0].client) == [*range(100)])
        assert pages[0].numbers == [0]
        await soon(lambda: "has not answered" in one.layer.trouble)
        own.run("CONFIG", "SET", *take.split())
        await end(one, pages, live, 100)


async def test_a_redis_that_runs_the_script_of_somebody_else_is_waited_for(
    own: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Pings are refused as well, and nothing of the subscription is lost by that.
    monkeypatch.setattr(subscriber, "PING_S", 0.02)
    own.run("CONFIG", "SET", "lua-time-limit", "50")
    async with stations(2, own.url) as (one, two):
        pages, live = await meet(one, two)
        words = ["redis-cli", "-p", str(own.port), "EVAL", "while true do end", "0"]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL) as busy:
            await soon(lambda: "BUSY" in own.run("PING"))
            for number in range(1, 100):
                one.say(number)
                one.say(number, path="/live")
            await soon(lambda: "busy" in one.layer.shards[0].health.reason.lower())
            own.run("SCRIPT", "KILL")
            busy.wait()
        await end(one, pages, live, 100)


async def test_nothing_is_lost_or_doubled_when_those_who_send_are_cut_off(own: Broker) -> None:
    """Whether a batch had arrived is known to Redis alone."""
    async with stations(2, own.url) as (one, two):
        pages, live = await meet(one, two)
        for number in range(1, 1000):
            one.say(number)
            one.say(number, path="/live")
            if number % 50 == 0:
                own.run("CLIENT", "KILL", "TYPE", "normal")
            await asyncio.sleep(0.001)
        await end(one, pages, live, 1000)

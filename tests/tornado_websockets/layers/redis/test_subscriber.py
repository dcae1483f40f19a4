"""Channels are heard, whatever happens to the connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.engines.broker import Broker
from tests.tornado_websockets.layers.clients import until
from tornado_websockets.layers.redis.address import Address
from tornado_websockets.layers.redis.health import Health
from tornado_websockets.layers.redis.subscriber import Subscriber


class Listener:
    """A subscriber, and what it has heard."""

    def __init__(self, url: str) -> None:
        self.health = Health("Redis")
        self.subscriber = Subscriber(Address.parse(url), self.health)
        self.heard: list[tuple[str, bytes]] = []
        self.ready: list[str] = []
        self.turns: list[str] = []
        self.subscriber.came_up.append(lambda: self.turns.append("up"))
        self.subscriber.went_down.append(lambda: self.turns.append("down"))

    def listen(self, channel: str) -> None:
        def handle(data: bytes) -> None:
            self.heard.append((channel, data))

        self.subscriber.listen(channel, handle, lambda: self.ready.append(channel))


@pytest_asyncio.fixture
async def listener(broker: Broker) -> AsyncIterator[Listener]:
    listener = Listener(broker.url)
    yield listener
    await listener.subscriber.stop()


async def test_channels_are_heard_from_when_they_are_ready(
    listener: Listener, broker: Broker
) -> None:
    listener.listen("a")
    listener.subscriber.start()
    await asyncio.wait_for(listener.subscriber.wait(), 10)
    assert (listener.ready, listener.turns, listener.subscriber.down_s) == (["a"], ["up"], 0)
    listener.listen("b")
    await until(lambda: listener.ready == ["a", "b"])
    for channel in ("a", "b", "c"):
        broker.run("PUBLISH", channel, "news")
    await until(lambda: listener.heard == [("a", b"news"), ("b", b"news")])
    listener.subscriber.unlisten("a")
    listener.subscriber.unlisten("never")
    listener.listen("c")
    await until(lambda: listener.ready[-1] == "c")
    assert broker.run("PUBLISH", "a", "more") == "0"


async def test_many_channels_at_once(listener: Listener, broker: Broker) -> None:
    for number in range(3000):
        listener.listen(f"many {number}")
    listener.subscriber.start()
    await until(lambda: len(listener.ready) == 3000)
    broker.run("PUBLISH", "many 2999", "news")
    await until(lambda: listener.heard == [("many 2999", b"news")])


async def test_without_a_channel_it_is_up_as_well(listener: Listener) -> None:
    listener.subscriber.start()
    await asyncio.wait_for(listener.subscriber.wait(), 10)
    listener.listen("a")
    await until(lambda: listener.ready == ["a"])


async def test_it_comes_back_when_the_connection_was_cut(
    listener: Listener, broker: Broker
) -> None:
    listener.listen("a")
    listener.subscriber.start()
    for number in range(3):
        await until(lambda: listener.subscriber.is_up)
        broker.run("CLIENT", "KILL", "TYPE", "pubsub")
        await until(lambda: listener.turns.count("down") > number)  # noqa: B023
    await until(lambda: listener.ready == ["a"] * 4)
    broker.run("PUBLISH", "a", "news")
    await until(lambda: listener.heard == [("a", b"news")])
    assert listener.turns == ["up", *["down", "up"] * 3]
    assert listener.health.is_well


async def test_a_server_that_says_nothing_is_given_up() -> None:
    with Broker() as own:
        listener = Listener(own.url)
        listener.listen("a")
        listener.subscriber.start()
        await until(lambda: listener.subscriber.is_up)
        own.pause()
        try:
            await until(lambda: not listener.subscriber.is_up)
            assert "no answer for 3 s" in listener.health.reason
        finally:
            own.resume()
        await until(lambda: listener.turns == ["up", "down", "up"])
        await listener.subscriber.stop()


async def test_silence_for_longer_than_that_is_none_while_it_answers_pings(
    listener: Listener,
) -> None:
    listener.listen("a")
    listener.subscriber.start()
    await until(lambda: listener.subscriber.is_up)
    await asyncio.sleep(4)
    assert listener.turns == ["up"]


async def test_a_process_that_was_stopped_has_not_heard_silence(
    listener: Listener, broker: Broker
) -> None:
    listener.listen("a")
    listener.subscriber.start()
    await until(lambda: listener.subscriber.is_up)
    broker.run("PUBLISH", "a", "before")
    time.sleep(4)  # as the whole event loop does
    broker.run("PUBLISH", "a", "after")
    await until(lambda: len(listener.heard) == 2)
    assert listener.turns == ["up"]


async def test_a_flood_lets_the_event_loop_have_its_turns(
    listener: Listener, broker: Broker
) -> None:
    """Even when Redis sends faster than the events can be delivered."""
    count, turns = 2000, 0

    def work(data: bytes) -> None:
        time.sleep(0.0005)
        listener.heard.append(("a", data))

    listener.subscriber.listen("a", work)
    listener.subscriber.start()
    await until(lambda: listener.subscriber.is_up)
    script = f"for i = 1, {count} do redis.call('PUBLISH', 'a', i) end"
    # Who sends it may end when all of it has come.
    flooding = asyncio.create_task(asyncio.to_thread(broker.run, "EVAL", script, "0"))
    await until(lambda: bool(listener.heard))
    while len(listener.heard) < count:
        await asyncio.sleep(0)
        turns += 1
    await flooding
    assert turns > 10


async def test_a_handler_that_fails_harms_nobody(
    listener: Listener, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(data: bytes = b"") -> None:
        raise RuntimeError("broken")

    listener.subscriber.listen("a", fail, fail)
    listener.subscriber.came_up.insert(0, fail)
    listener.listen("b")
    listener.subscriber.start()
    await until(lambda: listener.turns == ["up"])
    broker.run("PUBLISH", "a", "news")
    broker.run("PUBLISH", "b", "news")
    await until(lambda: listener.heard == [("b", b"news")])
    assert caplog.text.count("RuntimeError: broken") == 3


async def test_a_user_who_may_not_hear_a_channel_is_told(broker: Broker) -> None:
    broker.run("ACL", "SETUSER", "deaf", "on", ">pw", "+@all", "~*", "resetchannels")
    listener = Listener(broker.url.replace("//", "//deaf:pw@"))
    listener.listen("a")
    listener.subscriber.start()
    await until(lambda: "no permissions to access" in listener.health.reason)
    assert not listener.subscriber.is_up
    broker.run("ACL", "SETUSER", "deaf", "allchannels")
    await until(lambda: listener.subscriber.is_up)
    await listener.subscriber.stop()

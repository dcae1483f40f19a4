"""Messages go to all other nodes or to one, in order, and the sender learns of a loss."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from tests.engines.broker import Broker
from tests.tornado_websockets.layers.clients import until
from tests.tornado_websockets.layers.redis.peers.crew import Crew, crew
from tornado_websockets.exceptions import EncodeError
from tornado_websockets.layers.redis.peers.exchange import Exchange, letter


class Mailbox:
    """An exchange, and what has come.

    Attributes:
        got: sender and data of each message.
        ready: how often messages were heard again.
    """

    def __init__(self, line: Any, id: str) -> None:
        self.id = id
        self.got: list[tuple[str, Mapping[str, Any]]] = []
        self.ready = 0
        takes = {"note": self._take, "fail": self._fail}
        self.exchange = Exchange(line, "test", id, takes, self._count)
        self.exchange.start()

    def send(self, data: Mapping[str, Any], to: str = "", kind: str = "note") -> Any:
        return self.exchange.send(letter(kind, self.id, data), to)

    def _take(self, sender: str, data: Mapping[str, Any]) -> None:
        self.got.append((sender, data))

    def _fail(self, sender: str, data: Mapping[str, Any]) -> None:
        raise ValueError("it is not liked")

    def _count(self) -> None:
        self.ready += 1


async def boxes(nodes: Crew, *ids: str) -> list[Mailbox]:
    """Return mailboxes with lines of their own, as soon as they hear."""
    found = [Mailbox((await nodes.join()).layer.shards[0], id) for id in ids]
    await until(lambda: all(box.ready for box in found))
    return found


def hears(box: Mailbox) -> bool:
    """Return whether Redis has just answered it: it is not about to give Redis up."""
    subscriber = vars(box.exchange)["_line"].subscriber
    return bool(subscriber.is_up and vars(subscriber)["_unanswered"] == 0)


async def test_a_message_reaches_all_others_or_one(url: str) -> None:
    async with crew(url) as nodes:
        a, b, c = await boxes(nodes, "a", "b", "c")
        assert await a.send({"n": 1})
        assert await a.send({"n": 2}, to="c")
        assert await b.send({"n": 3}, to="nobody")
        assert await c.send({"n": 4})
        await until(lambda: len(a.got) == 1 and len(b.got) == 2 and len(c.got) == 2)
        assert a.got == [("c", {"n": 4})]
        assert b.got == [("a", {"n": 1}), ("c", {"n": 4})]
        assert c.got == [("a", {"n": 1}), ("a", {"n": 2})]


async def test_messages_keep_their_order_to_all_and_to_one(url: str) -> None:
    async with crew(url) as nodes:
        a, b = await boxes(nodes, "a", "b")
        for number in range(1000):
            a.send({"n": number}, to="b" if number % 3 else "")
        await until(lambda: len(b.got) == 1000)
        assert [data["n"] for _sender, data in b.got] == list(range(1000))


async def test_what_is_no_message_is_refused_and_logged_once(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with crew(url) as nodes:
        a, b = await boxes(nodes, "a", "b")
        line = (await nodes.join()).layer.shards[0]
        bad = [b"", b"\xff", b"[]", b"{}", b'{"event":"note","data":{}}', b"x" * 4_194_305]
        bad += [b'{"event":"note","data":{"from":7,"data":{}}}']
        bad += [b'{"event":"note","data":{"from":"a","data":[]}}']
        for message in bad:
            await line.client.publish(line.channel("test"), message)
        a.send({}, kind="fail")
        a.send({"n": 1}, kind="of a newer version")
        a.send({"n": 2})
        await until(lambda: bool(b.got))
        assert b.got == [("a", {"n": 2})]
        assert b.exchange.refused == len(bad) + 1
        refused = [each for each in caplog.records if "was refused" in each.message]
        assert len(refused) == 2  # by a as well
        assert line.channel("test") in refused[0].message


def test_a_message_is_of_a_size_and_can_be_encoded() -> None:
    with pytest.raises(ValueError, match=r"has \d+ bytes, over 100"):
        letter("note", "a", {"text": "x" * 100}, 100)
    with pytest.raises(EncodeError, match="data.data.x"):
        letter("note", "a", {"x": object()})


async def test_a_loss_is_told_to_the_sender() -> None:
    with Broker() as broker:
        async with crew(broker.url) as nodes:
            a, b = await boxes(nodes, "a", "b")
            broker.pause()
            try:
                sent = [a.send({"n": number}) for number in range(200)]
                assert not any(await asyncio.gather(*sent))
            finally:
                broker.resume()
            await until(lambda: hears(a) and hears(b))
            assert await a.send({"n": 200})
            await until(lambda: b.got[-1:] == [("a", {"n": 200})])


async def test_nothing_waits_for_a_redis_that_is_away_and_its_return_is_told() -> None:
    with Broker() as broker:
        async with crew(broker.url) as nodes:
            a, b = await boxes(nodes, "a", "b")
            broker.stop()
            await until(lambda: not a.exchange._line.is_up)
            assert a.send({"n": 1}).done()
            assert not await a.send({"n": 2})
            broker.start()
            await until(lambda: a.ready == b.ready == 2)
            assert await a.send({"n": 3})
            await until(lambda: b.got == [("a", {"n": 3})])


async def test_more_than_can_wait_is_lost(url: str) -> None:
    async with crew(url) as nodes:
        (a,) = await boxes(nodes, "a")
        sent = [a.send({"n": number}) for number in range(10_010)]
        assert [future.done() for future in sent].count(True) == 10
        assert not any(future.result() for future in sent[-10:])
        assert all(await asyncio.gather(*sent[:-10]))


async def test_at_the_end_what_waits_is_sent(url: str) -> None:
    async with crew(url) as nodes:
        a, b = await boxes(nodes, "a", "b")
        sent = [a.send({"n": number}) for number in range(250)]
        await a.exchange.stop(timeout_s=15)
        assert all([await future for future in sent])
        await until(lambda: len(b.got) == 250)
        assert not await a.send({"n": 250})  # it is over
        b.send({"n": 0})
        await b.exchange.stop()
        assert a.got == []


async def test_the_end_does_not_wait_for_a_redis_that_does_not_answer() -> None:
    with Broker() as broker:
        async with crew(broker.url) as nodes:
            (a,) = await boxes(nodes, "a")
            broker.pause()
            try:
                sent = [a.send({"n": number}) for number in range(250)]
                await a.exchange.stop(timeout_s=0.1)
                assert not any(await asyncio.gather(*sent))
            finally:
                broker.resume()

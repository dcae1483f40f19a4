"""Nodes ask each other, answer, and tell."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest

from tests.engines.broker import Broker
from tests.tornado_websockets.layers.clients import until
from tests.tornado_websockets.layers.redis.peers.crew import Mate, crew
from tornado_websockets.exceptions import EncodeError
from tornado_websockets.layers.redis.peers import mail
from tornado_websockets.layers.redis.peers.exchange import letter
from tornado_websockets.runtime import runtime

Data = Mapping[str, Any]


def answers(mate: Mate, topic: str = "who") -> None:
    """Let a node answer with its id, and what it was asked."""

    async def answer(data: Data) -> Data:
        await asyncio.sleep(0)
        return {"id": mate.id, **data}

    mate.layer.answering[topic] = answer


async def test_all_answer_and_this_node_among_them(url: str) -> None:
    async with crew(url) as nodes:
        mates = await nodes.meet(3)
        for mate in mates:
            answers(mate)
        found = await mates[0].layer.ask("who", {"n": 1}, timeout_s=60)
        assert found.answers == {mate.id: {"id": mate.id, "n": 1} for mate in mates}
        assert found.silent == []


async def test_one_node_is_asked_alone(url: str) -> None:
    async with crew(url) as nodes:
        a, b, _c = await nodes.meet(3)
        for mate in (a, b):
            answers(mate)
        found = await a.layer.ask("who", {}, node=b.id, timeout_s=60)
        assert found == ({b.id: {"id": b.id}}, [])
        assert await a.layer.ask("who", {}, node=a.id) == ({a.id: {"id": a.id}}, [])
        assert await a.layer.ask("who", {}, node="unknown") == ({}, ["unknown"])


async def test_who_does_not_know_the_question_or_fails_is_silent_at_once(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with crew(url) as nodes:
        a, b, c = await nodes.meet(3)
        answers(a)

        async def fail(data: Data) -> Data:
            raise ZeroDivisionError

        def no_coroutine(data: Data) -> Any:
            return data

        b.layer.answering["what"] = no_coroutine
        assert await a.layer.ask("what", {}, node=b.id, timeout_s=60) == ({}, [b.id])
        c.layer.answering["who"] = fail
        began_s = time.monotonic()
        found = await a.layer.ask("who", {}, timeout_s=60)
        assert (list(found.answers), sorted(found.silent)) == ([a.id], sorted([b.id, c.id]))
        assert await c.layer.ask("who", {}, node=c.id, timeout_s=60) == ({}, [c.id])
        assert await b.layer.ask("who", {}, node=b.id, timeout_s=60) == ({}, [b.id])
        assert time.monotonic() - began_s < 10
        messages = [record.message for record in caplog.records]
        assert messages.count("the question 'who' was not answered") == 2
        assert messages.count("1 questions were not answered, the last one 'who'") == 1


async def test_an_answer_that_cannot_be_sent_is_none(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with crew(url) as nodes:
        a, b, c = await nodes.meet(3)

        async def strange(data: Data) -> Data:
            return {"x": object()}

        async def large(data: Data) -> Data:
            return {"x": "x" * mail.MAX_BYTES}

        answers(a, "strange")
        b.layer.answering["strange"] = strange
        c.layer.answering["strange"] = large
        found = await a.layer.ask("strange", {}, timeout_s=60)
        assert list(found.answers) == [a.id]
        assert "data.data.data.x cannot be encoded" in caplog.text
        assert f"over {mail.MAX_BYTES}" in caplog.text


async def test_who_takes_too_long_is_silent(url: str) -> None:
    async with crew(url) as nodes:
        a, b = await nodes.meet(2)
        began = asyncio.Event()
        ended: list[str] = []

        async def slow(data: Data) -> Data:
            try:
                began.set()
                await asyncio.sleep(60)
            finally:
                ended.append("slow")
            return {}

        answers(a)
        b.layer.answering["who"] = slow
        found = await a.layer.ask("who", {}, timeout_s=0.1)
        assert found == ({a.id: {"id": a.id}}, [b.id])
        await asyncio.wait_for(began.wait(), 10)  # the question may take longer than that
        await nodes.leave(b)
        assert ended == ["slow"]


async def test_an_answer_that_comes_too_late_is_nobodys(url: str) -> None:
    async with crew(url) as nodes:
        a, b = await nodes.meet(2)
        go = asyncio.Event()

        async def slow(data: Data) -> Data:
            await go.wait()
            return {}

        b.layer.answering["slow"] = slow
        answers(b)
        assert await a.layer.ask("slow", {}, node=b.id, timeout_s=0.01) == ({}, [b.id])
        go.set()
        found = await a.layer.ask("who", {}, node=b.id, timeout_s=60)
        assert found == ({b.id: {"id": b.id}}, [])


async def test_a_node_answers_so_many_questions_at_a_time(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with crew(url) as nodes:
        a, b = await nodes.meet(2)
        go = asyncio.Event()
        running = 0

        async def slow(data: Data) -> Data:
            nonlocal running
            running += 1
            await go.wait()
            return {}

        b.layer.answering["slow"] = slow
        asking = [
            asyncio.create_task(a.layer.ask("slow", {}, node=b.id, timeout_s=60))
            for _ in range(mail.MAX_ANSWERING + 5)
        ]
        await until(lambda: sum(each.done() for each in asking) == 5)
        assert running == mail.MAX_ANSWERING
        go.set()
        found = await asyncio.gather(*asking)
        assert sum(each.silent == [b.id] for each in found) == 5
        assert "questions were not answered" in caplog.text


async def test_a_question_of_some_size_is_asked_and_a_larger_one_is_a_mistake(url: str) -> None:
    async with crew(url) as nodes:
        a, b = await nodes.meet(2)
        answers(b)
        text = "x" * (mail.MAX_BYTES - 1000)
        found = await a.layer.ask("who", {"text": text}, node=b.id, timeout_s=60)
        assert found.answers[b.id]["text"] == text
        for call in (a.layer.ask("who", {"text": text * 2}), a.layer.ask("who", {"x": object()})):
            with pytest.raises((ValueError, EncodeError)):
                await call


async def test_what_is_told_is_heard_by_all_others_in_order(url: str) -> None:
    async with crew(url) as nodes:
        a, b, c = mates = await nodes.meet(3)
        heard: dict[str, list[int]] = {mate.id: [] for mate in mates}
        threads: set[int] = set()
        for mate in mates:

            def hear(data: Data, mate: Mate = mate) -> None:
                threads.add(threading.get_ident())
                heard[mate.id].append(data["n"])

            mate.layer.hearing["count"] = hear

        def thread() -> None:
            for number in range(100):
                a.layer.tell("count", {"n": number})

        await asyncio.to_thread(thread)
        a.layer.tell("count", {"n": 100})
        await until(lambda: [len(each) for each in heard.values()] == [0, 101, 101])
        assert heard[b.id] == heard[c.id] == list(range(101))
        assert threads == {threading.get_ident()}


async def test_hearing_may_fail_or_not_be_there(url: str, caplog: pytest.LogCaptureFixture) -> None:
    async with crew(url) as nodes:
        a, b = await nodes.meet(2)
        heard: list[Data] = []

        def fail(data: Data) -> None:
            raise ZeroDivisionError

        b.layer.hearing |= {"fail": fail, "note": heard.append}
        for topic in ("fail", "unknown", "note"):
            a.layer.tell(topic, {"n": 1})
        await until(lambda: heard == [{"n": 1}])
        assert "what another process told of 'fail' failed" in caplog.text


async def test_what_cannot_be_told_is_a_mistake_of_the_caller(url: str) -> None:
    async with crew(url) as nodes:
        a = await nodes.join()
        with pytest.raises(EncodeError, match="data.data.data.x"):
            a.layer.tell("note", {"x": object()})
        with pytest.raises(ValueError, match="over"):
            a.layer.tell("note", {"x": "x" * mail.MAX_BYTES})


async def test_without_redis_a_node_answers_itself_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Broker() as broker:
        async with crew(broker.url) as nodes:
            a, b = await nodes.meet(2)
            answers(a)
            broker.stop()
            await until(lambda: not a.layer.shards[0].is_up)
            began_s = time.monotonic()
            assert await a.layer.ask("who", {}, timeout_s=60) == ({a.id: {"id": a.id}}, [b.id])
            assert await a.layer.ask("who", {}, node=b.id, timeout_s=60) == ({}, [b.id])
            assert time.monotonic() - began_s < 5
            for _ in range(3):
                a.layer.tell("note", {})
            await until(lambda: "other nodes were not told something" in caplog.text)
            assert caplog.text.count("other nodes were not told") == 1


async def test_messages_that_make_no_sense_are_refused(url: str) -> None:
    async with crew(url) as nodes:
        a, b = await nodes.meet(2)
        answers(b)
        exchange = vars(vars(vars(a.layer)["_peers"])["_mail"])["_exchange"]
        for kind, data in (
            ("ask", {}),
            ("ask", {"id": "1", "topic": "who", "data": 7}),
            ("ask", {"id": "1", "topic": 7, "data": {}}),
            ("answer", {"id": 7}),
            ("tell", {"topic": "note", "data": []}),
            ("answer", {"id": "unknown", "data": {}}),
        ):
            exchange.send(letter(kind, a.id, data))
        assert (await a.layer.ask("who", {}, node=b.id, timeout_s=60)).silent == []
        assert vars(vars(vars(b.layer)["_peers"])["_mail"])["_exchange"].refused == 5


async def test_a_process_without_server_tells_all_nodes(url: str) -> None:
    async with crew(url) as nodes:
        a, b = await nodes.meet(2)
        heard: list[tuple[str, Data]] = []
        for mate in (a, b):

            def hear(data: Data, mate: Mate = mate) -> None:
                heard.append((mate.id, data))

            mate.layer.hearing["note"] = hear
        outsider = Mate((url,), ())
        loop, runtime.loop = runtime.loop, None
        try:
            outsider.layer.tell("note", {"n": 1})
        finally:
            runtime.loop = loop
        await until(lambda: len(heard) == 2)
        assert sorted(heard, key=str) == sorted([(a.id, {"n": 1}), (b.id, {"n": 1})], key=str)
        outsider.layer.shards[0].blocking.close()


def test_a_process_without_server_is_not_stopped_by_a_redis_that_is_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What it tells is lost, and that is logged once for each outage."""
    with Broker() as broker:
        outsider = Mate((broker.url,), ())
        for _outage in range(2):
            broker.stop()
            for _ in range(3):
                outsider.layer.tell("note", {})
            broker.start()
            outsider.layer.tell("note", {})
        assert caplog.text.count("other processes are not told of 'note'") == 2
        outsider.layer.shards[0].blocking.close()

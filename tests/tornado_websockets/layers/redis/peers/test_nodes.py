"""Nodes know each other by beats in Redis, and read each other's reports there."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import time
from collections.abc import Mapping
from typing import Any

import pytest

from tests.engines.broker import Broker
from tests.tornado_websockets.layers.clients import until
from tests.tornado_websockets.layers.redis.peers.crew import Mate, crew
from tornado_websockets import __version__
from tornado_websockets.layers import Node, NodeState
from tornado_websockets.layers.redis.peers import nodes as module


def reports(mate: Mate, report: Mapping[str, Any]) -> None:
    mate.layer.report = lambda: report


def states_of(mate: Mate, other: Mate) -> list[NodeState]:
    """Return what a node knows of another one, empty when it is gone."""
    return [state for state in mate.layer.nodes() if state.node.id == other.id]


def test_this_process_is_a_node_and_another_one_each_time() -> None:
    one, two = Node.here(), Node.here()
    assert (one.pid, one.host, one.version) == (os.getpid(), socket.gethostname(), __version__)
    assert re.fullmatch("[0-9a-f]{16}", one.id)
    assert one.id != two.id
    assert abs(one.started - time.time()) < 60


async def test_each_node_knows_all_and_itself_first(url: str) -> None:
    async with crew(url) as nodes:
        a, b, c = await nodes.meet(3)
        states = b.layer.nodes()
        assert [state.node.id for state in states] == [b.id, a.id, c.id]
        assert states[1].node == a.layer.node
        assert [state.is_stale for state in states] == [False] * 3
        assert states[0].silent_s == 0.0
        assert (states[0].node.pid, states[0].node.version) == (os.getpid(), __version__)


async def test_a_node_that_ends_is_gone_at_once_and_leaves_nothing_behind(url: str) -> None:
    async with crew(url) as nodes:
        a, b, c = await nodes.meet(3)
        shard = a.layer.shards[0]
        await nodes.leave(c)
        await until(lambda: a.knows(b) and b.knows(a))
        assert set(await shard.client.hkeys(shard.key("nodes"))) == {a.id.encode(), b.id.encode()}
        assert not await shard.client.exists(shard.key("report", c.id))


async def test_a_node_that_starts_again_is_another_one(url: str) -> None:
    async with crew(url) as nodes:
        a, b = await nodes.meet(2)
        first = b.id
        await b.layer.stop()
        await b.layer.start()
        assert b.id != first
        await until(lambda: a.knows(b) and b.knows(a))


async def test_a_silent_node_is_stale_and_then_gone_for_all(url: str) -> None:
    async with crew(url, gone_s=1.5) as nodes:
        a, b, c = await nodes.meet(3)
        reports(c, {"n": 3})
        await until(lambda: a.layer.nodes()[2].silent_s < 0.2)
        await nodes.die(c)
        # Others may be late for a moment, and are stale then as well.
        await until(lambda: any(state.is_stale for state in states_of(a, c)))
        (stale,) = states_of(a, c)
        assert stale.silent_s >= 0.5
        assert c.id not in await a.layer.reports()
        await until(lambda: len(a.layer.nodes()) == len(b.layer.nodes()) == 2)
        shard = a.layer.shards[0]
        assert not await shard.client.hexists(shard.key("nodes"), c.id)


async def test_who_was_gone_before_is_never_known(url: str) -> None:
    """All nodes of a project may have been killed: their beats are there, their reports not."""
    async with crew(url) as nodes:
        a = await nodes.join()
        shard = a.layer.shards[0]
        await shard.client.hset(shard.key("nodes"), "dead", b"whatever")

        async def is_forgotten() -> bool:
            return not await shard.client.hexists(shard.key("nodes"), "dead")

        async with asyncio.timeout(10):
            while not await is_forgotten():
                await asyncio.sleep(0.01)
        assert len(a.layer.nodes()) == 1


async def test_what_is_no_beat_is_refused(url: str, caplog: pytest.LogCaptureFixture) -> None:
    async with crew(url) as nodes:
        a = await nodes.join()
        shard = a.layer.shards[0]
        await shard.client.set(shard.key("report", "strange"), b"")
        await shard.client.hset(shard.key("nodes"), "strange", b"whatever")
        await until(lambda: "was refused" in caplog.text)
        b = await nodes.join()
        await until(lambda: a.knows(b) and b.knows(a))
        assert caplog.text.count("was refused") == 2  # one line of each


async def test_reports_are_those_of_the_others_and_the_own_one_of_now(url: str) -> None:
    async with crew(url) as nodes:
        a, b, _c = await nodes.meet(3)
        for number, mate in enumerate((a, b)):
            reports(mate, {"n": number})
        async with asyncio.timeout(10):
            while (found := await a.layer.reports()).keys() != {a.id, b.id}:
                await asyncio.sleep(0.01)
        assert found == {a.id: {"n": 0}, b.id: {"n": 1}}
        reports(a, {"n": 2})
        assert (await a.layer.reports())[a.id] == {"n": 2}


async def test_a_report_that_cannot_be_sent_is_none(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> Mapping[str, Any]:
        raise ZeroDivisionError

    async with crew(url) as nodes:
        a, b, c, d = await nodes.meet(4)
        reports(b, {"text": "x" * module.MAX_REPORT})
        c.layer.report = fail
        reports(d, {"n": 1})
        async with asyncio.timeout(10):
            while d.id not in await a.layer.reports():
                await asyncio.sleep(0.01)
        await until(lambda: "ZeroDivisionError" in caplog.text)
        await until(lambda: f"bytes, over {module.MAX_REPORT}" in caplog.text)
        assert list(await a.layer.reports()) == [d.id]
        assert a.knows(b, c, d)


async def test_what_is_no_report_is_none(url: str) -> None:
    async with crew(url) as nodes:
        a, b = await nodes.meet(2)
        await nodes.die(b)
        shard = a.layer.shards[0]
        for payload in (b"\xff", b"[]", b'{"event":"report"}', b"x" * (module.MAX_REPORT + 1)):
            await shard.client.set(shard.key("report", b.id), payload)
            assert await a.layer.reports() == {}
        await shard.client.delete(shard.key("report", b.id))
        assert await a.layer.reports() == {}
        await shard.client.hset(shard.key("report", b.id), "a", "hash")
        assert await a.layer.reports() == {}


async def test_a_node_that_cannot_read_takes_nobody_for_gone() -> None:
    with Broker() as broker:
        async with crew(broker.url, gone_s=1.5) as nodes:
            a, b = await nodes.meet(2)
            reports(a, {"n": 1})
            broker.stop()
            await until(lambda: len(a.layer.nodes()) == 2 and a.layer.nodes()[1].silent_s > 2.0)
            assert a.layer.nodes()[1].is_stale
            assert await a.layer.reports() == {a.id: {"n": 1}}
            broker.start()
            await until(lambda: a.knows(b) and b.knows(a))


async def test_a_redis_that_does_not_answer_is_no_end() -> None:
    """Not of the beats either: they go on when it answers again."""
    with Broker() as broker:
        async with crew(broker.url) as nodes:
            a, b = await nodes.meet(2)
            broker.pause()
            try:
                await until(lambda: a.layer.trouble != "")
            finally:
                broker.resume()
            await until(lambda: a.layer.trouble == "" and a.knows(b))


async def test_a_key_of_another_kind_is_told_and_survived(url: str) -> None:
    async with crew(url) as nodes:
        a = await nodes.join()
        shard = a.layer.shards[0]
        await shard.client.delete(shard.key("nodes"))
        async with asyncio.timeout(10):
            while not await shard.client.set(shard.key("nodes"), "a string"):
                await asyncio.sleep(0.01)
        await until(lambda: "WRONGTYPE" in shard.health.reason and not shard.health.is_well)
        await shard.client.delete(shard.key("nodes"))
        await until(lambda: shard.health.is_well)


async def test_a_mistake_in_what_follows_a_beat_is_logged_and_is_no_end(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    async with crew(url) as nodes:
        a, b = await nodes.meet(2)
        vars(vars(vars(a.layer)["_peers"])["_nodes"])["_beaten"] = fail
        await until(lambda: "the list of nodes cannot be used" in caplog.text)
        await until(lambda: a.layer.shards[0].health.reason == "ZeroDivisionError")
        c = await nodes.join()
        await until(lambda: a.knows(b, c) and b.knows(a, c))

"""What a node knows of the others begins with its server, and ends with it."""

from __future__ import annotations

import asyncio

from tests.engines.broker import Broker
from tests.tornado_websockets.layers.clients import member, until
from tests.tornado_websockets.layers.redis.peers.crew import crew


async def test_a_node_may_start_before_redis_and_meets_the_others_later() -> None:
    with Broker() as broker:
        broker.stop()
        async with crew(broker.url) as nodes:
            a, b = await asyncio.gather(nodes.join(), nodes.join())
            a.enter("/x", "r", member("ann"))
            assert a.names("/x", "r") == ["ann"]
            assert len(a.layer.nodes()) == 1
            broker.start()
            await until(lambda: a.knows(b) and b.knows(a))
            await until(lambda: b.names("/x", "r") == ["ann"])


async def test_the_others_are_forgotten_with_the_server(url: str) -> None:
    async with crew(url) as nodes:
        a, b = await nodes.meet(2)
        b.enter("/x", "r", member("bob"))
        await until(lambda: a.names("/x", "r") == ["bob"])
        a.enter("/x", "r", member("ann"))
        await nodes.leave(a)
        assert [state.node for state in a.layer.nodes()] == [a.layer.node]
        assert a.names("/x", "r") == ["ann"]
        a.enter("/x", "r", member("eve"))
        assert a.told == [("r", "ann", True), ("r", "eve", True)]
        await until(lambda: b.knows() and b.names("/x", "r") == ["bob"])


async def test_nodes_of_one_redis_and_two_prefixes_know_nothing_of_each_other(url: str) -> None:
    async with crew(url) as nodes, crew(f"{url}2") as others:
        a, b = await nodes.meet(2)
        stranger = await others.join()
        stranger.enter("/x", "r", member("eve"))
        a.enter("/x", "r", member("ann"))
        await until(lambda: b.names("/x", "r") == ["ann"])
        assert stranger.names("/x", "r") == ["eve"]
        assert stranger.knows()

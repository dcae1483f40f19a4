"""What is for a room reaches its members on all nodes; without a server there is this process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from tests.tornado_websockets.layers.clients import Client, member, until
from tests.tornado_websockets.layers.redis.peers.crew import Mate, crew
from tornado_websockets.layers.event import Event


async def test_a_room_is_one_room_on_all_nodes(url: str) -> None:
    async with crew(url) as nodes:
        mates = await nodes.meet(3)
        inside = [mate.enter("/x", "r", member("ann")) for mate in mates]
        both = mates[1].enter("/x", "r", member("bob"))
        assert mates[1].audience.enter("/x", "s", both, member("bob"))
        outside = [mate.enter("/x", "other", member("eve")) for mate in mates]
        elsewhere = mates[1].enter("/y", "r", member("joe"))
        for mate in mates:
            await until(lambda mate=mate: mate.names("/x", "r") == ["ann", "bob"])  # type: ignore[misc]
        for number, mate in enumerate(mates):
            mate.layer.publish("/x", Event(f"{number}", b'{"event":"a"}', rooms=["r", "s"]))
        mates[0].layer.publish(
            "/x", Event("but one", b'{"event":"a"}', rooms=["r"], without=[both.id])
        )
        for mate in mates:
            mate.layer.publish("/x", Event("end", b'{"event":"a"}'))
            mate.layer.publish("/y", Event("end", b'{"event":"a"}'))
        everybody = [*inside, both, *outside, elsewhere]
        await until(lambda: all(client.got.count("end") == 3 for client in everybody))

        def got(client: Client) -> list[str]:
            return sorted(event for event in client.got if event != "end")

        assert [got(client) for client in inside] == [["0", "1", "2", "but one"]] * 3
        assert got(both) == ["0", "1", "2"]
        assert [got(client) for client in (*outside, elsewhere)] == [[]] * 4


async def test_a_room_of_a_node_that_died_is_that_of_the_others(url: str) -> None:
    # One that is stale, as by a moment's delay, is passed over, and would tell it as well.
    async with crew(url, gone_s=1.5, stale_s=60) as nodes:
        a, b, dead = await nodes.meet(3)
        kept = b.enter("/x", "r", member("ann"))
        dead.enter("/x", "r", member("ann"))
        dead.enter("/x", "r", member("bob"))
        await until(lambda: a.names("/x", "r") == ["ann", "bob"])
        await nodes.die(dead)
        await until(lambda: a.names("/x", "r") == ["ann"])
        a.layer.publish("/x", Event("still", b'{"event":"a"}', rooms=["r"]))
        await until(lambda: kept.got == ["still"])
        # Each node notices it at a time of its own, and one of them tells of it.
        await until(lambda: b.names("/x", "r") == ["ann"])
        await until(lambda: ("r", "bob", False) in [*a.told, *b.told])
        assert [*a.told, *b.told].count(("r", "bob", False)) == 1


async def test_before_its_server_a_layer_is_alone(url: str) -> None:
    async with crew(url) as nodes:
        a = await nodes.join()
        alone = Mate((url,), ("/x",))

        async def answer(data: Mapping[str, Any]) -> Mapping[str, Any]:
            return {"n": 1}

        alone.layer.answering["n"] = answer
        alone.layer.report = lambda: {"n": 2}
        assert [state.node for state in alone.layer.nodes()] == [alone.layer.node]
        assert await alone.layer.ask("n", {}) == ({alone.id: {"n": 1}}, [])
        assert await alone.layer.ask("n", {}, node=a.id) == ({}, [a.id])
        assert await alone.layer.reports() == {alone.id: {"n": 2}}
        heard: list[Any] = []
        a.layer.hearing["note"] = heard.append
        alone.layer.tell("note", {"n": 1})  # a server is about to begin here: nobody hears it yet
        a.layer.tell("note", {"n": 2})
        await asyncio.sleep(0.05)
        assert heard == []


@pytest.mark.parametrize("count", [2, 5])
async def test_nodes_that_begin_together_meet(url: str, count: int) -> None:
    async with crew(url) as nodes:
        mates = await asyncio.gather(*(nodes.join() for _ in range(count)))
        for mate in mates:
            others = [other for other in mates if other is not mate]
            await until(lambda mate=mate, others=others: mate.knows(*others))  # type: ignore[misc]

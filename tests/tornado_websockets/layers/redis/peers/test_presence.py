"""A member is present once, through whatever nodes, and is gone with the last of them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Any

import pytest

from tests.engines.broker import Broker
from tests.tornado_websockets.layers.clients import Client, member, until
from tests.tornado_websockets.layers.redis.peers.crew import Crew, Mate, crew
from tornado_websockets.layers import Member, PresenceChange
from tornado_websockets.layers.redis.peers import presence
from tornado_websockets.layers.redis.peers.exchange import letter
from tornado_websockets.layers.redis.peers.roster import Row


async def together(*mates: Mate, path: str = "/x", room: str = "r", names: list[str]) -> None:
    """Wait until all nodes say that these are in a room."""
    await until(lambda: all(mate.names(path, room) == names for mate in mates))


def presence_of(mate: Mate) -> Any:
    """Return what speaks of presence for a node that has one Redis server."""
    (found,) = vars(vars(mate.layer)["_peers"])["_presences"].values()
    return found


async def acquainted(nodes: Crew, count: int) -> list[Mate]:
    """Return nodes that know each other and the members of each."""
    mates = await nodes.meet(count)
    for mate in mates:
        roster = vars(presence_of(mate))["_roster"]
        others = [other.id for other in mates if other is not mate]

        def is_known(roster: Any = roster, others: list[str] = others) -> bool:
            return not roster.unknown(others)

        await until(is_known)
    return mates


async def test_a_member_is_present_on_all_nodes_once(url: str) -> None:
    async with crew(url) as nodes:
        a, b, c = await acquainted(nodes, 3)
        ann, also_ann, bob = member("ann"), member("ann"), member("bob")
        a.enter("/x", "r", ann)
        await together(a, b, c, names=["ann"])
        b.enter("/x", "r", also_ann)
        b.enter("/x", "r", bob)
        a.enter("/y", "r", member("eve"))
        await together(a, b, c, names=["ann", "bob"])
        await together(a, b, c, path="/y", names=["eve"])
        for mate in (a, b, c):
            assert mate.layer.presence("/x", "r") == [ann, bob]  # since the first of hers
            assert mate.layer.presence("/x", "other") == []


async def test_changes_are_told_once_by_the_node_of_the_connection(url: str) -> None:
    async with crew(url) as nodes:
        a, b, c = await acquainted(nodes, 3)
        first = a.enter("/x", "r", member("ann"))
        await together(a, b, c, names=["ann"])
        last = b.enter("/x", "r", member("ann"))
        b.audience.exit("/x", "r", last)
        b.audience.enter("/x", "r", last, member("ann"))
        await until(lambda: all(has_two(mate) for mate in (a, b, c)))
        a.audience.leave("/x", first)
        # Whoever leaves last is the last one when it has heard of the other one's leaving.
        await until(lambda: not any(has_two(mate) for mate in (b, c)))
        b.audience.leave("/x", last)
        await together(a, b, c, names=[])
        assert (a.told, b.told, c.told) == ([("r", "ann", True)], [("r", "ann", False)], [])
        assert [a.changes[0].connection, b.changes[0].connection] == [first, last]


async def test_members_of_a_node_that_ends_leave_by_themselves(url: str) -> None:
    async with crew(url) as nodes:
        a, b = await acquainted(nodes, 2)
        client = b.enter("/x", "r", member("bob"))
        await together(a, b, names=["bob"])
        b.audience.leave("/x", client)
        await nodes.leave(b)
        await together(a, names=[])
        await until(lambda: a.knows())
        assert (a.told, b.told) == ([], [("r", "bob", True), ("r", "bob", False)])


async def test_members_of_a_node_that_dies_leave_once(url: str) -> None:
    """The node that tells it is the one with the smallest id, of those that serve the path."""
    # One that is stale, as by a moment's delay, is passed over, and would tell it as well.
    async with crew(url, gone_s=1.5, stale_s=60) as nodes:
        mates = await acquainted(nodes, 3)
        elsewhere = await nodes.join("/other")
        dead = mates.pop()
        dead.enter("/x", "r", member("bob"))
        dead.enter("/x", "r", member("ann"))
        kept = mates[0].enter("/x", "r", member("ann"))
        await together(*mates, names=["bob", "ann"])
        await until(lambda: elsewhere.names("/x", "r") == ["bob", "ann"])
        for mate in mates:
            mate.changes.clear()
        await nodes.die(dead)
        await together(*mates, names=["ann"])
        first, second = sorted(mates, key=lambda mate: mate.id)
        await until(lambda: len(first.layer.nodes()) == len(second.layer.nodes()) == 3)
        assert (first.told, second.told, elsewhere.told) == ([("r", "bob", False)], [], [])
        assert first.changes[0].connection is None
        mates[0].audience.leave("/x", kept)
        assert mates[0].told[-1] == ("r", "ann", False)


async def test_a_node_that_was_silent_for_too_long_comes_back_with_its_members(url: str) -> None:
    async with crew(url, gone_s=1.5) as nodes:
        a, b = await acquainted(nodes, 2)
        b.enter("/x", "r", member("bob"))
        await together(a, names=["bob"])
        beats = vars(vars(b.layer)["_peers"])["_nodes"]
        await beats.stop()
        await together(a, names=[])
        vars(beats)["_is_over"] = False
        beats.start()
        await together(a, names=["bob"])
        assert a.told == [("r", "bob", False), ("r", "bob", True)]
        assert [change.connection for change in a.changes] == [None, None]


async def test_two_nodes_that_a_member_leaves_at_once_tell_it_once(url: str) -> None:
    async with crew(url) as nodes:
        a, b, c = mates = await acquainted(nodes, 3)
        first, last = (mate.enter("/x", "r", member("ann")) for mate in (a, b))
        await together(*mates, names=["ann"])
        await until(lambda: all(has_two(mate) for mate in (a, b, c)))
        for mate in mates:
            mate.changes.clear()
        a.audience.leave("/x", first)
        b.audience.leave("/x", last)  # neither has heard of the other
        await together(*mates, names=[])
        await asyncio.sleep(0.05)
        assert [change for mate in mates for change in mate.told] == [("r", "ann", False)]
        assert min(mates, key=lambda mate: mate.id).told == [("r", "ann", False)]


def has_two(mate: Mate) -> bool:
    """Return whether ann is known to be in the room through two nodes."""
    there = [each.name for each in mate.audience.members("/x", "r")]
    roster = vars(presence_of(mate))["_roster"]
    return there + [each.name for each in roster.members(("/x", "r"))] == ["ann", "ann"]


async def test_a_node_that_comes_later_knows_who_is_there(url: str) -> None:
    async with crew(url) as nodes:
        a = await nodes.join()
        for number in range(presence.ROWS * 2 + 1):
            a.enter("/x", f"room {number}", member(f"{number}"))
        b = await nodes.join()
        last = f"room {presence.ROWS * 2}"
        await until(lambda: b.names("/x", last) == [f"{presence.ROWS * 2}"])
        assert b.names("/x", "room 0") == ["0"]
        assert b.told == []


async def test_a_server_that_starts_again_with_members_has_them(url: str) -> None:
    async with crew(url) as nodes:
        a, b = await acquainted(nodes, 2)
        a.enter("/x", "r", member("ann"))
        await a.layer.stop()
        await together(b, names=[])
        await a.layer.start()
        await together(b, names=["ann"])


async def test_a_loss_is_made_good(url: str) -> None:
    """Of a change that the sender does not know to be lost: the next one shows it."""
    async with crew(url) as nodes:
        a, b = await acquainted(nodes, 2)
        lost = presence_of(a)
        lost._own.number += 1
        lost._own.put(Row(("/x", "r"), member("lost")))
        a.enter("/x", "r", member("ann"))
        await together(b, names=["lost", "ann"])


async def test_redis_may_be_away_and_come_back_empty(url: str) -> None:
    with Broker() as broker:
        async with crew(broker.url) as nodes:
            a, b, c = mates = await acquainted(nodes, 3)
            gone = a.enter("/x", "r", member("gone"))
            b.enter("/x", "r", member("stays"))
            await together(*mates, names=["gone", "stays"])
            broker.stop()
            await until(lambda: not any(mate.layer.shards[0].is_up for mate in mates))
            a.audience.leave("/x", gone)
            c.enter("/x", "r", member("new"))
            assert a.names("/x", "r") == ["stays"]
            assert c.names("/x", "r") == ["gone", "stays", "new"]
            broker.start()
            await together(*mates, names=["stays", "new"])
            told = [change for mate in mates for change in mate.told]
            assert sorted(told) == [
                ("r", "gone", False),
                ("r", "gone", True),
                ("r", "new", True),
                ("r", "stays", True),
            ]


async def test_a_redis_that_takes_nothing_for_a_while_gets_everything_later() -> None:
    """The subscription lives on: only the sender knows of the loss."""
    with Broker() as broker:
        async with crew(broker.url) as nodes:
            a, b = await acquainted(nodes, 2)
            broker.pause()
            try:
                a.enter("/x", "r", member("ann"))
                await until(lambda: bool(vars(presence_of(a))["_owed"]))
            finally:
                broker.resume()
            await together(a, b, names=["ann"])


async def test_paths_may_come_and_go_while_the_server_runs(url: str) -> None:
    async with crew(url, gone_s=1.5) as nodes:
        a, b = await acquainted(nodes, 2)
        for mate in (a, b):
            mate.audience.serve("/new", None)
            mate.audience.withdraw("/y")
        b.enter("/new", "r", member("bob"))
        await together(a, path="/new", names=["bob"])
        await nodes.die(b)
        await together(a, path="/new", names=[])
        assert a.told == [("r", "bob", False)]


async def test_presence_is_spread_over_the_servers_as_its_paths_are(url: str) -> None:
    paths = [f"/{number}" for number in range(20)]
    with Broker() as other:
        async with crew(url, other.url) as nodes:
            a, b = await nodes.meet(2, *paths)
            for path in paths:
                a.enter(path, "r", member(path))
            for path in paths:
                await together(a, b, path=path, names=[path])
            assert len({id(a.layer.shard_of(path)) for path in paths}) == 2


async def test_messages_that_make_no_sense_are_refused(url: str) -> None:
    async with crew(url) as nodes:
        a, b = await acquainted(nodes, 2)
        good = Row(("/x", "r"), member("ann")).data
        bad: list[tuple[str, Mapping[str, Any]]] = [
            ("changed", {}),
            ("changed", {"number": 1}),
            ("changed", {"number": 1, "rows": [7]}),
            ("changed", {"number": 1, "rows": [[True, 7, *good]]}),
            ("changed", {"number": 1, "rows": [[True]]}),
            ("changed", {"number": 1, "rows": [[True, True, *good[1:]]]}),
            ("changed", {"number": 1, "rows": [], "paths": 7}),
            ("list", {"number": 1, "index": 0, "of": 1, "rows": []}),
            ("list", {"number": 1, "index": -1, "of": 1, "rows": [], "paths": []}),
            ("list", {"number": 1, "index": 0, "of": 1, "rows": [[]], "paths": []}),
        ]
        exchange = vars(presence_of(a))["_exchange"]
        for kind, data in bad:
            exchange.send(letter(kind, a.id, data))
        a.enter("/x", "r", member("ann"))
        await together(b, names=["ann"])
        assert vars(presence_of(b))["_exchange"].refused == len(bad)


async def test_a_join_costs_one_message_however_many_there_are(url: str) -> None:
    """Those of one moment go together."""
    async with crew(url) as nodes:
        a, b = await acquainted(nodes, 2)
        shard = a.layer.shards[0]
        heard: list[bytes] = []
        shard.listen(shard.channel("presence"), heard.append)
        for number in range(500):
            a.enter("/x", "r", member(f"{number}"))
        await until(lambda: len(b.names("/x", "r")) == 500)
        await until(lambda: len(heard) == 1)


@pytest.mark.parametrize("seed", range(3))
async def test_all_nodes_agree_in_the_end(url: str, seed: int) -> None:
    """Whatever comes and goes meanwhile, connections to Redis among it."""
    choose = random.Random(seed)
    with Broker() as broker:
        async with crew(broker.url) as nodes:
            mates = await acquainted(nodes, 3)
            clients: list[tuple[Mate, Client]] = []
            for step in range(300):
                mate = choose.choice(mates)
                if clients and choose.random() < 0.45:
                    mate, client = clients.pop(choose.randrange(len(clients)))
                    mate.audience.leave("/x", client)
                else:
                    name = choose.choice(["ann", "bob", "eve", "joe"])
                    clients.append((mate, mate.enter("/x", "r", member(name))))
                if step % 100 == 50:
                    broker.run("CLIENT", "KILL", "TYPE", "pubsub")
                if step % 100 == 75:
                    broker.run("CLIENT", "KILL", "TYPE", "normal")
                await asyncio.sleep(choose.random() * 0.01)
            expected: dict[str, Member] = {}
            for mate in mates:
                for each in mate.audience.members("/x", "r"):
                    first = expected.setdefault(each.id, each)
                    expected[each.id] = min(first, each, key=lambda one: one.since)
            those = sorted(expected.values(), key=lambda one: one.since)

            def agree() -> bool:
                return all(mate.layer.presence("/x", "r") == those for mate in mates)

            await until(agree)


async def test_without_a_server_presence_is_that_of_this_process(url: str) -> None:
    mate = Mate((url,), ("/x",))
    told: list[PresenceChange] = []
    mate.audience.presence_changed = told.append
    mate.enter("/x", "r", member("ann"))
    assert mate.names("/x", "r") == ["ann"]
    assert mate.layer.nodes() == [(mate.layer.node, 0.0, False)]

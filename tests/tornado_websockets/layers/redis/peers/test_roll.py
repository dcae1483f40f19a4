"""Nodes are known by their beats, and gone only when they had their time to be heard."""

from __future__ import annotations

import pytest

from tornado_websockets.layers import Node
from tornado_websockets.layers.redis.peers.roll import Roll, beat, node_of

ANN, BOB = (Node(name, "host", 7, "1.0.0", at) for name, at in (("ann", 2.0), ("bob", 1.0)))


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def roll(clock: Clock) -> Roll:
    return Roll(clock)


def meet(roll: Roll, *nodes: Node, number: int = 1) -> None:
    """Read the beats of some nodes, and take in those that are new."""
    beats = {node.id: beat(node, number) for node in nodes}
    for id in roll.read(beats):
        assert roll.add(id, beats[id])


def test_nodes_are_known_in_the_order_of_their_start(roll: Roll) -> None:
    meet(roll, ANN, BOB)
    assert [state.node for state in roll.states] == [BOB, ANN]
    assert [state.silent_s for state in roll.states] == [0.0, 0.0]
    assert roll.live == ["bob", "ann"]


def test_a_beat_that_stays_the_same_is_silence(roll: Roll, clock: Clock) -> None:
    meet(roll, ANN, BOB)
    clock.now_s += 2.9
    meet(roll, ANN, BOB)
    assert roll.live == ["bob", "ann"]
    clock.now_s += 0.1
    meet(roll, ANN, BOB)
    assert [state.is_stale for state in roll.states] == [True, True]
    assert [round(state.silent_s, 6) for state in roll.states] == [3.0, 3.0]
    meet(roll, ANN, number=2)
    assert roll.live == ["ann"]


def test_a_beat_that_is_missing_is_silence(roll: Roll, clock: Clock) -> None:
    """Also of all nodes, when Redis has come back empty."""
    meet(roll, ANN, BOB)
    clock.now_s += 3.0
    meet(roll)
    assert [state.node for state in roll.states if state.is_stale] == [BOB, ANN]


def test_who_is_silent_for_too_long_is_overdue(roll: Roll, clock: Clock) -> None:
    meet(roll, ANN, BOB)
    for number in range(2, 12):
        assert roll.overdue() == []
        clock.now_s += 1.0
        meet(roll, ANN, number=number)
    assert roll.overdue() == ["bob"]
    assert roll.remove("bob")
    assert not roll.remove("bob")
    assert roll.live == ["ann"]
    assert roll.overdue() == []


def test_nobody_is_overdue_because_this_node_could_not_read(roll: Roll, clock: Clock) -> None:
    meet(roll, ANN)
    clock.now_s += 5.0
    roll.miss()
    clock.now_s += 60.0
    assert roll.overdue() == []
    assert [(state.silent_s, state.is_stale) for state in roll.states] == [(65.0, True)]
    roll.miss()
    meet(roll)
    clock.now_s += 9.9
    meet(roll)
    assert roll.overdue() == []
    clock.now_s += 0.1
    assert roll.overdue() == ["ann"]


def test_many_nodes_read_less_often_and_wait_longer(roll: Roll, clock: Clock) -> None:
    crowd = [Node(f"{number}", "host", number, "1.0.0", 0.0) for number in range(100)]
    meet(roll, *crowd)
    assert roll.period_s == 1.0
    crowd += [Node(f"{number}", "host", number, "1.0.0", 0.0) for number in range(100, 1000)]
    meet(roll, *crowd)
    assert roll.period_s == 10.0
    clock.now_s += 11.9
    assert len(roll.live) == 1000
    clock.now_s += 0.1
    assert roll.live == []
    clock.now_s += 6.9
    assert roll.overdue() == []
    clock.now_s += 0.1
    assert len(roll.overdue()) == 1000


def test_a_node_is_in_its_beat() -> None:
    assert node_of("ann", beat(ANN, 7)) == ANN


@pytest.mark.parametrize(
    ("id", "text"),
    [
        ("", beat(ANN, 1)),
        ("x" * 65, beat(ANN, 1)),
        ("ann", b"\xff"),
        ("ann", b"[]"),
        ("ann", b"{}"),
        ("ann", b'{"event":"beat"}'),
        ("ann", beat(ANN, 1).replace(b'"host"', b"7")),
        ("ann", beat(ANN, 1).replace(b'"host":"host"', b'"host":7')),
        ("ann", beat(ANN, 1).replace(b"7", b'"7"')),
        ("ann", beat(ANN, 1).replace(b"7", b"true")),
        ("ann", beat(ANN, 1).replace(b"2.0", b"null")),
        ("ann", beat(ANN, 1).replace(b"2.0", b"true")),
        ("ann", beat(ANN, 1).replace(b"2.0", b"-1")),
        ("ann", beat(ANN, 1).replace(b"2.0", b"1e300")),
        ("ann", beat(ANN, 1).replace(b"2.0", b"9" * 400)),
        ("ann", beat(ANN, 1).replace(b'"1.0.0"', b'{"a":{"b":{}}}')),
        ("ann", beat(Node("ann", "h" * 2000, 7, "1.0.0", 2.0), 1)),
    ],
)
def test_what_is_no_beat_is_refused(roll: Roll, id: str, text: bytes) -> None:
    assert roll.read({id: text}) == [id]
    assert not roll.add(id, text)
    assert roll.refused == 1
    assert roll.states == []

"""The members of other nodes are known as far as each node has told, and a loss is noticed."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado_websockets.layers import Member
from tornado_websockets.layers.redis.peers.roster import (
    Company,
    Part,
    Roster,
    Row,
    change_of,
    row_of,
)

NOW = datetime(2026, 11, 23, 7, 30, 0, 123456, tzinfo=UTC)


def row(name: str, room: str = "r", path: str = "/x") -> Row:
    return Row((path, room), Member(f"user {name}", name, name, NOW))


ANN, BOB, EVE = row("ann"), row("bob"), row("eve", "other")


def part(number: int, *rows: Row, index: int = 0, of: int = 1) -> Part:
    return Part(number, index, of, {"/x"}, rows)


@pytest.fixture
def roster() -> Roster:
    """One that knows the nodes a and b."""
    roster = Roster()
    assert roster.take("a", part(5, ANN, EVE)) == [ANN, EVE]
    assert roster.take("b", part(0)) == []
    return roster


def names(roster: Roster, room: str = "r") -> list[str]:
    return [member.name for member in roster.members(("/x", room))]


def test_a_company_has_whom_it_was_given() -> None:
    company = Company(3, ["/x"])
    for each in (ANN, ANN, BOB, EVE):
        company.put(each)
    company.put(BOB, False)
    company.put(row("nobody", "nowhere"), False)
    assert list(company) == [ANN, EVE]
    assert (ANN in company, BOB in company) == (True, False)
    assert company.members(("/x", "r")) == [ANN.member]
    company.put(ANN, False)
    assert company.members(("/x", "r")) == []
    assert list(vars(company)["_rooms"]) == [EVE.place]


def test_members_are_those_of_all_nodes(roster: Roster) -> None:
    assert roster.take("b", part(0, ANN, BOB)) == [ANN, BOB]
    assert names(roster) == ["ann", "ann", "bob"]
    assert names(roster, "other") == ["eve"]
    assert roster.has(BOB)
    assert roster.has(ANN, but="a")
    assert not roster.has(BOB, but="b")


def test_changes_follow_each_other(roster: Roster) -> None:
    for number, who, is_there in ((6, BOB, True), (7, ANN, False)):
        company = roster.follow("a", number)
        assert company is not None
        company.put(who, is_there)
    assert names(roster) == ["bob"]
    assert roster.unknown(["a", "b"]) == []


def test_a_change_that_is_known_already_does_nothing(roster: Roster) -> None:
    for number in (0, 5):
        assert roster.follow("a", number) is None
    assert roster.unknown(["a"]) == []


def test_a_lost_change_is_noticed_until_there_is_a_list(roster: Roster) -> None:
    assert roster.follow("a", 7) is None
    assert roster.unknown(["a", "b"]) == ["a"]
    assert names(roster) == ["ann"]
    assert roster.take("a", part(7, BOB)) == [BOB]
    assert roster.unknown(["a"]) == []
    assert names(roster) == ["bob"]
    assert names(roster, "other") == []
    assert roster.follow("a", 8) is not None


def test_of_an_unknown_node_a_list_is_wanted_first(roster: Roster) -> None:
    assert roster.follow("c", 1) is None
    assert roster.unknown(["c"]) == ["c"]


def test_a_list_that_a_change_has_overtaken_is_not_taken(roster: Roster) -> None:
    roster.doubt()
    assert roster.follow("a", 6) is not None
    assert roster.take("a", part(5)) is None
    assert roster.unknown(["a"]) == ["a"]
    assert names(roster) == ["ann"]
    assert roster.take("a", part(6)) == []
    assert names(roster) == []


def test_a_list_comes_in_parts(roster: Roster) -> None:
    assert roster.take("a", part(6, BOB, of=2)) is None
    assert names(roster) == ["ann"]
    assert roster.take("a", part(6, ANN, index=1, of=2)) == [BOB]
    assert names(roster) == ["bob", "ann"]
    assert roster.serves("a", "/x")


@pytest.mark.parametrize(
    "parts",
    [
        [part(6, index=1, of=2)],
        [part(6, of=3), part(6, index=2, of=3)],
        [part(6, of=2), part(7, index=1, of=2)],
        [part(6, of=3), part(6, index=2, of=3), part(6, index=1, of=3)],
        [part(6, index=1)],
    ],
)
def test_a_list_with_a_part_missing_is_not_taken(roster: Roster, parts: list[Part]) -> None:
    for each in parts:
        assert roster.take("a", each) is None
    assert names(roster) == ["ann"]
    assert roster.take("a", part(6, BOB)) == [BOB]


def test_everything_is_in_doubt_after_an_absence(roster: Roster) -> None:
    roster.doubt()
    assert roster.unknown(["a", "b", "c"]) == ["a", "b", "c"]
    roster.take("b", part(0))
    assert roster.unknown(["a", "b"]) == ["a"]


def test_a_node_that_is_dropped_takes_its_members_along(roster: Roster) -> None:
    roster.take("a", part(6, BOB, of=2))
    assert roster.drop("a") == [ANN, EVE]
    assert roster.drop("a") == []
    assert names(roster) == []
    assert not roster.serves("a", "/x")
    assert roster.unknown(["a"]) == ["a"]
    assert roster.take("a", part(6, index=1, of=2)) is None


def test_a_node_serves_what_it_has_said(roster: Roster) -> None:
    assert roster.serves("a", "/x")
    assert not roster.serves("a", "/y")
    assert not roster.serves("c", "/x")


def test_a_part_from_far_behind_the_others_costs_nothing(roster: Roster) -> None:
    """A list as long as its index would not fit into any memory."""
    assert roster.take("a", part(7, ANN, index=0, of=10**12)) is None
    assert roster.take("a", part(7, BOB, index=10**12 - 1, of=10**12)) is None
    assert names(roster) == ["ann"]
    assert roster.take("a", part(8, BOB)) == [BOB]


CHANGES = st.lists(
    st.tuples(st.sampled_from([ANN, BOB, EVE]), st.booleans(), st.booleans()), max_size=30
)


@given(changes=CHANGES, cuts=st.lists(st.integers(0, 30)))
def test_a_roster_agrees_with_its_node_whenever_it_is_not_in_doubt(
    changes: list[tuple[Row, bool, bool]], cuts: list[int]
) -> None:
    """Whatever is lost, and whenever a list comes."""
    roster, node, number = Roster(), Company(), 0
    roster.take("a", Part(0, 0, 1, (), []))
    for at, (who, is_there, is_lost) in enumerate(changes):
        node.put(who, is_there)
        number += 1
        company = None if is_lost else roster.follow("a", number)
        if company is not None:
            company.put(who, is_there)
        if at in cuts:
            roster.take("a", Part(number, 0, 1, (), list(node)))
        # The loss of the last change is noticed with the next one.
        if not is_lost and not roster.unknown(["a"]):
            assert set(roster.members(ANN.place)) == set(node.members(ANN.place))
    if roster.unknown(["a"]):
        roster.take("a", Part(number, 0, 1, (), list(node)))
        assert not roster.unknown(["a"])
        assert set(roster.members(ANN.place)) == set(node.members(ANN.place))


def test_a_row_travels() -> None:
    anonymous = Row(("/x", "\x00 room"), Member("1f", None, "", NOW))
    for each in (ANN, EVE, anonymous):
        assert row_of(each.data) == each


def test_a_long_name_is_cut() -> None:
    long = Row(("/x", "r"), Member("1f", None, "n" * 2000, NOW))
    assert row_of(long.data).member.name == "n" * 1000


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "expected a member of a room"),
        ([], "expected a member of a room"),
        (ANN.data[:5], "expected a member of a room"),
        ([*ANN.data, 1], "expected a member of a room"),
        ([*ANN.data[:5], "yesterday"], "expected a member of a room"),
        ([*ANN.data[:5], 7], "expected a member of a room"),
        ([*ANN.data[:5], "2026-11-23T07:30:00"], "expected a time with its time zone"),
        ([7, *ANN.data[1:]], "expected texts of at most 1000 characters"),
        (["x" * 1001, *ANN.data[1:]], "expected texts of at most 1000 characters"),
        ([*ANN.data[:2], None, *ANN.data[3:]], "expected texts of at most 1000 characters"),
        ([*ANN.data[:3], 7, *ANN.data[4:]], "expected texts of at most 1000 characters"),
        ([*ANN.data[:4], ["n"], ANN.data[5]], "expected texts of at most 1000 characters"),
    ],
)
def test_what_is_no_row_is_refused(data: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"{re.escape(message)}$"):
        row_of(data)


def test_a_change_travels() -> None:
    assert change_of([True, False, *ANN.data]) == (True, False, ANN)


@pytest.mark.parametrize("data", [None, [], [True], [1, True, *ANN.data], [True, None, *ANN.data]])
def test_what_is_no_change_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match="expected a change of a member"):
        change_of(data)

"""Whoever has the state of a tick and gets the changes since has the state of now."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.tws_admin.feeds import State
from tws_admin.feed.state import HORIZON, LOG_SIZE, TAIL_SIZE, Feed, Record, Table

values: st.SearchStrategy[Any] = (
    st.none() | st.integers(0, 3) | st.dictionaries(st.sampled_from("12"), st.integers(0, 2))
)


def rows(*names: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Return a strategy for rows, no two of which have the same values of these names."""
    row: st.SearchStrategy[Any] = st.fixed_dictionaries(fields)
    return st.lists(row, max_size=4, unique_by=lambda row: tuple(row[name] for name in names))


events = rows("event", event=st.sampled_from("xyz"), calls=st.integers(0, 2))
ticks = st.fixed_dictionaries(
    {
        "server": st.fixed_dictionaries({"state": values, "cpu": values}),
        "totals": st.fixed_dictionaries({"opened": values}),
        "paths": rows("path", path=st.sampled_from("abc"), errors=values, events=events),
        "bars": rows(
            "path", "name", path=st.sampled_from("ab"), name=st.sampled_from("mn"), value=values
        ),
    }
)


def fed(feed: Feed, tick: Mapping[str, Any], logged: int = 0) -> None:
    feed.advance(float(feed.seq + 1), [{"n": logged}] if logged else [])
    feed.update(**tick)


def without_order(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state in which rows go by name: a new row may come before or behind others."""
    result = copy.deepcopy(dict(state))
    for path in result["paths"]:
        path["events"].sort(key=lambda row: row["event"])
    result["paths"].sort(key=lambda row: row["path"])
    result["bars"].sort(key=lambda row: (row["path"], row["name"]))
    return result


@given(st.lists(ticks, min_size=1, max_size=8), st.data())
def test_a_snapshot_and_the_changes_since_are_a_later_snapshot(
    sequence: list[Any], data: st.DataObject
) -> None:
    """Whatever came and went meanwhile, and also when rows come again."""
    feed = Feed("epoch")
    states = []
    for number, tick in enumerate(sequence, 1):
        fed(feed, tick, number)
        states.append(State(feed.snapshot()))
    reader = data.draw(st.sampled_from(states))
    if reader["seq"] < feed.seq:
        changes = feed.changes(reader["seq"])
        assert changes is not None
        reader.apply(changes)
    assert without_order(reader.data) == without_order(feed.snapshot())


@given(st.lists(ticks, min_size=2, max_size=8))
def test_tick_by_tick_or_all_at_once_is_the_same(sequence: list[Any]) -> None:
    feed = Feed("epoch")
    fed(feed, sequence[0])
    follower, sleeper = State(feed.snapshot()), State(feed.snapshot())
    for number, tick in enumerate(sequence[1:], 1):
        fed(feed, tick, number)
        changes = feed.changes(feed.seq - 1)
        assert changes is not None
        follower.apply(changes)
    merged = feed.changes(1)
    assert merged is not None
    sleeper.apply(merged)
    assert without_order(follower.data) == without_order(sleeper.data)


def test_a_tick_has_only_what_differs() -> None:
    feed = Feed("e")
    path = {"path": "/a", "errors": 0, "opened": 1, "events": [{"event": "say", "calls": 1}]}
    fed(feed, {"server": {"cpu": 1, "pid": 7}, "paths": [path, {**path, "path": "/b"}]})
    fed(feed, {"server": {"cpu": 2, "pid": 7}, "paths": [{**path, "errors": 1}]})
    assert feed.changes(1) == {
        "v": 1,
        "epoch": "e",
        "seq": 2,
        "since": 1,
        "time": 2.0,
        "server": {"cpu": 2},
        "paths": [{"path": "/b", "gone": True}, {"path": "/a", "errors": 1}],
    }


def test_an_event_that_is_new_on_a_path_comes_with_its_path_alone() -> None:
    feed = Feed("e")
    say = {"event": "say", "calls": 1}
    fed(feed, {"paths": [{"path": "/a", "errors": 0, "events": [say]}]})
    more = [say, {"event": "join", "calls": 0}]
    fed(feed, {"paths": [{"path": "/a", "errors": 0, "events": more}]})
    changes = feed.changes(1)
    assert changes is not None
    assert changes["paths"] == [{"path": "/a", "events": [{"event": "join", "calls": 0}]}]


def test_a_tick_without_news_is_still_a_tick() -> None:
    feed = Feed("e")
    feed.advance(1.0)
    feed.advance(2.0)
    assert feed.changes(1) == {"v": 1, "epoch": "e", "seq": 2, "since": 1, "time": 2.0}


def test_a_snapshot_does_not_change_any_more() -> None:
    feed = Feed("e")
    fed(feed, {"totals": {"opened": 1}, "paths": [{"path": "/a", "errors": 0, "events": []}]})
    snapshot = feed.snapshot()
    before = copy.deepcopy(snapshot)
    fed(feed, {"totals": {"opened": 2}, "paths": [{"path": "/a", "errors": 5, "events": []}]}, 1)
    assert snapshot == before


def test_a_tick_has_the_end_of_a_long_log_and_how_much_more_there_was() -> None:
    feed = Feed("e")
    feed.advance(1.0)
    feed.advance(2.0, [{"n": n} for n in range(1, 81)])
    changes = feed.changes(1)
    assert changes is not None
    assert [event["n"] for event in changes["lifecycle"]] == list(range(31, 81))
    assert len(changes["lifecycle"]) == TAIL_SIZE
    assert changes["more"] == 30


def test_events_that_the_log_could_not_keep_are_counted() -> None:
    """More in a second than the log has room for."""
    feed = Feed("e")
    feed.advance(1.0)
    feed.advance(2.0, [{"n": n} for n in range(1501, 2001)], 2000)
    changes = feed.changes(1)
    assert changes is not None
    assert changes["lifecycle"][-1] == {"n": 2000}
    assert changes["more"] == 1950
    assert len(feed.snapshot()["lifecycle"]) == LOG_SIZE


def test_what_is_older_than_the_horizon_cannot_be_told() -> None:
    feed = Feed("e")
    fed(feed, {"paths": [{"path": "/a", "events": []}]})
    fed(feed, {"paths": []})
    while feed.seq < HORIZON:
        feed.advance(0.0)
    changes = feed.changes(1)
    assert changes is not None
    assert changes["paths"] == [{"path": "/a", "gone": True}]
    feed.advance(0.0)
    assert feed.changes(1) is None
    assert feed.changes(2) is not None


def test_what_has_gone_is_forgotten_in_time() -> None:
    """Rows that come and go for ever take no memory for ever."""
    table = Table("id")
    for seq in range(1, 50):
        table.update(seq, [{"id": seq}])
        table.forget(seq - 10)
    assert len([row for row in table.since(0) if "gone" in row]) == 10


def test_a_row_that_is_the_same_object_has_not_changed() -> None:
    table = Table("id")
    row = {"id": 1, "value": 2}
    table.update(1, [row])
    table.update(2, [row])
    assert table.since(1) == []


def test_a_record_may_be_updated_in_part() -> None:
    record = Record()
    record.update(1, {"a": 1, "b": 2})
    record.update(2, {"b": 3})
    assert record.snapshot() == {"a": 1, "b": 3}
    assert record.since(1) == {"b": 3}
    assert record.since(2) == {}

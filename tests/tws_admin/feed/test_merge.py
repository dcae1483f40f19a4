"""Nodes together: counters are added, percentiles are the worst, nothing depends on the order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tws_admin.neighbours import history, server
from tests.tws_admin.snapshots import bar, counters, event, path
from tws_admin.feed import merge
from tws_admin.feed.merge import COUNTERS, PERCENTILES, TALLIES
from tws_admin.feed.sampler import RATES, SERIES

numbers = st.integers(0, 1000)
times = st.none() | st.floats(0, 1000)


def numbered(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(dict.fromkeys(names, numbers))


percentiles = st.fixed_dictionaries(dict.fromkeys(PERCENTILES, times))
tallies = st.fixed_dictionaries(
    dict.fromkeys(TALLIES, st.dictionaries(st.sampled_from(["1000", "1001", "origin"]), numbers))
)
events = st.lists(
    st.builds(
        lambda name, counted, times: event(name, **counted, **times),
        st.sampled_from("xyz"),
        numbered("calls", "errors"),
        percentiles,
    ),
    max_size=3,
    unique_by=lambda row: row["event"],
)
paths = st.lists(
    st.builds(
        lambda name, counted, times, tally, events: path(
            name, **counted, **times, **tally, events=events
        ),
        st.sampled_from(["/a", "/b", "/c"]),
        numbered(*COUNTERS),
        percentiles,
        tallies,
        events,
    ),
    max_size=3,
    unique_by=lambda row: row["path"],
)
nodes = st.lists(paths, max_size=4)


def by_name(rows: list[Any], name: str = "path") -> dict[str, Any]:
    return {row[name]: row for row in rows}


@settings(max_examples=40)
@given(nodes)
def test_what_paths_count_is_added(lists: list[Any]) -> None:
    found = by_name(merge.paths(lists))
    everything = [row for rows in lists for row in rows]
    assert set(found) == {row["path"] for row in everything}
    for name, row in found.items():
        parts = [each for each in everything if each["path"] == name]
        for counter in COUNTERS:
            assert row[counter] == sum(part[counter] for part in parts)
        for tally in TALLIES:
            for key in {key for part in parts for key in part[tally]}:
                assert row[tally].get(key, 0) == sum(part[tally].get(key, 0) for part in parts)
        calls = sum(each["calls"] for part in parts for each in part["events"])
        assert sum(each["calls"] for each in row["events"]) == calls
        for percentile in PERCENTILES:
            known = [part[percentile] for part in parts if part[percentile] is not None]
            assert row[percentile] == (max(known) if known else None)


@settings(max_examples=40)
@given(nodes, st.randoms(use_true_random=False))
def test_no_number_depends_on_the_order_of_the_nodes(lists: list[Any], random: Any) -> None:
    other = lists.copy()
    random.shuffle(other)
    one, two = by_name(merge.paths(lists)), by_name(merge.paths(other))
    assert one.keys() == two.keys()
    for name in one:
        for key in (*COUNTERS, *PERCENTILES):
            assert one[name][key] == two[name][key]
        assert by_name(one[name]["events"], "event") == by_name(two[name]["events"], "event")


@settings(max_examples=40)
@given(nodes)
def test_nodes_may_be_added_one_by_one(lists: list[Any]) -> None:
    step: list[Any] = []
    for rows in lists:
        step = merge.paths([step, rows])
    assert step == merge.paths(lists)


@settings(max_examples=40)
@given(nodes)
def test_the_paths_of_one_node_are_themselves(lists: list[Any]) -> None:
    for rows in lists:
        assert all(one is other for one, other in zip(merge.paths([rows]), rows, strict=True))


@settings(max_examples=40)
@given(nodes)
def test_the_totals_are_those_of_the_paths(lists: list[Any]) -> None:
    totals = merge.totals(merge.totals(rows) for rows in lists)
    assert totals == merge.totals(merge.paths(lists))
    assert merge.totals([]) == counters()


def test_a_bar_is_as_it_is_where_it_moved_last() -> None:
    lists = [
        [bar(value=10, updated=5.0, watchers=1), bar(name="other")],
        [bar(value=70, updated=9.0, watchers=2)],
        [bar(value=0, updated=None, watchers=4)],
    ]
    found = merge.bars(lists)
    assert [(each["name"], each["value"], each["watchers"]) for each in found] == [
        ("import", 70, 7),
        ("other", 40, 2),
    ]


def test_rates_of_paths_are_added() -> None:
    found = merge.speeds([{"/a": {"events_in": 1.5}}, {"/a": {"events_in": 2}, "/b": {"x": 1}}])
    assert found == {"/a": {"events_in": 3.5}, "/b": {"x": 1}}


SAMPLE = ("events_in", "p95_ms", "loop_lag_ms")

columns = st.lists(st.none() | st.integers(0, 100), max_size=8)
rings = st.lists(
    st.tuples(st.fixed_dictionaries(dict.fromkeys(SAMPLE, columns)), st.integers(0, 6)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=40)
@given(rings, st.sampled_from([1, 10, 60]))
def test_points_of_the_same_time_are_put_together(found: list[Any], step_s: int) -> None:
    """Whichever node has been there for how long, and measured when."""
    given_ = [history(step_s, 10_000.0 - late * step_s, **series) for series, late in found]
    merged = merge.history(given_)
    assert merged["end"] == max(each["end"] for each in given_)

    def points(rings: Any, name: str) -> dict[int, Any]:
        values = rings["series"][name]
        last = round(rings["end"] / step_s)
        return {last - len(values) + 1 + index: value for index, value in enumerate(values)}

    for name in SAMPLE:
        parts = [points(each, name) for each in given_]
        for step, value in points(merged, name).items():
            known = [part[step] for part in parts if part.get(step) is not None]
            together = max if name in {*PERCENTILES, "loop_lag_ms"} else sum
            assert value == (together(known) if known else None)
        assert all(step in points(merged, name) for part in parts for step in part)


def test_clocks_that_differ_by_less_than_half_a_step_are_of_the_same_time() -> None:
    one, two = history(end=100.0, events_in=[1, 2]), history(end=100.4, events_in=[10, 20])
    assert merge.history([one, two])["series"]["events_in"] == [11, 22]


def test_a_node_whose_clock_is_wrong_takes_no_room() -> None:
    """Nobody has measured what it says of another decade."""
    one, two = history(end=0.0, events_in=[1, 2]), history(end=1e9, events_in=[10, 20])
    merged = merge.history([one, two])
    assert len(merged["series"]["events_in"]) <= 1440
    assert merged["series"]["events_in"][-2:] == [10, 20]


def test_the_history_of_one_node_is_its_own() -> None:
    """All series as long, and none of them endless, as of several."""
    merged = merge.history([history(60, 90.0, events_in=[1, 2], errors=[5], more=[1, 2, 3, 4])])
    assert (merged["step_s"], merged["end"]) == (60, 90.0)
    assert (merged["series"]["events_in"], merged["series"]["errors"]) == ([1, 2], [None, 5])
    assert set(merged["series"]) == set(SERIES)
    endless = merge.history([history(cpu=list(range(5000)))])["series"]["cpu"]
    assert (len(endless), endless[-1]) == (1440, 4999)


def test_a_point_adds_what_can_be_added() -> None:
    one = {**dict.fromkeys(SERIES, 1), "cpu": None, "p99_ms": 7}
    two = {**dict.fromkeys(SERIES, 2), "cpu": None, "p99_ms": None}
    point = merge.point([one, two])
    assert [point[name] for name in ("events_in", "connections", "rss_bytes")] == [3, 3, 3]
    assert [point[name] for name in ("loop_lag_ms", "p50_ms", "p99_ms", "cpu")] == [2, 2, 7, None]
    assert set(merge.point([]).values()) == {None}
    assert set(RATES) <= set(point)


def test_servers_together_have_what_is_the_same_on_all() -> None:
    one = server(pid=1, host="web1", uptime_s=5.0, started=50.0, cpu=None, viewers=1)
    two = server(pid=2, host="web2", loop_lag_ms=9.0, trouble="Redis is away", state="stopping")
    found = merge.server([one, two])
    assert (found["version"], found["pid"], found["host"]) == ("1.0.0", None, None)
    assert (found["rss_bytes"], found["cpu"], found["viewers"], found["threads"]) == (
        2000,
        0.5,
        1,
        16,
    )
    assert (found["loop_lag_ms"], found["uptime_s"], found["started"]) == (9.0, 100.0, 50.0)
    assert (found["state"], found["trouble"]) == ("serving", "Redis is away")
    assert merge.server([one]) == one


def test_what_other_versions_do_not_tell_is_left_out() -> None:
    found = merge.server([server(), {"state": "serving"}])
    assert found["rss_bytes"] == 1000
    assert found["version"] is None
    assert merge.point([{"events_in": 1}])["events_in"] == 1


@pytest.mark.parametrize("size", [1, 50])
def test_many_nodes_are_as_good_as_few(size: int) -> None:
    lists = [[path("/a", **counters(opened=1))] for _ in range(size)]
    assert merge.paths(lists)[0]["opened"] == size

"""What is counted, and how exactly."""

from __future__ import annotations

import json

import pytest

from tornado_websockets.stats import (
    MAX_KEYS,
    OTHER,
    Counts,
    EventTable,
    PathStats,
    totals,
)

RELATIVE_ERROR = 1 / 16


def test_a_code_beyond_the_bound_counts_as_other_and_known_ones_as_themselves() -> None:
    closed = Counts()
    for code in [*range(3000, 3000 + MAX_KEYS), 4000, 4001, 3000]:
        closed.add(code)
    assert len(closed) == MAX_KEYS + 1
    assert (closed[3000], closed[3001], closed[OTHER]) == (2, 1, 2)
    assert closed.total == MAX_KEYS + 3


def test_an_event_beyond_the_bound_is_measured_as_other_and_known_ones_as_themselves() -> None:
    events = EventTable()
    known = [events[f"event_{n}"] for n in range(MAX_KEYS)]
    assert len(set(map(id, known))) == MAX_KEYS
    assert events["one_more"] is events["and_another"] is events[OTHER]
    assert events["event_0"] is known[0]
    assert len(events) == MAX_KEYS + 1


# A path


def busy_path() -> PathStats:
    stats = PathStats()
    for connections in (1, 2, 1):
        stats.open(connections)
    stats.closed.add(1000)
    stats.closed.add(4008)
    stats.rejected.add("origin")
    stats.events_in += 3
    stats.bytes_in += 300
    stats.events_out += 2
    stats.bytes_out += 200
    stats.warnings.add("unknown_event")
    stats.slow.add("closed")
    stats.events["message"].latency.add(1_000_000)
    stats.events["message"].latency.add(1_000_000)
    stats.events["typing"].latency.add(10_000_000)
    stats.events["typing"].errors += 1
    return stats


def test_a_path_tells_its_counters_under_the_keys_of_the_feed() -> None:
    one_ms = pytest.approx(1, rel=RELATIVE_ERROR)
    ten_ms = pytest.approx(10, rel=RELATIVE_ERROR)
    told = busy_path().as_dict()
    assert told == {
        "opened": 3,
        "closed": 2,
        "rejected": 1,
        "events_in": 3,
        "events_out": 2,
        "bytes_in": 300,
        "bytes_out": 200,
        "errors": 1,
        "warnings": 1,
        "slow": 1,
        "peak": 2,
        "closed_by_code": {"1000": 1, "4008": 1},
        "rejected_by_reason": {"origin": 1},
        "warnings_by_code": {"unknown_event": 1},
        "slow_by_action": {"closed": 1},
        "p50_ms": one_ms,
        "p95_ms": ten_ms,
        "p99_ms": ten_ms,
        "events": [
            {"event": "message", "calls": 2, "errors": 0}
            | dict.fromkeys(("p50_ms", "p95_ms", "p99_ms"), one_ms),
            {"event": "typing", "calls": 1, "errors": 1}
            | dict.fromkeys(("p50_ms", "p95_ms", "p99_ms"), ten_ms),
        ],
    }
    assert json.loads(json.dumps(told)) == told


def test_totals_add_up_the_counters_of_all_paths() -> None:
    silent = PathStats()
    silent.events_in += 10
    assert totals([busy_path(), silent, busy_path()]) == {
        "opened": 6,
        "closed": 4,
        "rejected": 2,
        "events_in": 16,
        "events_out": 4,
        "bytes_in": 600,
        "bytes_out": 400,
        "errors": 2,
        "warnings": 2,
        "slow": 2,
    }


def test_totals_without_a_path_are_all_0() -> None:
    assert set(totals([]).values()) == {0}

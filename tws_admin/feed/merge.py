"""Several nodes as one: what each says of itself, added up.

Pure. Counters are added. What cannot be added, such as a percentile, is that of the node where it
is worst.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Final

from tornado_websockets.stats import PathStats
from tws_admin.feed.sampler import RANGES, SERIES

__all__ = ["COUNTERS", "PERCENTILES", "TALLIES", "bars", "history", "paths", "point", "server"]
__all__ += ["speeds", "totals"]

Row = Mapping[str, Any]

COUNTERS: Final = ("connections", "peak", *PathStats().counters())
"""What a path counts. Peaks are added too: together there were never more than that."""

PERCENTILES: Final = ("p50_ms", "p95_ms", "p99_ms")

TALLIES: Final = ("closed_by_code", "rejected_by_reason", "warnings_by_code", "slow_by_action")
"""What a path counts by kind."""

WORST: Final = frozenset({*PERCENTILES, "loop_lag_ms"})
"""Of these it is the greatest value, of all other numbers the sum."""

MOST_POINTS: Final = max(size for _step_s, size in RANGES.values())

SUMMED: Final = ("rss_bytes", "cpu", "threads", "threads_busy", "threads_queued", "viewers")
"""What is added of servers."""


def totals(rows: Iterable[Row]) -> dict[str, int]:
    """Return the counters of some paths, or of some nodes, together."""
    found = list(rows)
    return {name: sum(row[name] for row in found) for name in COUNTERS}


def paths(lists: Iterable[Iterable[Row]]) -> list[Row]:
    """Return the paths of some nodes; one that only one node has is the very object."""
    return _grouped(lists, lambda row: row["path"], _path)


def bars(lists: Iterable[Iterable[Row]]) -> list[Row]:
    """Return the progress bars of some nodes, each as the node has it where it moved last."""
    return _grouped(lists, lambda row: (row["path"], row["name"]), _bar)


def speeds(nodes: Iterable[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """Return how many events paths have per second, given those of some nodes by path."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for by_path in nodes:
        for path, rates in by_path.items():
            for name, rate in rates.items():
                found[path][name] += rate  # type: ignore[assignment]  # floats do as well
    return {path: dict(rates) for path, rates in found.items()}


def point(points: Iterable[Row]) -> dict[str, float | None]:
    """Return one point of the history for those of some nodes at the same time."""
    found = list(points)
    return {name: _together(name, [each.get(name) for each in found]) for name in SERIES}


def history(rings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the history of some nodes, given that of each, all in steps of the same length.

    Their last points need not be of the same moment: each one goes where its time belongs.
    """
    if len(rings) == 1:
        return _alone(rings[0])
    step_s, end = rings[0]["step_s"], max(each["end"] for each in rings)
    # How many steps before the end of all the last point of each one is; too many, and nothing of
    # it is seen: the clock of that node is wrong.
    late = [min(round((end - each["end"]) / step_s), MOST_POINTS) for each in rings]
    series = {}
    for name in SERIES:
        # From the last point backwards, where they begin together.
        columns = [
            [*[None] * behind, *reversed(each["series"].get(name, ()))]
            for behind, each in zip(late, rings, strict=True)
        ]
        size = min(max(map(len, columns)), MOST_POINTS)
        padded = [(column + [None] * size)[:size] for column in columns]
        series[name] = [_together(name, values) for values in zip(*padded, strict=True)][::-1]
    return {"step_s": step_s, "end": end, "series": series}


def server(servers: Sequence[Row]) -> dict[str, Any]:
    """Return what servers are together, the first being that which shows it.

    What differs, such as the process id, is None. It has been up for as long as that which has
    been for the longest.
    """
    first = servers[0]
    if len(servers) == 1:
        return dict(first)
    same = {
        name: value if all(each.get(name) == value for each in servers) else None
        for name, value in first.items()
    }
    summed = {name: _together(name, [each.get(name) for each in servers]) for name in SUMMED}
    started = [each["started"] for each in servers if each.get("started") is not None]
    uptimes = [each["uptime_s"] for each in servers if each.get("uptime_s") is not None]
    return {
        **same,
        **summed,
        "loop_lag_ms": _together("loop_lag_ms", [each.get("loop_lag_ms") for each in servers]),
        "started": min(started, default=None),
        "uptime_s": max(uptimes, default=None),
        "state": first["state"],
        "trouble": next((each["trouble"] for each in servers if each.get("trouble")), ""),
    }


# Private.


def _alone(ring: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: ring["series"].get(name, []) for name in SERIES}
    size = min(max(map(len, found.values())), MOST_POINTS)
    series = {name: [*[None] * size, *points][len(points) :] for name, points in found.items()}
    return {"step_s": ring["step_s"], "end": ring["end"], "series": series}


def _grouped(
    lists: Iterable[Iterable[Row]],
    key_of: Callable[[Row], Hashable],
    merge: Callable[[list[Row]], Row],
) -> list[Row]:
    groups: dict[Hashable, list[Row]] = {}
    for rows in lists:
        for row in rows:
            groups.setdefault(key_of(row), []).append(row)
    return [rows[0] if len(rows) == 1 else merge(rows) for rows in groups.values()]


def _path(rows: list[Row]) -> Row:
    return {
        **rows[0],
        **totals(rows),
        **_percentiles(rows),
        **{name: _tally([row[name] for row in rows]) for name in TALLIES},
        "events": _grouped([row["events"] for row in rows], lambda row: row["event"], _event),
    }


def _event(rows: list[Row]) -> Row:
    counted = {name: sum(row[name] for row in rows) for name in ("calls", "errors")}
    return {**rows[0], **counted, **_percentiles(rows)}


def _bar(rows: list[Row]) -> Row:
    latest = max(rows, key=lambda row: row["updated"] or 0.0)
    return {**latest, "watchers": sum(row["watchers"] for row in rows)}


def _percentiles(rows: list[Row]) -> dict[str, float | None]:
    return {name: _together(name, [row[name] for row in rows]) for name in PERCENTILES}


def _tally(tallies: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for tally in tallies:
        total.update(tally)
    return dict(total)


def _together(name: str, values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    return max(known) if name in WORST else round(sum(known), 4)

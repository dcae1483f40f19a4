"""What a node says of itself once a second, as it comes from others: to be looked at before use.

Pure. Nodes may run different versions: keys that are not known are passed over, what is wrong with
the others makes the report useless.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import pairwise
from types import NoneType
from typing import Any, Final, TypeAlias

from tws_admin.feed.merge import COUNTERS, PERCENTILES, TALLIES

__all__ = ["TAIL", "Report", "check", "check_past"]

Report: TypeAlias = Mapping[str, Any]
"""
``time``, ``server``, ``totals``, ``paths`` and ``bars`` are those of the feed; ``rates`` is the
newest point of the history, ``speeds`` the rates of paths by name, and ``log`` the last events.
"""

TAIL: Final = 50
"""Events of the log that a report has."""

MAX_LOG: Final = 500
MAX_POINTS: Final = 1500

Types = Collection[type]
Rules = Mapping[str, Types]

TEXT: Final = (str,)
COUNT: Final = (int,)  # which bool is not: types are compared
NUMBER: Final = (int, float)
MAYBE: Final = (int, float, NoneType)
LIST: Final = (list,)
OBJECT: Final = (dict,)

REPORT: Final[Rules] = {
    "time": NUMBER,
    "server": OBJECT,
    "totals": OBJECT,
    "rates": OBJECT,
    "speeds": OBJECT,
    "paths": LIST,
    "bars": LIST,
    "log": LIST,
}
SERVER: Final[Rules] = {
    "state": TEXT,
    "trouble": TEXT,
    **dict.fromkeys(("uptime_s", "started", "loop_lag_ms", "rss_bytes", "cpu"), MAYBE),
}
TOTALS: Final[Rules] = dict.fromkeys(COUNTERS, COUNT)
PATH: Final[Rules] = {
    "path": TEXT,
    "events": LIST,
    **TOTALS,
    **dict.fromkeys(PERCENTILES, MAYBE),
    **dict.fromkeys(TALLIES, OBJECT),
}
EVENT: Final[Rules] = {
    "event": TEXT,
    "calls": COUNT,
    "errors": COUNT,
    **dict.fromkeys(PERCENTILES, MAYBE),
}
BAR: Final[Rules] = {"path": TEXT, "name": TEXT, "watchers": COUNT, "updated": MAYBE}
ENTRY: Final[Rules] = {"n": COUNT, "time": NUMBER, "kind": TEXT}
PAST: Final[Rules] = {"time": NUMBER, "history": OBJECT, "lifecycle": LIST}
HISTORY: Final[Rules] = {"step_s": COUNT, "end": NUMBER, "series": OBJECT}


def check(report: Any) -> Report:
    """Return a report that can be used.

    Raises:
        ValueError: it cannot; says what is wrong.
    """
    _fields(report, REPORT)
    _fields(report["server"], SERVER)
    _fields(report["totals"], TOTALS)
    _values("rates", report["rates"], MAYBE)
    for speeds in report["speeds"].values():
        _values("speeds", speeds, NUMBER)
    for path in report["paths"]:
        _fields(path, PATH)
        for name in TALLIES:
            _values(name, path[name], COUNT)
        for event in path["events"]:
            _fields(event, EVENT)
    for bar in report["bars"]:
        _fields(bar, BAR)
    _check_log(report["log"], TAIL)
    checked: Report = report
    return checked


def check_past(past: Any) -> Mapping[str, Any]:
    """Return what a node says of the time before, if it can be used: history, log, its clock.

    Raises:
        ValueError: it cannot; says what is wrong.
    """
    _fields(past, PAST)
    _fields(past["history"], HISTORY)
    for name, points in past["history"]["series"].items():
        if type(points) is not list or len(points) > MAX_POINTS:
            raise ValueError(f"{name} of the history is no list of at most {MAX_POINTS} points")
        if not all(type(point) in MAYBE for point in points):
            raise ValueError(f"a point of {name} is no number")
    _check_log(past["lifecycle"], MAX_LOG)
    checked: Mapping[str, Any] = past
    return checked


# Private.


def _check_log(log: list[Any], limit: int) -> None:
    if len(log) > limit:
        raise ValueError(f"the log has {len(log)} events, more than {limit}")
    for event in log:
        _fields(event, ENTRY)
    if any(first["n"] >= second["n"] for first, second in pairwise(log)):
        raise ValueError("the events of the log are not in order")


def _fields(row: Any, rules: Rules) -> None:
    if not isinstance(row, dict):
        raise ValueError(f"an object was expected, got {_short(row)}")
    for name, types in rules.items():
        if name not in row:
            raise ValueError(f"there is no {name}")
        value = row[name]
        # An object that was decoded is of a subclass.
        if type(value) not in types and not (types is OBJECT and isinstance(value, dict)):
            raise ValueError(f"{name} is {_short(value)}")


def _values(name: str, row: Any, types: Types) -> None:
    if not isinstance(row, dict) or not all(type(value) in types for value in row.values()):
        raise ValueError(f"{name} is {_short(row)}")


def _short(value: Any) -> str:
    return repr(value)[:60]

"""What a node says of itself once a second, as it comes from others: to be looked at before use.

Pure. Nodes may run different versions: keys that are not known are passed over, what is wrong with
the others makes the report useless. Here is looked at whatever the page or `tws_admin.feed.merge`
computes with: one node that says nonsense must not take the page away from all others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final, TypeAlias

from tws_admin.feed.merge import COUNTERS, PERCENTILES, SUMMED, TALLIES
from tws_admin.values import (
    Holds,
    is_count,
    is_flag,
    is_list,
    is_number,
    is_number_or_none,
    is_object,
    is_text,
    is_text_or_none,
    is_time,
    or_none,
)

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

KIND: Final = re.compile("[a-z_]{1,50}")
"""Of it the page makes the name of a class."""

Rules = Mapping[str, Holds]

REPORT: Final[Rules] = {
    "time": is_time,
    "server": is_object,
    "totals": is_object,
    "rates": is_object,
    "speeds": is_object,
    "paths": is_list,
    "bars": is_list,
    "log": is_list,
}
SERVER: Final[Rules] = {
    "state": is_text,
    "trouble": is_text,
    **dict.fromkeys(("uptime_s", "started", "loop_lag_ms", "rss_bytes", "cpu"), is_number_or_none),
}
SERVER_TOO: Final[Rules] = {
    **dict.fromkeys((*SUMMED, "pid"), is_number_or_none),
    **dict.fromkeys(("host", "version", "python", "django", "tornado"), is_text_or_none),
}
"""What may be missing there."""

TOTALS: Final[Rules] = dict.fromkeys(COUNTERS, is_count)
PATH: Final[Rules] = {
    "path": is_text,
    "declared": is_text_or_none,
    "events": is_list,
    "modules": is_list,
    "rules": is_object,
    **TOTALS,
    **dict.fromkeys(PERCENTILES, is_number_or_none),
    **dict.fromkeys(TALLIES, is_object),
}
RULES: Final[Rules] = {"permission": is_text_or_none, "origins": is_list}
MODULE: Final[Rules] = {"kind": is_text, "name": is_text}
EVENT: Final[Rules] = {
    "event": is_text,
    "calls": is_count,
    "errors": is_count,
    "callback": is_text_or_none,
    "is_async": or_none(is_flag),
    **dict.fromkeys(PERCENTILES, is_number_or_none),
}
BAR: Final[Rules] = {
    "path": is_text,
    "name": is_text,
    "label": is_text_or_none,
    "indeterminate": is_flag,
    "done": is_flag,
    "watchers": is_count,
    **dict.fromkeys(("value", "min", "max"), is_number),
    **dict.fromkeys(("rate", "eta_s"), is_number_or_none),
    **dict.fromkeys(("started", "updated"), or_none(is_time)),
}
ENTRY: Final[Rules] = {
    "n": is_count,
    "time": is_time,
    "kind": lambda kind: is_text(kind) and KIND.fullmatch(kind) is not None,
}
ENTRY_TOO: Final[Rules] = {"path": is_text_or_none, "duration_s": is_number_or_none}
PAST: Final[Rules] = {"time": is_time, "history": is_object, "lifecycle": is_list}
HISTORY: Final[Rules] = {"step_s": is_count, "end": is_time, "series": is_object}


def check(report: Any) -> Report:
    """Return a report that can be used.

    Raises:
        ValueError: it cannot; says what is wrong.
    """
    _fields(report, REPORT)
    _fields(report["server"], SERVER, SERVER_TOO)
    _fields(report["totals"], TOTALS)
    _values("rates", report["rates"], is_number_or_none)
    for speeds in report["speeds"].values():
        _values("speeds", speeds, is_number)
    for path in report["paths"]:
        _check_path(path)
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
            raise ValueError(f"{name:.60} in the history is no list of at most {MAX_POINTS}")
        if not all(map(is_number_or_none, points)):
            raise ValueError(f"a point of {name:.60} is no number")
    _check_log(past["lifecycle"], MAX_LOG)
    checked: Mapping[str, Any] = past
    return checked


# Private.


def _is_plain(value: Any) -> bool:
    return is_number_or_none(value) or is_text(value) or is_flag(value)


def _check_path(path: Any) -> None:
    _fields(path, PATH)
    for name in TALLIES:
        _values(name, path[name], is_count)
    for event in path["events"]:
        _fields(event, EVENT)
    for module in path["modules"]:
        _fields(module, MODULE)
    _fields(path["rules"], RULES)
    if not all(map(is_text, path["rules"]["origins"])):
        raise ValueError(f"origins is {_short(path['rules']['origins'])}")


def _check_log(log: list[Any], limit: int) -> None:
    if len(log) > limit:
        raise ValueError(f"the log has {len(log)} events, more than {limit}")
    for event in log:
        _fields(event, ENTRY, ENTRY_TOO)
        _values("an event of the log", event, _is_plain)
    if any(first["n"] >= second["n"] for first, second in pairwise(log)):
        raise ValueError("the events of the log are not in order")


def _fields(row: Any, rules: Rules, more: Rules | None = None) -> None:
    """Look at what has to be in an object, and at what may be.

    Raises:
        ValueError: something is missing, or is something else.
    """
    if not isinstance(row, dict):
        raise ValueError(f"an object was expected, got {_short(row)}")
    for name, holds in rules.items():
        if name not in row:
            raise ValueError(f"there is no {name}")
        if not holds(row[name]):
            raise ValueError(f"{name} is {_short(row[name])}")
    for name, holds in (more or {}).items():
        if not holds(row.get(name)):
            raise ValueError(f"{name} is {_short(row[name])}")


def _values(name: str, row: Any, holds: Holds) -> None:
    if not isinstance(row, dict) or not all(map(holds, row.values())):
        raise ValueError(f"{name} is {_short(row)}")


def _short(value: Any) -> str:
    return repr(value)[:60]

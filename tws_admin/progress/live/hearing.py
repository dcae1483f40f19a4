"""What another process tells of a run, to be looked at before use.

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from tws_admin.progress.live.board import Row
from tws_admin.progress.states import State
from tws_admin.values import (
    Holds,
    is_count,
    is_number_or_none,
    is_text,
    is_text_or_none,
    is_time,
    or_none,
)

__all__ = ["TOLD", "check"]

TOLD: Final = "tws_admin.task"
"""The topic under which processes tell each other how a run is."""

UUID: Final = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LOCAL: Final = re.compile(r"/(?![/\\])")  # browsers take \\ for /
STATES: Final = frozenset(str(state) for state in State)


def check(row: Any) -> Row:
    """Return a row that can be used, without keys that are not known.

    Raises:
        ValueError: it cannot; says what is wrong.
    """
    if not isinstance(row, Mapping):
        raise ValueError(f"the row of a run was expected, got {row!r:.60}")
    for name, holds in RULES.items():
        if name not in row or not holds(row[name]):
            raise ValueError(f"the {name} of a run is {row.get(name)!r:.60}")
    return {name: row[name] for name in RULES}


# Private.


def _is_path(value: Any) -> bool:
    """An address on this site, or none: never one that runs a script, or leads elsewhere."""
    return is_text(value) and (value == "" or LOCAL.match(value) is not None)


RULES: Final[Mapping[str, Holds]] = {
    "id": lambda value: is_text(value) and UUID.fullmatch(value) is not None,
    "state": lambda value: is_text(value) and value in STATES,
    "wish": is_text,
    "title": is_text,
    "site": is_text,
    "model": is_text,
    "action": is_text,
    "user": is_text_or_none,
    "username": is_text_or_none,
    "engine": is_text,
    "attempt": is_count,
    "done": is_count,
    "total": or_none(is_count),
    "label": is_text,
    "rate": is_number_or_none,
    "eta_s": is_number_or_none,
    "errors": is_count,
    "created": is_time,
    "started": or_none(is_time),
    "progressed": or_none(is_time),
    "wished": or_none(is_time),
    "ended": or_none(is_time),
    "url": _is_path,
}
"""What each key of a row may be."""

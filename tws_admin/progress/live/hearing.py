"""What another process tells of a run, to be looked at before use.

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from tws_admin.progress.live.board import Row
from tws_admin.progress.states import State

__all__ = ["TOLD", "check"]

TOLD: Final = "tws_admin.task"
"""The topic under which processes tell each other how a run is."""

UUID: Final = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
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


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_text_or_none(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_count_or_none(value: Any) -> bool:
    return value is None or _is_count(value)


def _is_number(value: Any) -> bool:
    return type(value) is int or type(value) is float


def _is_number_or_none(value: Any) -> bool:
    return value is None or _is_number(value)


RULES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "id": lambda value: _is_text(value) and UUID.fullmatch(value) is not None,
    "state": lambda value: _is_text(value) and value in STATES,
    "wish": _is_text,
    "title": _is_text,
    "site": _is_text,
    "model": _is_text,
    "action": _is_text,
    "user": _is_text_or_none,
    "username": _is_text_or_none,
    "engine": _is_text,
    "attempt": _is_count,
    "done": _is_count,
    "total": _is_count_or_none,
    "label": _is_text,
    "rate": _is_number_or_none,
    "eta_s": _is_number_or_none,
    "errors": _is_count,
    "created": _is_number,
    "started": _is_number_or_none,
    "progressed": _is_number_or_none,
    "wished": _is_number_or_none,
    "ended": _is_number_or_none,
    "url": _is_text,
}
"""What each key of a row may be."""

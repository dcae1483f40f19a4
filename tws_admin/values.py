"""What a value may be that comes from another process: one that lies can spoil no page.

Pure. Each function says whether a value can be used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

__all__ = ["Holds", "is_count", "is_flag", "is_list", "is_number", "is_number_or_none"]
__all__ += ["is_object", "is_text", "is_text_or_none", "is_time", "or_none"]

Holds: TypeAlias = Callable[[Any], bool]
"""Says whether a value can be used."""

MAX_TEXT: Final = 2000
"""Characters of a text."""

MOST: Final = 2**53
"""The greatest number: of greater ones JavaScript loses the last digits."""

LAST: Final = 253_402_300_799
"""The end of the year 9999, after which there are no dates."""


def is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT


def is_text_or_none(value: Any) -> bool:
    return value is None or is_text(value)


def is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MOST  # which True is not: types are compared


def is_number(value: Any) -> bool:
    return type(value) in (int, float) and -MOST <= value <= MOST  # which NaN is not


def is_number_or_none(value: Any) -> bool:
    # Not by way of `is_number`: a history has 26 000 of these.
    return value is None or (type(value) in (int, float) and -MOST <= value <= MOST)


def is_time(value: Any) -> bool:
    """Unix time of which there is a date."""
    return type(value) in (int, float) and 0 <= value <= LAST


def is_flag(value: Any) -> bool:
    return type(value) is bool


def is_object(value: Any) -> bool:
    return isinstance(value, dict)


def is_list(value: Any) -> bool:
    return isinstance(value, list)


def or_none(holds: Holds) -> Holds:
    """Return what holds for None as well."""
    return lambda value: value is None or holds(value)

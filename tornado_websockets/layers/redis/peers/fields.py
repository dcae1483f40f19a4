"""The fields of what other nodes send, checked. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["items", "mapping", "number", "text", "texts"]


def text(data: Mapping[str, Any], key: str) -> str:
    """Return a string.

    Raises:
        ValueError: it is something else; so do the other functions.
    """
    value = data.get(key)
    if type(value) is not str:
        raise _error(key, "a string", value)
    return value


def number(data: Mapping[str, Any], key: str) -> int:
    """Return a number from 0 on."""
    value = data.get(key)
    if type(value) is not int or value < 0:
        raise _error(key, "a number from 0 on", value)
    return value


def mapping(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return an object."""
    value = data.get(key)
    if not isinstance(value, dict):
        raise _error(key, "an object", value)
    return value


def items(data: Mapping[str, Any], key: str, most: int) -> list[Any]:
    """Return a list of at most so many items."""
    value = data.get(key)
    if type(value) is not list or len(value) > most:
        raise _error(key, f"a list of at most {most}", value)
    return value


def texts(data: Mapping[str, Any], key: str, most: int) -> list[str]:
    """Return a list of at most so many strings."""
    value = items(data, key, most)
    if not all(type(each) is str for each in value):
        raise _error(key, "a list of strings", value)
    return value


def _error(key: str, expected: str, value: Any) -> ValueError:
    return ValueError(f"{key} should be {expected}, got {value!r:.100}")

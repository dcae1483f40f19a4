"""What the keys of ``TWS_ADMIN`` may be, and what is wrong with those that are not."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

__all__ = ["RULES", "Problem", "problems"]


class Problem(NamedTuple):
    """What is wrong with one setting.

    Attributes:
        id: number of the system check, like ``E002``; W for what the monitor can live with.
        message: expected and got.
        hint: what to do.
    """

    id: str
    message: str
    hint: str


class Rule(NamedTuple):
    """What one key may be.

    Attributes:
        id: number of the system check.
        expected: in words, behind "must be".
        holds: whether a value is that.
    """

    id: str
    expected: str
    holds: Callable[[Any], bool]


RULES: Final[Mapping[str, Rule]] = {
    "read_only": Rule("E002", "True or False", lambda value: isinstance(value, bool)),
}


def problems(given: Any) -> Iterator[Problem]:
    """Yield what is wrong with a value of ``TWS_ADMIN``."""
    if not isinstance(given, Mapping):
        yield Problem(
            "E001",
            f"TWS_ADMIN must be a dictionary, got {given!r}.",
            "Write TWS_ADMIN = {} in the settings, or leave it out.",
        )
        return
    for key, value in given.items():
        if key not in RULES:
            close = difflib.get_close_matches(str(key), RULES, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else f"Known keys: {', '.join(RULES)}."
            yield Problem("W001", f"TWS_ADMIN has an unknown key, {key!r}.", hint)
        elif not RULES[key].holds(value):
            yield Problem(
                RULES[key].id,
                f"TWS_ADMIN[{key!r}] must be {RULES[key].expected}, got {value!r}.",
                "Correct it in the settings, or leave it out for the default.",
            )

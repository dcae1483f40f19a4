"""What the keys of ``TWS_ADMIN`` may be, and what is wrong with those that are not."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from tornado_websockets.rules import Problem

__all__ = ["ENGINES", "RULES", "problems"]


class Rule(NamedTuple):
    """What one key may be.

    Attributes:
        id: number of the system check.
        expected: in words, behind "must be".
        holds: whether a value is that.
        is_secret: whether a value is never to be shown.
    """

    id: str
    expected: str
    holds: Callable[[Any], bool]
    is_secret: bool = False


PATH: Final = re.compile(r"/(?:(?![?#])[!-~])+")
TOKEN: Final = re.compile(r"[!-~]{16,}")
"""What a header can carry as it is, and nobody guesses."""

ENGINES: Final = ("thread", "django", "celery")
"""Where progress tasks may run."""

RULES: Final[Mapping[str, Rule]] = {
    "read_only": Rule("E002", "True or False", lambda value: isinstance(value, bool)),
    "metrics_path": Rule(
        "E003",
        "a path that begins with a slash, like '/metrics', or None",
        lambda value: value is None or _matches(PATH, value),
    ),
    "metrics_token": Rule(
        "E004",
        "at least 16 letters, digits and signs of ASCII without a blank, or None",
        lambda value: value is None or _matches(TOKEN, value),
        is_secret=True,
    ),
    "engine": Rule(
        "E005",
        f"one of {', '.join(map(repr, ENGINES))}",
        lambda value: isinstance(value, str) and value in ENGINES,
    ),
    "task_threads": Rule("E006", "a whole number from 1 to 100", lambda value: _within(value, 100)),
    "history": Rule(
        "E007",
        "a dictionary with whole numbers of at least 1 under 'days' and 'count'",
        lambda value: (
            isinstance(value, Mapping)
            and set(value) == {"days", "count"}
            and all(_within(each, 10**9) for each in value.values())
        ),
    ),
    "toasts": Rule("E008", "True or False", lambda value: isinstance(value, bool)),
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
            got = "something else" if RULES[key].is_secret else repr(value)
            yield Problem(
                RULES[key].id,
                f"TWS_ADMIN[{key!r}] must be {RULES[key].expected}, got {got}.",
                "Correct it in the settings, or leave it out for the default.",
            )


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _within(value: Any, limit: int) -> bool:
    return type(value) is int and 0 < value <= limit

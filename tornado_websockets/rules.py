"""What the keys of ``TORNADO`` may be, and what is wrong with those that are not."""

from __future__ import annotations

import difflib
import os
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from tornado_websockets.outbox import POLICIES

__all__ = ["COMPRESSION", "LIMIT_RULES", "RULES", "Problem", "is_compression", "problems"]


class Problem(NamedTuple):
    """What is wrong with one setting.

    Attributes:
        id: number of the system check, like ``E002``; W for what the server can live with.
        message: expected and got.
        hint: what to do.
    """

    id: str
    message: str
    hint: str


class _Rule(NamedTuple):
    id: str
    expected: str
    holds: Callable[[Any], bool]


def _is_int(value: Any, low: int, high: int | None = None) -> bool:
    return type(value) is int and value >= low and (high is None or value <= high)


def _is_seconds(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < float("inf")


def _is_route(route: Any) -> bool:
    # Tuples of 2 to 4, or tornado.routing.Rule, which has a matcher and a target.
    if isinstance(route, (list, tuple)):
        return 2 <= len(route) <= 4
    return hasattr(route, "matcher") and hasattr(route, "target")


def _are_routes(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(map(_is_route, value))


def _is_names(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(name, str) for name in value)


def is_compression(value: Any) -> bool:
    """Return whether a value is `COMPRESSION`."""
    if isinstance(value, bool):
        return True
    ranges = {"level": (0, 9), "mem_level": (1, 9), "window_bits": (9, 15), "min_size": (0, None)}
    return _is_names(value) and all(
        key in ranges and _is_int(number, *ranges[key]) for key, number in value.items()
    )


def _is_file(value: Any) -> bool:
    return value is None or (
        isinstance(value, (str, os.PathLike))
        and os.access(value, os.R_OK)
        and Path(value).is_file()
    )


COMPRESSION: Final = (
    "True, False or a dictionary of level (0-9), mem_level (1-9), window_bits (9-15) and min_size"
    " (bytes)"
)
"""What may be said of compression, by the project and by a path."""

_SIZE = "a positive integer (bytes), or None for no limit"
_COUNT = "an integer of at least 1"

RULES: Mapping[str, _Rule] = {
    "port": _Rule("E002", "an integer between 0 and 65535", lambda v: _is_int(v, 0, 65535)),
    "handlers": _Rule("E003", "a list of Tornado routes, like (pattern, handler)", _are_routes),
    "settings": _Rule("E004", "a dictionary of Tornado settings, by name", _is_names),
    "threads": _Rule("E005", _COUNT, lambda v: _is_int(v, 1)),
    "event_threads": _Rule("E005", _COUNT, lambda v: _is_int(v, 1)),
    "max_body_size": _Rule("E006", _SIZE, lambda v: v is None or _is_int(v, 1)),
    "ping_interval": _Rule("E007", "a number of seconds, 0 for no pings", _is_seconds),
    "ping_timeout": _Rule("E007", "a number of seconds", _is_seconds),
    "limits": _Rule("E008", "a dictionary of limits, by name", _is_names),
    "slow_reader": _Rule("E010", f"one of {', '.join(POLICIES)}", lambda v: v in POLICIES),
    "compression": _Rule(
        "E011",
        COMPRESSION,
        is_compression,
    ),
    "certfile": _Rule("E012", "the path of a file that can be read", _is_file),
    "keyfile": _Rule("E012", "the path of a file that can be read", _is_file),
    "ssl_options": _Rule(
        "E013",
        "an ssl.SSLContext or a dictionary of options for one",
        lambda v: v is None or isinstance(v, ssl.SSLContext) or _is_names(v),
    ),
}

LIMIT_RULES: Mapping[str, _Rule] = {
    "message_size": _Rule("E009", _SIZE, lambda v: v is None or _is_int(v, 1)),
    "inbox": _Rule("E009", f"{_COUNT}, or None for no limit", lambda v: v is None or _is_int(v, 1)),
    "send_bytes": _Rule("E009", _SIZE, lambda v: v is None or _is_int(v, 1)),
    "send_frames": _Rule(
        "E009", f"{_COUNT}, or None for no limit", lambda v: v is None or _is_int(v, 1)
    ),
}


def problems(tornado: Any) -> list[Problem]:
    """Return what is wrong with a value of ``settings.TORNADO``."""
    if not _is_names(tornado):
        return [
            Problem(
                "E001",
                f"TORNADO must be a dictionary of settings, by name, got {tornado!r}.",
                "Write TORNADO = {'port': 8000}, or remove it to have the defaults.",
            )
        ]
    found = _violations("TORNADO", tornado, RULES)
    keyfile = tornado.get("keyfile")
    if keyfile and _is_file(keyfile) and not tornado.get("certfile"):
        found.append(
            Problem(
                "E012",
                "TORNADO['keyfile'] needs TORNADO['certfile'], which is not set.",
                "Set TORNADO['certfile'] too: without it the server would speak no TLS.",
            )
        )
    if _is_names(tornado.get("limits", {})):
        found += _violations("TORNADO['limits']", tornado.get("limits", {}), LIMIT_RULES)
    return found


def _violations(owner: str, values: Mapping[str, Any], rules: Mapping[str, _Rule]) -> list[Problem]:
    found = []
    for key, value in values.items():
        rule = rules.get(key)
        if rule is None:
            found.append(_unknown(owner, key, rules))
        elif not rule.holds(value):
            # The name of the type says what a repr hides: 8000 or "8000".
            got = f"{value!r} ({type(value).__name__})"
            found.append(
                Problem(
                    rule.id,
                    f"{owner}[{key!r}] must be {rule.expected}, got {got}.",
                    f"Correct {owner}[{key!r}] in the settings module, or remove it to have its"
                    " default.",
                )
            )
    return found


def _unknown(owner: str, key: str, rules: Mapping[str, _Rule]) -> Problem:
    near = difflib.get_close_matches(key, rules, n=1)
    return Problem(
        "W001",
        f"{owner} has an unknown key {key!r}, which does nothing.",
        f"Did you mean {near[0]!r}?" if near else f"Known keys: {', '.join(sorted(rules))}.",
    )

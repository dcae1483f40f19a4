"""What the keys of ``TORNADO`` may be, and what is wrong with those that are not."""

from __future__ import annotations

import difflib
import os
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from tornado_websockets import layerspec
from tornado_websockets.origins import is_pattern
from tornado_websockets.outbox import POLICIES
from tornado_websockets.proxies import is_proxy

__all__ = [
    "COMPRESSION",
    "LIMIT_RULES",
    "RULES",
    "Problem",
    "is_compression",
    "limit_problems",
    "problems",
]


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


def _is_health(value: Any) -> bool:
    return value is None or (
        _is_names(value)
        and all(
            name in ("live", "ready")
            and (path is None or (isinstance(path, str) and path.startswith("/")))
            for name, path in value.items()
        )
    )


def _are(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, (list, tuple)) and all(map(holds, value))


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
    "compression": _Rule("E011", COMPRESSION, is_compression),
    "certfile": _Rule("E012", "the path of a file that can be read", _is_file),
    "keyfile": _Rule("E012", "the path of a file that can be read", _is_file),
    "ssl_options": _Rule(
        "E013",
        "an ssl.SSLContext or a dictionary of options for one",
        lambda v: v is None or isinstance(v, ssl.SSLContext) or _is_names(v),
    ),
    "allowed_origins": _Rule(
        "E014",
        "a list of origins, like 'https://example.com', 'https://*.example.com' or '*'",
        _are(is_pattern),
    ),
    "trusted_proxies": _Rule(
        "E015",
        "a list of addresses or networks, like '10.0.0.1', '10.0.0.0/8' or 'unix:'",
        _are(is_proxy),
    ),
    "layer": _Rule(
        "E018",
        "the URL of a Redis server, like 'redis://127.0.0.1:6379/0', a list of such URLs, or the"
        " dotted path of a Layer",
        layerspec.is_layer,
    ),
    "workers": _Rule("E019", f"{_COUNT}, or 'auto' for one for each core", layerspec.is_workers),
    "recheck_period": _Rule(
        "E016", "a positive number of seconds", lambda v: _is_seconds(v) and v > 0
    ),
    "health": _Rule(
        "E017",
        "a dictionary of the paths live and ready, like {'live': '/alive', 'ready': None}, or None",
        _is_health,
    ),
    "shutdown_timeout": _Rule("E007", "a number of seconds", _is_seconds),
    "shutdown_delay": _Rule("E007", "a number of seconds", _is_seconds),
}


def _is_limit(value: Any) -> bool:
    return value is None or _is_int(value, 1)


_SIZE_LIMIT = _Rule("E009", _SIZE, _is_limit)
_COUNT_LIMIT = _Rule("E009", f"{_COUNT}, or None for no limit", _is_limit)

LIMIT_RULES: Mapping[str, _Rule] = {
    "message_size": _SIZE_LIMIT,
    "inbox": _COUNT_LIMIT,
    "send_bytes": _SIZE_LIMIT,
    "send_frames": _COUNT_LIMIT,
    "connections": _Rule(
        "E009",
        f"{_COUNT}, 'auto' for what the file descriptors allow, or None for no limit",
        lambda v: v == "auto" or _is_limit(v),
    ),
    "connections_per_user": _COUNT_LIMIT,
    "connections_per_address": _COUNT_LIMIT,
    "handshakes_per_second": _COUNT_LIMIT,
    "messages_per_second": _COUNT_LIMIT,
    "burst": _Rule("E009", _COUNT, lambda v: _is_int(v, 1)),
    "bytes_per_second": _SIZE_LIMIT,
    "json_depth": _COUNT_LIMIT,
    "bad_frames": _COUNT_LIMIT,
    "rooms": _COUNT_LIMIT,
    "header_size": _SIZE_LIMIT,
}

SHARED_LIMITS: Final = frozenset({"header_size"})
"""Limits that no path can have of its own: they apply before the path is known."""


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
    found += [Problem(*told) for told in layerspec.problems(tornado)]
    if _is_names(tornado.get("limits", {})):
        found += _violations("TORNADO['limits']", tornado.get("limits", {}), LIMIT_RULES)
    return found


def limit_problems(owner: str, limits: Any) -> list[Problem]:
    """Return what is wrong with the limits that a path has of its own."""
    if not _is_names(limits):
        expected = RULES["limits"].expected
        return [Problem("E008", f"{owner} must be {expected}, got {limits!r}.", "Correct it.")]
    rules = {name: rule for name, rule in LIMIT_RULES.items() if name not in SHARED_LIMITS}
    return _violations(owner, limits, rules)


def _violations(owner: str, values: Mapping[str, Any], rules: Mapping[str, _Rule]) -> list[Problem]:
    found = []
    for key, value in values.items():
        rule = rules.get(key)
        if rule is None:
            found.append(_unknown(owner, key, rules))
        elif not rule.holds(value):
            # The name of the type says what a repr hides: 8000 or "8000".
            shown = layerspec.without_password(repr(value))
            got = f"{shown} ({type(value).__name__})"
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

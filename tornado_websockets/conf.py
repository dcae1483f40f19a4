"""The settings: ``TORNADO`` in the project's settings module, checked, with its defaults.

The only module that reads Django's settings. `problems` tells what is wrong with them (the system
checks and `get` both ask it), so a mistake is worded in one place.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

__all__ = ["Config", "Limits", "Problem", "get", "problems"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """How much one client may ask for. None is unlimited."""

    message_size: int | None = 64 * 1024
    """Bytes of one message, assembled from its fragments; a larger one closes with 1009."""
    inbox: int | None = 100
    """Messages of one connection that wait for its callback; beyond, reading pauses."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """``settings.TORNADO`` with its defaults."""

    port: int = 8000
    """TCP port, 0 for one that the system chooses."""
    handlers: tuple[Any, ...] = ()
    """Tornado routes, see `tornado.web.Application`."""
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Tornado settings, see `tornado.web.Application.settings`."""
    threads: int = 8
    """Threads that answer Django's HTTP requests."""
    event_threads: int = 8
    """Threads that run the callbacks written as plain ``def``."""
    max_body_size: int | None = 100 * 1024 * 1024
    """Bytes of one request body; a larger one is refused with 413. None is unlimited."""
    ping_interval: float = 25.0
    """Seconds between the pings of a connection; 0 sends none."""
    ping_timeout: float = 10.0
    """Seconds that a client has to answer a ping before it is taken for gone."""
    limits: Limits = dataclasses.field(default_factory=Limits)


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


_SIZE = "a positive integer (bytes), or None for no limit"
_COUNT = "an integer of at least 1"

_RULES: Mapping[str, _Rule] = {
    "port": _Rule("E002", "an integer between 0 and 65535", lambda v: _is_int(v, 0, 65535)),
    "handlers": _Rule("E003", "a list of Tornado routes, like (pattern, handler)", _are_routes),
    "settings": _Rule("E004", "a dictionary of Tornado settings, by name", _is_names),
    "threads": _Rule("E005", _COUNT, lambda v: _is_int(v, 1)),
    "event_threads": _Rule("E005", _COUNT, lambda v: _is_int(v, 1)),
    "max_body_size": _Rule("E006", _SIZE, lambda v: v is None or _is_int(v, 1)),
    "ping_interval": _Rule("E007", "a number of seconds, 0 for no pings", _is_seconds),
    "ping_timeout": _Rule("E007", "a number of seconds", _is_seconds),
    "limits": _Rule("E008", "a dictionary of limits, by name", _is_names),
}

_LIMIT_RULES: Mapping[str, _Rule] = {
    "message_size": _Rule("E009", _SIZE, lambda v: v is None or _is_int(v, 1)),
    "inbox": _Rule("E009", f"{_COUNT}, or None for no limit", lambda v: v is None or _is_int(v, 1)),
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
    found = _violations("TORNADO", tornado, _RULES)
    if _is_names(tornado.get("limits", {})):
        found += _violations("TORNADO['limits']", tornado.get("limits", {}), _LIMIT_RULES)
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


@functools.cache
def get() -> Config:
    """Return the settings of this project.

    Raises:
        ImproperlyConfigured: with every mistake that makes them unusable.
    """
    tornado = getattr(settings, "TORNADO", {})
    errors = [problem for problem in problems(tornado) if problem.id.startswith("E")]
    if errors:
        raise ImproperlyConfigured(" ".join(problem.message for problem in errors))
    known = {key: value for key, value in tornado.items() if key in _RULES}
    known["handlers"] = tuple(known.get("handlers", ()))
    limits = known.get("limits", {})
    known["limits"] = Limits(**{key: limits[key] for key in limits if key in _LIMIT_RULES})
    return Config(**known)


def raw() -> Any:
    """Return ``settings.TORNADO`` as it stands, an empty dictionary when it is absent."""
    return getattr(settings, "TORNADO", {})


def debug() -> bool:
    """Return ``settings.DEBUG``."""
    return bool(settings.DEBUG)


def serves_static(*, use_static: bool, insecure: bool) -> bool:
    """Return whether static files are served from where the apps have them, as by runserver."""
    installed = "django.contrib.staticfiles" in settings.INSTALLED_APPS
    return installed and ((debug() and use_static) or insecure)


def allowed_hosts() -> list[str]:
    """Return the host patterns that Django accepts, see the documentation of ALLOWED_HOSTS."""
    if settings.DEBUG and not settings.ALLOWED_HOSTS:
        return [".localhost", "127.0.0.1", "[::1]"]
    return list(settings.ALLOWED_HOSTS)


def script_name() -> str:
    """Return the path that the project is mounted at, ``settings.FORCE_SCRIPT_NAME``."""
    return settings.FORCE_SCRIPT_NAME or ""


def root_urlconf() -> str:
    """Return the module of the project's URLs."""
    return settings.ROOT_URLCONF


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "TORNADO":
        get.cache_clear()


setting_changed.connect(_forget, dispatch_uid="tornado_websockets.conf")

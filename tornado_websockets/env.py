"""``TORNADO`` from environment variables, through django-environ, read strictly.

django-environ takes ``TORNADO_THREADS=eigth`` for an error but ``DEBUG=ture`` for False; here
every value that is not exactly understood stops the start, with its name and what it should be.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any, Final

import environ
from django.core.exceptions import ImproperlyConfigured

from tornado_websockets.layerspec import is_url, without_password
from tornado_websockets.outbox import POLICIES

__all__ = ["tornado_from_env"]

PREFIX: Final = "TORNADO_"
BOOLEANS: Final = {"true": True, "false": False, "on": True, "off": False, "1": True, "0": False}
NONE: Final = frozenset({"none", "unlimited"})


def tornado_from_env(env: environ.Env | None = None) -> dict[str, Any]:
    """Return the ``TORNADO`` dictionary that the environment asks for.

    Only what is set is in it, so the defaults stay the defaults. In a settings module::

        env = environ.Env()
        TORNADO = tornado_from_env(env)

    Args:
        env: where to read; None reads the process environment.

    Raises:
        ImproperlyConfigured: a value cannot be read as what it should be, or a variable's name
            looks like a misspelt one of `VARIABLES`.
    """
    env = environ.Env() if env is None else env
    names = [name for name in env.ENVIRON if name.startswith(PREFIX)]
    tornado: dict[str, Any] = {}
    for name in names:
        if name not in VARIABLES:
            _refuse_typo(name)
            continue
        section, key, parse = VARIABLES[name]
        value = _read(name, env.str(name).strip(), parse)
        (tornado.setdefault(section, {}) if section else tornado)[key] = value
    return tornado


def _read(name: str, text: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        shown = without_password(repr(text))
        raise ImproperlyConfigured(f"{name} must be {error}, got {shown}.") from None


def _refuse_typo(name: str) -> None:
    near = difflib.get_close_matches(name, VARIABLES, n=1, cutoff=0.8)
    if near:
        raise ImproperlyConfigured(
            f"{name} is no variable of tornado_websockets. Did you mean {near[0]}?"
        )


def _integer(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError("a whole number in digits")
    return int(text)


def _integer_or_none(text: str) -> int | None:
    if text.lower() in NONE:
        return None
    try:
        return _integer(text)
    except ValueError as error:
        raise ValueError(f"{error}, or 'none' for no limit") from None


def _integer_none_or_auto(text: str) -> int | str | None:
    if text.lower() == "auto":
        return "auto"
    try:
        return _integer_or_none(text)
    except ValueError as error:
        raise ValueError(f"{error}, or 'auto'") from None


def _integer_or_auto(text: str) -> int | str:
    if text.lower() == "auto":
        return "auto"
    try:
        return _integer(text)
    except ValueError as error:
        raise ValueError(f"{error}, or 'auto'") from None


def _boolean(text: str) -> bool:
    if text.lower() not in BOOLEANS:
        raise ValueError(f"one of {', '.join(BOOLEANS)}")
    return BOOLEANS[text.lower()]


def _policy(text: str) -> str:
    if text not in POLICIES:
        raise ValueError(f"one of {', '.join(POLICIES)}")
    return text


def _list(text: str) -> list[str]:
    items = [item.strip() for item in text.split(",")]
    if not all(items):
        raise ValueError("a list with a comma between its items")
    return items


def _layer(text: str) -> str | list[str]:
    items = _list(text)
    if len(items) == 1:
        return items[0]
    if not all(map(is_url, items)):
        raise ValueError("URLs with a comma between them; a comma in one of them is written %2C")
    return items


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ValueError("a number of seconds")
    return value


VARIABLES: Final[Mapping[str, tuple[str, str, Callable[[str], Any]]]] = {
    "TORNADO_PORT": ("", "port", _integer),
    "TORNADO_THREADS": ("", "threads", _integer),
    "TORNADO_EVENT_THREADS": ("", "event_threads", _integer),
    "TORNADO_MAX_BODY_SIZE": ("", "max_body_size", _integer_or_none),
    "TORNADO_PING_INTERVAL": ("", "ping_interval", _seconds),
    "TORNADO_PING_TIMEOUT": ("", "ping_timeout", _seconds),
    "TORNADO_SLOW_READER": ("", "slow_reader", _policy),
    "TORNADO_COMPRESSION": ("", "compression", _boolean),
    "TORNADO_CERTFILE": ("", "certfile", str),
    "TORNADO_KEYFILE": ("", "keyfile", str),
    "TORNADO_LAYER": ("", "layer", _layer),
    "TORNADO_WORKERS": ("", "workers", _integer_or_auto),
    "TORNADO_ALLOWED_ORIGINS": ("", "allowed_origins", _list),
    "TORNADO_TRUSTED_PROXIES": ("", "trusted_proxies", _list),
    "TORNADO_RECHECK_PERIOD": ("", "recheck_period", _seconds),
    "TORNADO_SHUTDOWN_TIMEOUT": ("", "shutdown_timeout", _seconds),
    "TORNADO_SHUTDOWN_DELAY": ("", "shutdown_delay", _seconds),
    "TORNADO_LIMITS_MESSAGE_SIZE": ("limits", "message_size", _integer_or_none),
    "TORNADO_LIMITS_INBOX": ("limits", "inbox", _integer_or_none),
    "TORNADO_LIMITS_SEND_BYTES": ("limits", "send_bytes", _integer_or_none),
    "TORNADO_LIMITS_SEND_FRAMES": ("limits", "send_frames", _integer_or_none),
    "TORNADO_LIMITS_CONNECTIONS": ("limits", "connections", _integer_none_or_auto),
    "TORNADO_LIMITS_CONNECTIONS_PER_USER": ("limits", "connections_per_user", _integer_or_none),
    "TORNADO_LIMITS_CONNECTIONS_PER_ADDRESS": (
        "limits",
        "connections_per_address",
        _integer_or_none,
    ),
    "TORNADO_LIMITS_HANDSHAKES_PER_SECOND": ("limits", "handshakes_per_second", _integer_or_none),
    "TORNADO_LIMITS_MESSAGES_PER_SECOND": ("limits", "messages_per_second", _integer_or_none),
    "TORNADO_LIMITS_BURST": ("limits", "burst", _integer),
    "TORNADO_LIMITS_BYTES_PER_SECOND": ("limits", "bytes_per_second", _integer_or_none),
    "TORNADO_LIMITS_JSON_DEPTH": ("limits", "json_depth", _integer_or_none),
    "TORNADO_LIMITS_BAD_FRAMES": ("limits", "bad_frames", _integer_or_none),
    "TORNADO_LIMITS_ROOMS": ("limits", "rooms", _integer_or_none),
    "TORNADO_LIMITS_HEADER_SIZE": ("limits", "header_size", _integer_or_none),
}
"""Name of the variable → section of ``TORNADO`` (empty: top), key, how it is read."""

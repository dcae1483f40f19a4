"""What ``TORNADO["layer"]`` and ``TORNADO["workers"]`` may be, and whether they go together."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

__all__ = ["is_layer", "is_url", "is_workers", "problems", "without_password"]

SCHEMES: Final = ("redis://", "rediss://", "unix://")
"""What the URL of a Redis server begins with."""

DOTTED: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
"""The name of a class, behind the modules that it is in."""

# Up to the last @, for who has not percent-encoded a password has / and @ in it as well. A quote
# ends a URL where repr() has put it.
SECRET: Final = re.compile(r"//(?:[^'\"]|['\"](?![\s,\])]))*@")
"""Name and password before the host of a URL."""

ARGUMENT: Final = re.compile(r"([?&]\w*(?:username|password)=)[^&'\"\s]*")
"""Name or password in the query of a URL."""

MISSING: Final = (
    "E020",
    "TORNADO['workers'] is {workers!r}, and no layer connects the processes: a client would miss"
    " what those of another one are sent.",
    "Set TORNADO['layer'] = 'redis://127.0.0.1:6379/0', or TORNADO['workers'] = 1.",
)

NOT_INSTALLED: Final = (
    "E021",
    "TORNADO['layer'] is a Redis server, and the package redis is not installed.",
    "Run pip install 'django-tornado-websockets[redis]'.",
)


def is_layer(value: Any) -> bool:
    """Return whether a value is None, the dotted path of a class, a URL or a list of URLs."""
    if value is None:
        return True
    if isinstance(value, str):
        return is_url(value) or DOTTED.fullmatch(value) is not None
    return isinstance(value, (list, tuple)) and all(map(is_url, value))


def is_url(value: Any) -> bool:
    """Return whether a value is the URL of a Redis server."""
    return isinstance(value, str) and value.startswith(SCHEMES)


def is_workers(value: Any) -> bool:
    """Return whether a value is a number of processes, or ``auto``."""
    return value == "auto" or (type(value) is int and value >= 1)


def without_password(text: str) -> str:
    """Return a text with no names and passwords in its URLs."""
    return ARGUMENT.sub(r"\1…", SECRET.sub("//…@", text))


def problems(tornado: Mapping[str, Any]) -> Iterable[tuple[str, str, str]]:
    """Return id, message and hint of what does not go together; values that are none are ignored.

    Args:
        tornado: ``settings.TORNADO``.
    """
    layer, workers = tornado.get("layer"), tornado.get("workers", 1)
    if not (is_layer(layer) and is_workers(workers)):
        return
    if not layer:
        if workers != 1:
            number, message, hint = MISSING
            yield number, message.format(workers=workers), hint
        return
    urls = [layer] if isinstance(layer, str) else layer
    if any(map(is_url, urls)) and importlib.util.find_spec("redis") is None:
        yield NOT_INSTALLED

"""The path that a WebSocket is known by, and that of its URL."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from tornado_websockets.exceptions import InvalidInstanceError, InvalidPathError

__all__ = ["normalise", "url"]

PREFIX: Final = "/ws"
"""What stands before the path of every WebSocket in its URL."""

PATH_CHARACTERS: Final = "/:@!$&'()*+,;=~-._"
"""What needs no percent-encoding in a path, RFC 3986 section 3.3."""


def normalise(path: str) -> str:
    """Return a path with one leading slash, like ``/chat``.

    Raises:
        InvalidInstanceError: it is no string.
        InvalidPathError: nothing is in it but blanks and slashes.
    """
    if not isinstance(path, str):
        raise InvalidInstanceError(path, "a path, like '/chat'")
    name = path.strip().lstrip("/")
    if not name.replace("/", " ").strip():
        raise InvalidPathError(path)
    return "/" + name


def url(path: str) -> str:
    """Return the path of a URL, percent-encoded, like ``/ws/chat``."""
    return quote(PREFIX + path, safe=PATH_CHARACTERS)

"""What an event may show of itself: its data as text, cut, without what looks like a secret.

Pure, and its cost is bounded whatever was sent: what could not be shown is not looked at either.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from tornado_websockets.exceptions import InvalidMessageError
from tornado_websockets.message import decode, encode

__all__ = ["LIMIT", "MASK", "NOTHING", "Masker", "Shown", "show"]

LIMIT: Final = 2048
"""Bytes of UTF-8 that are shown of one event."""

MAX_ENVELOPE: Final = 64 * 1024
"""Length of an envelope beyond which it is not even read."""

MAX_DEPTH: Final = 20
"""Objects and lists inside one another that are shown."""

MASK: Final = "***"
"""What stands for a secret."""

BEYOND: Final = "…"
"""What stands for what lies too deep."""

SECRET: Final = re.compile("password|token|secret|csrf|cookie|authorization", re.IGNORECASE)

_HEAD: Final = len('{"event":"x","data":')


class Shown(NamedTuple):
    """What is shown of the data of an event.

    Attributes:
        payload: its JSON; None when it cannot be shown.
        truncated: whether it ends where it should not.
    """

    payload: str | None
    truncated: bool


NOTHING: Final = Shown(None, False)


def show(envelope: str | bytes) -> Shown:
    """Return what is shown of an event, given its envelope as it is on the wire; never raises.

    What is no JSON object with an event in it shows nothing, and neither does what is too long.
    """
    if len(envelope) > MAX_ENVELOPE:
        return Shown(None, True)
    try:
        _event, data = decode(envelope)
    except InvalidMessageError:
        return NOTHING
    masked = Masker().mask(data, MAX_DEPTH)
    # The rest of the envelope that `encode` makes is its head and one bracket.
    payload = encode("x", masked)[_HEAD:-1]
    if len(payload) <= LIMIT:
        return Shown(payload.decode(), False)
    return Shown(payload[:LIMIT].decode(errors="ignore"), True)


class Masker:
    """Copies one value without its secrets, and without what lies behind the limit anyway."""

    def __init__(self) -> None:
        # Each value and each key takes a byte at least: beyond this nothing is seen.
        self._left = LIMIT

    def mask(self, value: Any, depth: int) -> Any:
        """Return the copy of a value, of which so many levels are shown."""
        if isinstance(value, str):
            return value[:LIMIT]
        if not isinstance(value, (Mapping, list)):
            return value
        if not depth:
            return BEYOND
        return self._list(value, depth) if isinstance(value, list) else self._dict(value, depth)

    def _list(self, values: list[Any], depth: int) -> list[Any]:
        result = []
        for value in values:
            if not self._has_room():
                break
            result.append(self.mask(value, depth - 1))
        return result

    def _dict(self, values: Mapping[str, Any], depth: int) -> dict[str, Any]:
        result = {}
        for key, value in values.items():
            if not self._has_room():
                break
            # Judged as a whole, and only then cut.
            is_secret = SECRET.search(key)
            result[key[:LIMIT]] = MASK if is_secret else self.mask(value, depth - 1)
        return result

    def _has_room(self) -> bool:
        self._left -= 1
        return self._left >= 0

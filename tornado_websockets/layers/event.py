"""What a layer carries. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

__all__ = ["Event"]


class Event(NamedTuple):
    """An event on its way to clients of a path.

    Attributes:
        name: the event's name.
        payload: its envelope in UTF-8.
        rooms: those whose connections get it, None for all of the path.
        without: the ids of connections that do not.
    """

    name: str
    payload: bytes
    rooms: Collection[str] | None = None
    without: Collection[str] = frozenset()

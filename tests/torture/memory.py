"""What a client that comes back keeps in mind, by the rules of docs/protocol.md."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote

__all__ = ["Memory"]

OFFSET: Final = re.compile(r"(\d+)-(\d+)")
SOCKETS: Final = 8
"""Ids of former connections that the server is told."""


class Memory:
    """Where a client is in the history of a path."""

    def __init__(self) -> None:
        self._epoch = ""
        self._offset = (0, 0)
        self._sockets: list[str] = []
        self._early: set[str] = set()

    @property
    def query(self) -> str:
        """What it adds to the path when it comes back."""
        if not self._epoch:
            return ""
        parts = (self._epoch, "{}-{}".format(*self._offset), ",".join(self._sockets))
        return "?tws_position=" + ":".join(quote(part, safe="") for part in parts)

    def move(self, data: dict[str, Any]) -> None:
        """Take the position that the server tells, with the event ``recovered``."""
        if not data["epoch"]:
            return
        self._epoch = data["epoch"]
        ms, seq = data["offset"].split("-")
        self._offset = (int(ms), int(seq))
        if "socket" in data:
            self._sockets = [data["socket"], *self._sockets][:SOCKETS]

    def is_new(self, offset: tuple[int, int] | None, id: str | None) -> bool:
        """Return whether an event has not come before, and note it."""
        if offset is None:
            if id is None:
                return True
            is_new = id not in self._early
            self._early.add(id)
            return is_new
        if self._epoch:
            if offset <= self._offset:
                return False
            self._offset = offset
        if id in self._early:
            self._early.discard(id)
            return False
        return True

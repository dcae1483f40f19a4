"""Lets others write, where only one at a time can: in SQLite, which has no queue for them."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from django.db import connections

__all__ = ["EVERY_S", "REST_S", "Courtesy"]

EVERY_S: Final = 1.0
REST_S: Final = 0.12
"""Seconds between two rests, and how long one is: who waits for SQLite looks ten times a second,
and hardly ever in the moment between two objects. Without a rest nobody could save the progress,
let the heart beat or cancel."""


class Courtesy:
    """When some work is to rest.

    Args:
        using: alias of the database in which it is done.
    """

    def __init__(self, using: str) -> None:
        self._is_needed = connections[using].vendor == "sqlite"
        self._at = time.monotonic()

    def show(self) -> None:
        """Rest when it is time to."""
        if self._is_due():
            time.sleep(REST_S)
            self._at = time.monotonic()

    async def ashow(self) -> None:
        """Do the same in a coroutine."""
        if self._is_due():
            await asyncio.sleep(REST_S)
            self._at = time.monotonic()

    def _is_due(self) -> bool:
        return self._is_needed and time.monotonic() - self._at >= EVERY_S

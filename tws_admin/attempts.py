"""Calls of what may fail for a while, without a line in the log for each."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

__all__ = ["Attempts"]

logger = logging.getLogger("tws_admin")


class Attempts:
    """Logs a failure when it begins, and again only when it has worked between.

    Args:
        sentence: what the log says, with ``%s`` for what was attempted.
    """

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence
        self._failing: set[str] = set()

    def make(self, what: str, function: Callable[..., Any], *args: Any) -> bool:
        """Call a function, and return whether it raised nothing."""
        try:
            function(*args)
        except Exception:
            if what not in self._failing:
                self._failing.add(what)
                logger.exception(self._sentence, what)
            return False
        self._failing.discard(what)
        return True

"""Calls of what may fail for a while, without a line in the log for each."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
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
        with self.making(what):
            function(*args)
        return what not in self._failing

    @contextlib.contextmanager
    def making(self, what: str) -> Iterator[None]:
        """Go on behind the block, whatever is raised in it."""
        try:
            yield
        except Exception:
            if what not in self._failing:
                self._failing.add(what)
                logger.exception(self._sentence, what)
        else:
            self._failing.discard(what)

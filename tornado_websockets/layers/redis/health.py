"""Whether a Redis server can be used, told once each time that this changes."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import Final

from django.utils.translation import gettext as _

from tornado_websockets.layerspec import without_password

__all__ = ["Health", "is_demoted"]

logger = logging.getLogger("tornado_websockets")

BLIP_S: Final = 1.0
"""Seconds of an outage that nobody needs to be told of but the log."""

REPLICA: Final = re.compile("a read only replica|Link with MASTER is down")
"""What a server says that is not the primary, or not any more."""


class Health:
    """Knows who cannot use a server, and since when.

    Args:
        name: what the server is called.
        clock: returns seconds.

    Attributes:
        demoted: are called when the server says that it is a replica.
        reason: what was wrong last.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.demoted: list[Callable[[], None]] = []
        self.reason = ""
        self._name = name
        self._clock = clock
        self._failing: set[str] = set()
        self._since_s = 0.0

    @property
    def is_well(self) -> bool:
        """Whether everybody can use it."""
        return not self._failing

    @property
    def trouble(self) -> str:
        """What does not work now, in a few words of the active language; empty while all does."""
        down_s = 0.0 if self.is_well else self._clock() - self._since_s
        if down_s < BLIP_S:
            return ""
        values = {"name": self._name, "seconds": round(down_s)}
        return _("%(name)s has not answered for %(seconds)d s") % values

    def fail(self, who: str, error: Exception) -> None:
        """Note that somebody cannot use it; the first of an outage is logged."""
        self.reason = without_password(str(error) or type(error).__name__)
        if self.is_well:
            self._since_s = self._clock()
            logger.warning(
                "%s cannot be used: %s (the clients of this process are served, and what is for"
                " others waits)",
                self._name,
                self.reason,
            )
        self._failing.add(who)
        if is_demoted(error):
            for function in self.demoted:
                function()

    def recover(self, who: str) -> None:
        """Note that somebody can use it; the end of an outage is logged."""
        if who in self._failing:
            self._failing.discard(who)
            if self.is_well:
                logger.warning("%s is back after %.1f s", self._name, self._clock() - self._since_s)


def is_demoted(error: Exception) -> bool:
    """Return whether a server says that it is a replica, and so no use."""
    return REPLICA.search(str(error)) is not None

"""Notices a client that has disappeared without a word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

__all__ = ["PING_TIMEOUT", "Heartbeat"]

PING_TIMEOUT: Final = (1011, "ping timed out")


class Heartbeat:
    """Pings a client at every interval, and tells when nothing comes back.

    Args:
        interval: seconds between pings, 0 for none.
        timeout: seconds that the client has to say something, 0 for ever.
        ping: sends one.
        unsent: how many bytes the transport holds for the client: one that reads them is alive,
            though the ping may be behind them.
        gone: is called when the client is taken for gone.

    Attributes:
        is_alive: True once anything was received since the last ping; the wire sets it.
        is_suspended: True while nothing is read from the client, so that no answer can be seen.
        reassure: is called with each ping meanwhile, for a client whose questions are not seen
            either; None when it asks none.
    """

    __slots__ = (
        "_gone",
        "_interval",
        "_loop",
        "_ping",
        "_timeout",
        "_timer",
        "_unsent",
        "_unsent_before",
        "is_alive",
        "is_suspended",
        "reassure",
    )

    def __init__(
        self,
        interval: float,
        timeout: float,
        *,
        ping: Callable[[], None],
        unsent: Callable[[], int],
        gone: Callable[[], None],
    ) -> None:
        self.is_alive = True
        self.is_suspended = False
        self.reassure: Callable[[], None] | None = None
        self._interval = interval
        self._timeout = timeout
        self._ping = ping
        self._unsent = unsent
        self._unsent_before = 0
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin; the first ping comes after an interval."""
        if self._interval:
            self._timer = self._loop.call_later(self._interval, self._beat)

    def stop(self) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()

    def _beat(self) -> None:
        self.is_alive = False
        self._unsent_before = self._unsent()
        self._ping()
        if self.is_suspended and self.reassure is not None:
            self.reassure()
        if self._timeout:
            self._timer = self._loop.call_later(self._timeout, self._check)
        else:
            self.start()

    def _check(self) -> None:
        unsent = self._unsent()
        if self.is_alive or self.is_suspended or unsent < self._unsent_before:
            rest = max(0.0, self._interval - self._timeout)
            self._timer = self._loop.call_later(rest, self._beat)
        else:
            self._gone()

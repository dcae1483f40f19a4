"""Reads the runs from the database while somebody watches: those of other processes tell nobody."""

from __future__ import annotations

import asyncio
import datetime
import logging
import time
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, Final

from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from tornado_websockets.runtime import runtime
from tws_admin.models import ProgressTask
from tws_admin.progress.live.board import LIMIT, RECENT_S, Row
from tws_admin.progress.rows import HEAVY, as_row
from tws_admin.progress.states import ACTIVE

__all__ = ["PERIOD_S", "Poll", "recent"]

logger = logging.getLogger("tws_admin")

PERIOD_S: Final = 1.0
"""Seconds between two readings."""


class Poll:
    """One reading at a time, in a thread; for the event loop alone.

    Args:
        take: is called with what was read, and when that began on the monotonic clock.
        tick: is called once a period, and returns whether somebody watches.
    """

    def __init__(self, take: Callable[[list[Row], float], None], tick: Callable[[], bool]) -> None:
        self._take = take
        self._tick = tick
        self._timer: asyncio.TimerHandle | None = None
        self._reading: asyncio.Task[None] | None = None
        self._begun = 0
        self._ended = 0
        self._is_failing = False

    @property
    def is_running(self) -> bool:
        """Whether it reads now and then."""
        return self._timer is not None

    def start(self) -> None:
        """Begin on the running event loop."""
        self.stop()
        self._begun = self._ended = 0
        self._is_failing = False
        self._wait()

    def stop(self) -> None:
        """Read no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    async def fresh(self) -> None:
        """Wait for a reading that begins from now on; the same for all who wait."""
        wanted = self._begun + 1
        while self.is_running and self._ended < wanted:
            # One that is under way may have passed over what has changed since.
            await asyncio.wait([self._reading or self._begin()])

    # Private.

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(PERIOD_S, self._go_on)

    def _go_on(self) -> None:
        self._wait()
        if self._tick() and self._reading is None:
            self._begin()

    def _begin(self) -> asyncio.Task[None]:
        self._begun += 1
        self._reading = asyncio.get_running_loop().create_task(self._read())
        return self._reading

    async def _read(self) -> None:
        began = time.monotonic()
        try:
            self._take(await runtime.in_thread(recent, context=copy_context()), began)
        except Exception:
            if not self._is_failing:
                self._is_failing = True
                logger.exception("progress tasks cannot be read; it is tried again")
        else:
            self._is_failing = False
        self._ended = self._begun
        self._reading = None


def recent(user: Any = None) -> list[Row]:
    """Return the rows of active runs, and of those that ended within the hour; blocks.

    Args:
        user: primary key of the one whose runs they are, None for everybody's.

    Returns:
        At most `LIMIT`: the active ones first, then those that ended last.
    """
    active = Q(state__in=[str(state) for state in ACTIVE])
    since = timezone.now() - datetime.timedelta(seconds=RECENT_S)
    runs = ProgressTask.objects.filter(active | Q(ended_at__gte=since))
    if user is not None:
        runs = runs.filter(user=user)
    rank = Case(When(active, then=Value(0)), default=Value(1))
    moment = Case(When(active, then=F("created_at")), default=F("ended_at"))
    ordered = runs.order_by(rank, moment.desc())
    return [as_row(run) for run in ordered.select_related("user").defer(*HEAVY)[:LIMIT]]

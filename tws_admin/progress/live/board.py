"""The runs that this process knows of: those at work in it, and those that were read lately.

Pure; the clocks are the caller's. Two tell of a run: its work, which knows the newest numbers, and
the database, which knows its state. A row never goes back to what it was before.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from tws_admin.progress.states import ACTIVE, State

__all__ = ["LIMIT", "RECENT_S", "Board", "Row", "board", "is_active"]

Row = Mapping[str, Any]
"""What `tws_admin.progress.rows.as_row` makes of a run; replaced, never changed in place."""

LIMIT: Final = 200
"""Runs that are shown."""

RECENT_S: Final = 3600.0
"""Seconds for which runs are shown that have ended."""

TOLD_S: Final = 3.0
"""Seconds after which what the work has said of itself is in the database for certain."""

NUMBERS: Final = ("done", "total", "label", "rate", "eta_s", "errors", "progressed")
"""What the work knows first."""

AT_WORK: Final = frozenset({State.RUNNING, State.PAUSED, State.CANCELLING})


class Entry(NamedTuple):
    """A run, and when its work was last heard of, on the monotonic clock."""

    row: Row
    told_at: float


class Board:
    """Rows by the id of their run, for the event loop alone."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def rows(self, now: float | None = None) -> list[Row]:
        """Return those that are active or ended within the hour, the newest first.

        Args:
            now: Unix time, None for this moment.
        """
        limit = (time.time() if now is None else now) - RECENT_S
        found = [entry.row for entry in self._entries.values()]
        shown = [row for row in found if is_active(row) or (row["ended"] or 0.0) >= limit]
        return sorted(shown, key=lambda row: row["created"], reverse=True)

    def clear(self) -> None:
        """Forget all."""
        self._entries.clear()

    def tell(self, row: Row, now: float) -> Row | None:
        """Take what is said of a run in this process.

        Args:
            row: the run, as whoever says so knows it.
            now: the time, on the monotonic clock.

        Returns:
            How it is now, None when that is nothing new.
        """
        known = self._entries.get(row["id"])
        new = row if known is None else _told(known.row, row)
        return self._keep(new, now)

    def read(self, rows: Iterable[Row], *, began: float, is_all: bool) -> list[Row]:
        """Take what the database has.

        Args:
            rows: of runs.
            began: when that was asked, on the monotonic clock.
            is_all: whether there are no others: what is known besides has been deleted.

        Returns:
            Those that are new, or have changed, as they are now.
        """
        found = {row["id"]: self.judge(row, began) for row in rows}
        if is_all:
            for key, entry in list(self._entries.items()):
                if key not in found and entry.told_at < began:
                    del self._entries[key]
        changed = []
        for key, row in found.items():
            known = self._entries.get(key)
            if self._keep(row, -math.inf if known is None else known.told_at) is not None:
                changed.append(row)
        return changed

    def judge(self, row: Row, began: float) -> Row:
        """Return how a run is now, of which the database was asked at some time."""
        entry = self._entries.get(row["id"])
        if entry is None:
            return row
        known = entry.row
        if entry.told_at >= began or row["attempt"] < known["attempt"]:
            return known
        is_ahead = (
            row["attempt"] == known["attempt"]
            and is_active(row)
            and began - entry.told_at < TOLD_S
            and (row["progressed"] or 0.0) <= (known["progressed"] or 0.0)
        )
        return {**row, **{name: known[name] for name in NUMBERS}} if is_ahead else row

    def forget_untold(self, now: float) -> None:
        """Forget active runs of which nothing was heard: nobody looks how they are."""
        for key, entry in list(self._entries.items()):
            if is_active(entry.row) and now - entry.told_at > TOLD_S:
                del self._entries[key]

    # Private.

    def _keep(self, row: Row, told_at: float) -> Row | None:
        known = self._entries.get(row["id"])
        self._entries[row["id"]] = Entry(row, told_at)
        self._trim()
        return None if known is not None and known.row == row else row

    def _trim(self) -> None:
        """Forget what has ended first, when there is too much."""
        if len(self._entries) > LIMIT:
            last = min(self._entries.values(), key=_importance)
            del self._entries[last.row["id"]]


def is_active(row: Row) -> bool:
    """Return whether the work of a run is not over."""
    return row["state"] in ACTIVE


def _importance(entry: Entry) -> tuple[bool, float]:
    row = entry.row
    moment = row["created"] if is_active(row) else row["ended"]
    return is_active(row), moment or 0.0


def _told(known: Row, new: Row) -> Row:
    """Return how a run is of which two things were said, one after the other.

    The work hears late that it is to end, or that it has been given up.
    """
    if new["attempt"] < known["attempt"]:
        return known
    if new["attempt"] > known["attempt"] or new["state"] not in AT_WORK:
        return new
    if known["state"] not in AT_WORK:  # ended, or queued for the next attempt
        return known
    if known["state"] == State.CANCELLING and new["state"] != State.CANCELLING:
        return {**known, **{name: new[name] for name in NUMBERS}}
    return new


board: Final = Board()
"""That of this process."""

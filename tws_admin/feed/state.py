"""What viewers see, each value with the number of the tick at which it became what it is.

Pure. A viewer that has the state of some tick gets from `Feed.changes` what became different
since, however long ago that was: so nothing is ever queued for one that is slow or looks away.
"""

from __future__ import annotations

import collections
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Final

__all__ = ["HORIZON", "LOG_SIZE", "TAIL_SIZE", "VERSION", "Feed", "Record", "Table"]

VERSION: Final = 1
"""Of the feed, see docs/monitor-feed.md."""

HORIZON: Final = 600
"""For how many ticks it is known what has gone meanwhile."""

LOG_SIZE: Final = 500
"""Events of the log that a snapshot has."""

TAIL_SIZE: Final = 50
"""Events of the log that a tick has."""

Row = Mapping[str, Any]


class Record:
    """Values by key, and when they last changed.

    Args:
        seq: the tick with which it begins.

    Attributes:
        values: what they are now; a value is replaced, never changed in place.
        born: the tick with which it began.
        changed: the tick at which any of them changed.
    """

    def __init__(self, seq: int = 0) -> None:
        self.values: dict[str, Any] = {}
        self.born = self.changed = seq
        self._ticks: dict[str, int] = {}

    def update(self, seq: int, values: Row) -> None:
        """Take new values, of all keys or of some."""
        mine = self.values
        for key, value in values.items():
            if key not in mine or mine[key] != value:
                mine[key] = value
                self._ticks[key] = self.changed = seq

    def snapshot(self) -> dict[str, Any]:
        """Return all values."""
        return self.values.copy()

    def since(self, seq: int) -> dict[str, Any]:
        """Return the values that have changed after a tick."""
        if self.changed <= seq:
            return {}
        return {key: self.values[key] for key, tick in self._ticks.items() if tick > seq}


class Table:
    """Rows by the values of some of their keys.

    Args:
        names: those keys.
        inner: a key whose value is again a list of rows, and what these go by.
    """

    def __init__(self, *names: str, inner: tuple[str, str] | None = None) -> None:
        self._names = names
        self._inner = inner
        self._rows: dict[Hashable, tuple[Record, Table | None]] = {}
        self._latest: dict[Hashable, Row] = {}
        self._gone: dict[Hashable, int] = {}

    def update(self, seq: int, rows: Iterable[Row]) -> None:
        """Take the rows that there are now; others have gone.

        A row that is the very object that it was has not changed, and costs next to nothing.
        """
        left = set(self._rows)
        for row in rows:
            key: Hashable = tuple([row[name] for name in self._names])
            left.discard(key)
            if self._latest.get(key) is row:
                continue
            self._latest[key] = row
            if key not in self._rows:
                self._rows[key] = (Record(seq), Table(self._inner[1]) if self._inner else None)
            record, table = self._rows[key]
            if table is not None and self._inner is not None:
                row = dict(row)
                table.update(seq, row.pop(self._inner[0]))
            record.update(seq, row)
        for key in left:
            del self._rows[key], self._latest[key]
            self._gone.pop(key, None)
            self._gone[key] = seq

    def forget(self, seq: int) -> None:
        """Forget what had gone by then."""
        for key, tick in list(self._gone.items()):
            if tick > seq:
                break
            del self._gone[key]

    def snapshot(self) -> list[dict[str, Any]]:
        """Return all rows."""
        return [
            {**record.values, **({} if table is None else self._nested(table.snapshot()))}
            for record, table in self._rows.values()
        ]

    def since(self, seq: int) -> list[dict[str, Any]]:
        """Return what has changed of each row after a tick, behind those that have gone.

        A row may have gone and come again, or have come and gone.
        """
        changes = [
            {**dict(zip(self._names, key, strict=True)), "gone": True}  # type: ignore[call-overload]
            for key, tick in self._gone.items()
            if tick > seq
        ]
        for record, table in self._rows.values():
            values = record.since(seq)
            inner = [] if table is None else table.since(seq)
            if inner or (table is not None and record.born > seq):
                values |= self._nested(inner)
            if values:
                changes.append({name: record.values[name] for name in self._names} | values)
        return changes

    def _nested(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        assert self._inner is not None
        return {self._inner[0]: rows}


class Feed:
    """The state of one server, tick by tick.

    Attributes:
        epoch: names the run of the server.
        seq: number of the last tick.
        time: when that was.
    """

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.seq = 0
        self.time = 0.0
        self._records = {"server": Record(), "totals": Record()}
        self._tables = {
            "paths": Table("path", inner=("events", "event")),
            "bars": Table("path", "name"),
            "tasks": Table("id"),
            "nodes": Table("id"),
        }
        self._log: collections.deque[Row] = collections.deque(maxlen=LOG_SIZE)
        # Number of the last event of the log, at each tick that is in reach.
        self._logged: collections.deque[int] = collections.deque([0], maxlen=HORIZON)

    @property
    def log(self) -> list[Row]:
        """The last events, the oldest first."""
        return list(self._log)

    def advance(self, time: float, log: Iterable[Row] = (), logged: int | None = None) -> None:
        """Begin the next tick.

        Args:
            time: when.
            log: events of the log that were added, each with its number ``n``.
            logged: number of the last one, if not all of those added are here.
        """
        self.seq += 1
        self.time = time
        self._log.extend(log)
        last = self._log[-1]["n"] if self._log else 0
        self._logged.append(last if logged is None else logged)
        for table in self._tables.values():
            table.forget(self.seq - HORIZON)

    def update(self, **sections: Any) -> None:
        """Take new values of this tick: ``server`` and ``totals`` of keys, the others of rows.

        What has been sent as the changes of a tick is complete: there is no update after it until
        the next one.
        """
        for name, value in sections.items():
            section = self._records.get(name) or self._tables[name]
            section.update(self.seq, value)

    def snapshot(self) -> dict[str, Any]:
        """Return everything; it does not change any more."""
        sections: dict[str, Record | Table] = {**self._records, **self._tables}
        return {
            **self._head(),
            **{name: section.snapshot() for name, section in sections.items()},
            "lifecycle": self.log,
        }

    def changes(self, since: int) -> dict[str, Any] | None:
        """Return what became different after a tick; None when that is too long ago to tell."""
        back = self.seq - since
        if back >= len(self._logged):
            return None
        sections: dict[str, Record | Table] = {**self._records, **self._tables}
        found = {name: section.since(since) for name, section in sections.items()}
        changes: dict[str, Any] = {name: change for name, change in found.items() if change}
        before = self._logged[-1 - back]
        added = self._logged[-1] - before
        if added:
            # Of some it is known only that they were.
            tail = [event for event in list(self._log)[-TAIL_SIZE:] if event["n"] > before]
            changes["lifecycle"] = tail
            changes["more"] = added - len(tail)
        return {**self._head(), "since": since, **changes}

    def _head(self) -> dict[str, Any]:
        return {"v": VERSION, "epoch": self.epoch, "seq": self.seq, "time": round(self.time, 3)}

"""The progress tasks of the monitor's page: those at work, then those that ended lately."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tws_admin.page.figures import write
from tws_admin.progress.pages import words
from tws_admin.progress.states import ACTIVE

__all__ = ["runs"]


def runs(rows: Iterable[Mapping[str, Any]], now: float) -> list[dict[str, Any]]:
    """Return what the table shows of rows of the feed, in its order.

    Args:
        rows: the feed's ``tasks``.
        now: Unix time of the snapshot.
    """
    order = sorted(rows, key=lambda row: (row["state"] not in ACTIVE, -(row["created"] or 0)))
    return [_run(row, now) for row in order]


def _run(row: Mapping[str, Any], now: float) -> dict[str, Any]:
    return {
        **row,
        "words": words.state(row, now),
        "notice": words.notice(row, now),
        "bar": words.bar(row),
        "count": words.count(row),
        "figures": [
            ("rate", write(None if row["ended"] else row["rate"], "rate")),
            ("eta_s", write(row["eta_s"], "duration")),
            ("errors", write(row["errors"], "number")),
        ],
    }

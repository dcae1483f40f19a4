"""The nodes of the monitor's page: one row each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from tws_admin.page.definitions import HINTS, STANDINGS
from tws_admin.page.figures import write

__all__ = ["COLUMNS", "nodes"]

COLUMNS: Final[dict[str, str]] = {
    "uptime_s": "duration",
    "connections": "number",
    "events_in_per_s": "rate",
    "events_out_per_s": "rate",
    "loop_lag_ms": "ms",
    "rss_bytes": "bytes",
    "cpu": "number",
}
"""How the numbers of a node are written."""


def nodes(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what the table shows of rows of the feed, in their order."""
    return [
        {
            **row,
            "words": STANDINGS.get(row["state"], row["state"]),
            "hint": HINTS.get(row["state"]) or row["trouble"],
            "figures": [(name, write(row[name], style), style) for name, style in COLUMNS.items()],
        }
        for row in rows
    ]

"""What the server writes into the page: the same values that its scripts keep up to date.

A figure's name is its place in the feed (``totals.connections``) with ``rates.`` for the newest
point of a series; the scripts find it by that name.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tws_admin.page.definitions import DEFINITIONS, HINTS, KINDS, STANDINGS
from tws_admin.page.figures import write
from tws_admin.page.nodes import COLUMNS as NODE_COLUMNS
from tws_admin.page.nodes import nodes
from tws_admin.page.runs import runs

__all__ = ["CHARTS", "COLUMNS", "RANGES", "TILES", "Figure", "describe", "figure", "page", "words"]

RANGES: Final[dict[str, str | Promise]] = {
    "10m": gettext_lazy("10 minutes"),
    "2h": gettext_lazy("2 hours"),
    "24h": gettext_lazy("24 hours"),
}

# The figure in front, and those below it.
TILES: Final[dict[str, tuple[str, ...]]] = {
    "connections": ("totals.connections", "totals.peak"),
    "events_in": ("rates.events_in", "totals.events_in"),
    "events_out": ("rates.events_out", "totals.events_out"),
    "bytes_in": ("rates.bytes_in", "totals.bytes_in"),
    "bytes_out": ("rates.bytes_out", "totals.bytes_out"),
    "p95_ms": ("rates.p95_ms", "rates.p50_ms"),
    "loop_lag_ms": ("server.loop_lag_ms", "server.threads_busy"),
    "rss_bytes": ("server.rss_bytes", "server.cpu"),
    "errors": ("totals.errors", "totals.warnings"),
    "rejected": ("totals.rejected", "totals.slow"),
}
"""By the series of the sparkline."""

CHARTS: Final[dict[str, tuple[str | Promise, tuple[str, ...]]]] = {
    "connections": (gettext_lazy("Connections"), ("rates.connections",)),
    "events": (gettext_lazy("Events"), ("rates.events_in", "rates.events_out")),
    "callbacks": (
        gettext_lazy("Time of callbacks"),
        ("rates.p50_ms", "rates.p95_ms", "rates.p99_ms"),
    ),
    "loop": (
        gettext_lazy("Event loop and threads"),
        ("rates.loop_lag_ms", "rates.threads_busy", "rates.threads_queued"),
    ),
}

COLUMNS: Final = ("connections", "rates.events_in", "rates.events_out", "errors", "p95_ms")
"""The numbers of a path that stand in the table of paths."""

CONNECTION_COLUMNS: Final = ("connected_at", "unsent_bytes")
BAR_COLUMNS: Final = ("rate", "eta_s", "watchers")
RUN_COLUMNS: Final = ("rate", "eta_s")

TITLE: Final = gettext_lazy("{text} Unit: {unit}.")

# What a counter is called when it is not a number since the start but one a second.
_RATED: Final = frozenset({"events_in", "events_out", "bytes_in", "bytes_out"})


class Figure(NamedTuple):
    """A number in its place.

    Attributes:
        place: where it is in the feed.
        name: what it is called.
        title: what it means, with its unit.
        style: how it is written, for the scripts.
        text: how it is written now.
    """

    place: str
    name: str | Promise
    title: str | Promise
    style: str
    text: str


def figure(place: str, value: float | None = None) -> Figure:
    """Return the number at a place of the feed as the page shows it."""
    group, _dot, key = place.rpartition(".")
    known = DEFINITIONS[f"{key}_per_s" if group == "rates" and key in _RATED else key]
    title = format_lazy(TITLE, text=known.text, unit=known.unit)
    return Figure(place, known.name, title, known.style, write(value, known.style))


def page(snapshot: Mapping[str, Any], connections: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the templates show.

    Args:
        snapshot: of the feed.
        connections: rows of the feed's ``connections``.
    """
    series = snapshot.get("history", {}).get("series", {})
    values = {
        "server": snapshot.get("server", {}),
        "totals": snapshot.get("totals", {}),
        "rates": {name: points[-1] if points else None for name, points in series.items()},
    }

    def here(place: str) -> Figure:
        group, _dot, key = place.partition(".")
        return figure(place, values[group].get(key))

    return {
        "uptime": here("server.uptime_s"),
        "viewers": here("server.viewers"),
        "tiles": [(name, [here(place) for place in places]) for name, places in TILES.items()],
        "charts": [
            (name, title, [here(place) for place in places])
            for name, (title, places) in CHARTS.items()
        ],
        "columns": [figure(place) for place in COLUMNS],
        "connection_columns": [figure(place) for place in CONNECTION_COLUMNS],
        "bar_columns": [figure(place) for place in BAR_COLUMNS],
        "run_columns": [figure(place) for place in RUN_COLUMNS],
        "node_columns": [figure(place) for place in NODE_COLUMNS],
        "value": figure("value"),
        "paths": [_path(path) for path in snapshot.get("paths", [])],
        "bars": [_bar(bar) for bar in snapshot.get("bars", [])],
        "nodes": nodes(snapshot.get("nodes", [])),
        "runs": runs(snapshot.get("tasks", []), snapshot.get("time", 0.0)),
        "connections": [_connection(row) for row in connections],
        "log": [_entry(entry) for entry in reversed(snapshot.get("lifecycle", []))],
    }


def words() -> dict[str, Any]:
    """Return the definitions for the scripts, translated."""
    return {
        "numbers": {
            key: {"name": str(known.name), "unit": str(known.unit), "text": str(known.text)}
            for key, known in DEFINITIONS.items()
        },
        "kinds": {kind: str(name) for kind, name in KINDS.items()},
        "standings": {state: str(name) for state, name in STANDINGS.items()},
        "hints": {state: str(hint) for state, hint in HINTS.items()},
    }


def _path(path: Mapping[str, Any]) -> dict[str, Any]:
    values = {**path, **{f"rates.{key}": rate for key, rate in path.get("rates", {}).items()}}
    return {
        **path,
        "figures": [figure(place, values.get(place)) for place in COLUMNS],
        "rules": rules(path.get("rules", {})),
    }


def rules(given: Mapping[str, Any]) -> list[str]:
    """Return in words who may open a path; empty when everybody may, from this site's pages."""
    found: list[str] = []
    if given.get("permission"):
        found.append(_("permission %s") % given["permission"])
    elif given.get("login_required"):
        found.append(_("login"))
    if origins := given.get("origins"):
        found.append(_("pages of %s") % ", ".join(origins))
    if given.get("require_origin"):
        found.append(_("browsers only"))
    return found


def _connection(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "figures": [figure(place, row.get(place)) for place in CONNECTION_COLUMNS]}


def _bar(bar: Mapping[str, Any]) -> dict[str, Any]:
    low, high = bar["min"], bar["max"]
    text = _("%(value)s of %(max)s")
    if bar.get("done"):
        text = _("done")
    elif bar.get("indeterminate"):
        text = _("under way")
    written = {"value": write(bar["value"], "number"), "max": write(high, "number")}
    is_known = high > low and not bar.get("indeterminate")
    # Attributes of HTML are no texts: never with the separators of a language.
    at, of = (str(bar["value"] - low), str(high - low)) if is_known else ("1", "1")
    return {
        **bar,
        "key": f"{bar['path']} {bar['name']}",
        "is_open": not is_known and not bar.get("done"),
        "at": at,
        "of": of,
        "text": text % written,
        "figures": [figure(place, bar.get(place)) for place in BAR_COLUMNS],
    }


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    moment = datetime.datetime.fromtimestamp(entry["time"], tz=datetime.UTC)
    return {
        "key": str(entry["n"]),
        "kind": entry["kind"],
        "name": KINDS.get(entry["kind"], entry["kind"]),
        "path": entry.get("path"),
        "iso": moment.isoformat(timespec="seconds"),
        "clock": write(entry["time"], "clock"),
        "text": describe(entry),
    }


def describe(entry: Mapping[str, Any]) -> str:
    """Return what the log says of an event behind its kind and path."""
    return ", ".join(str(part) for part in _details(entry) if part not in (None, ""))


def _details(entry: Mapping[str, Any]) -> Iterable[Any]:
    who = entry.get("by") or entry.get("user") or entry.get("ip") or entry.get("id")
    duration = entry.get("duration_s")
    whats: Sequence[Any] = [entry.get(key) for key in ("what", "event", "error", "name", "label")]
    yield from (who, *whats)
    yield from (entry.get(key) for key in ("code", "reason", "count"))
    yield None if duration is None else write(duration, "duration")
    yield entry.get("node")

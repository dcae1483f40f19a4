"""A report, as people read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tests.torture.catalogue import Scenario
from tests.torture.report import Report

__all__ = ["page", "text"]

HEADER = ("What", "Promised", "Seen", "Verdict")

INTRODUCTION = (
    "What the server does on bad days, tried on real processes with real sockets, as written by"
    ' `make torture ARGS="--write"`. Each table says what was promised, and what was seen. *Late*'
    " is a time that was missed by less than {patience} times on a busy machine; a count, a loss or"
    " a close code is never taken so lightly. A verdict that is empty belongs to a number that"
    " nothing is promised about. Everything random has a fixed seed."
)

Found = tuple[Scenario, Report, float]
"""A scenario, what it reported, and how many seconds it took."""


def text(scenario: Scenario, report: Report, seconds: float) -> str:
    """Return what the terminal shows of a scenario."""
    return (
        f"\n{scenario.number}. {scenario.title} ({seconds:.0f} s)\n"
        f"\n{_tried(report)}\n\n{_table(report)}\n\nLost: {report.lost}.\n"
    )


def page(found: Sequence[Found], machine: str, versions: Mapping[str, str]) -> str:
    """Return the page of the documentation, as Markdown."""
    made_with = ", ".join(f"{name} {version}" for name, version in versions.items())
    parts = ["# Reliability"]
    parts.append(INTRODUCTION.format(patience=f"{found[0][1].scale.patience:g}" if found else "?"))
    parts.append(f"Made with {made_with}, on {machine}: server and clients share its cores.")
    for scenario, report, seconds in found:
        parts.append(f"## {scenario.number}. {scenario.title}")
        parts.append(f"{_tried(report)} It took {seconds:.0f} s.")
        parts.append(_table(report))
        parts.append(f"Lost: {report.lost}.")
    return "\n\n".join(parts) + "\n"


def _tried(report: Report) -> str:
    return " ".join(report.tried)


def _table(report: Report) -> str:
    rows = [(c.what, c.promised, c.seen, c.verdict) for c in report.checks]
    return _aligned([HEADER, *([cell.replace("|", "/") for cell in row] for row in rows)])


def _aligned(rows: Iterable[Sequence[str]]) -> str:
    head, *body = rows
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    rule = ["-" * width for width in widths]
    lines = [
        [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        for row in (head, rule, *body)
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

"""What the fuzzing client found, as people read it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.autobahn.runs import Run

__all__ = ["failures", "page", "read", "table"]

SECTIONS: Final = {
    1: "Framing",
    2: "Pings and pongs",
    3: "Reserved bits",
    4: "Opcodes",
    5: "Fragmentation",
    6: "UTF-8",
    7: "Close handshake",
    9: "Limits and performance",
    10: "Auto-fragmentation",
    12: "Compression, kinds of messages",
    13: "Compression, parameters",
}

VERDICTS: Final = ("OK", "non-strict", "informational", "failed")

# Everything else is a failure, a case among it that a server does not implement.
GOOD: Final = {"OK": "OK", "NON-STRICT": "non-strict", "INFORMATIONAL": "informational"}

Results = Mapping[str, str]
"""Verdicts by case, like ``{"1.1.1": "OK"}``."""


def read(index: Path, run: Run) -> Results:
    """Return what a run found, from the ``index.json`` of its report.

    The worse one counts of how a server behaved and of how it closed the connection.
    """
    cases: dict[str, dict[str, Any]] = json.loads(index.read_text())[run.name]
    results = {}
    for name, case in sorted(cases.items(), key=lambda item: _number(item[0])):
        verdicts = [GOOD.get(case[key], "failed") for key in ("behavior", "behaviorClose")]
        if run.is_compressed and not _was_compressed(index.with_name(case["reportfile"])):
            verdicts.append("failed")
        results[name] = max(verdicts, key=VERDICTS.index)
    return results


def failures(run: Run, results: Results) -> list[str]:
    """Return what keeps a run from being good: a verdict that is not, or cases that are missing."""
    found = [
        f"{run.name}, {verdict}: {', '.join(names)}"
        for verdict in ("non-strict", "failed")
        if (names := [name for name, got in results.items() if got == verdict])
    ]
    if len(results) != run.size:
        found.append(f"{run.name}: expected {run.size} cases, got {len(results)}")
    return found


def table(results: Results) -> str:
    """Return the verdicts by section, as a table of Markdown."""
    sections: dict[int, Counter[str]] = {}
    for name, verdict in results.items():
        sections.setdefault(_number(name)[0], Counter())[verdict] += 1
    rows = [
        [f"{section} {SECTIONS.get(section, '')}".strip(), *_numbers(found)]
        for section, found in sections.items()
    ]
    return _aligned([["section", *VERDICTS], *rows, ["all", *_numbers(Counter(results.values()))]])


def page(found: Sequence[tuple[Run, Results]], versions: Mapping[str, str]) -> str:
    """Return the whole summary, as a page of Markdown."""
    made_with = ", ".join(f"{name} {version}" for name, version in versions.items())
    parts = [
        "# Autobahn",
        "What the fuzzing client of Autobahn|Testsuite finds out about the server, as written by"
        " `scripts/autobahn --write`.",
        f"Made with {made_with}.",
    ]
    for run, results in found:
        parts += [f"## {run.title}", table(results)]
        bad = failures(run, results)
        if bad:
            parts.append("\n".join(f"- {line}" for line in bad))
    return "\n\n".join(parts) + "\n"


def _was_compressed(case: Path) -> bool:
    # The suite is content with a server that agrees on compression, and then sends everything as
    # it is.
    traffic = json.loads(case.read_text())["trafficStats"]
    return bool(traffic["incomingOctetsWebSocketLevel"] != traffic["incomingOctetsAppLevel"])


def _number(name: str) -> tuple[int, ...]:
    return tuple(map(int, name.split(".")))


def _numbers(found: Counter[str]) -> list[str]:
    return [str(found[verdict]) for verdict in VERDICTS]


def _aligned(rows: Iterable[Sequence[str]]) -> str:
    head, *body = rows
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [
        [row[0].ljust(widths[0])]
        + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        for row in (head, rule, *body)
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

"""Every scenario in its short form, and the harness around them."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.site import ROOT
from tests.torture.__main__ import attempt
from tests.torture.catalogue import SCENARIOS, Scenario
from tests.torture.missing import MissingError, MissingProgramError
from tests.torture.page import page, text
from tests.torture.publishing import ROUTES
from tests.torture.report import BROKEN, KEPT, LATE, SKIPPED, TOLD, Report
from tests.torture.scale import LONG, SHORT, Scale

MODULES = Path(__file__).parent / "scenarios"
HELPERS = {"__init__", "nonsense", "smuggling"}


@pytest.mark.torture
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_promises_are_kept(scenario: Scenario, tmp_path: Path) -> None:
    """Nothing is lost, nothing grows, every code is the documented one."""
    report = Report(SHORT)
    try:
        scenario.run(report, tmp_path)
    except MissingError as error:
        pytest.skip(str(error))
    assert report.checks
    assert not report.broken, text(scenario, report, 0)


def test_every_scenario_is_in_the_catalogue() -> None:
    """They are numbered as they are promised, and none is left out."""
    assert [scenario.number for scenario in SCENARIOS] == list(range(1, 22))
    written = {path.stem for path in MODULES.glob("*.py")}
    assert {scenario.name for scenario in SCENARIOS} == written - HELPERS


def test_the_page_has_every_scenario() -> None:
    """What is kept in the documentation was made with all of them."""
    headings = re.findall(r"^## (.+)$", (ROOT / "docs/reliability.md").read_text(), re.MULTILINE)
    assert headings == [f"{scenario.number}. {scenario.title}" for scenario in SCENARIOS]


@pytest.mark.parametrize(
    ("check", "verdict"),
    [
        (lambda report: report.equal("x", 1, 1), KEPT),
        (lambda report: report.equal("x", 1, 2), BROKEN),
        (lambda report: report.none_lost("x", 0), KEPT),
        (lambda report: report.none_lost("x", 1), BROKEN),
        (lambda report: report.at_most("x", 5, 5), KEPT),
        (lambda report: report.at_most("x", 5.1, 5), BROKEN),
        (lambda report: report.at_least("x", 5, 5), KEPT),
        (lambda report: report.at_least("x", 4.9, 5), BROKEN),
        (lambda report: report.within("x", 100, 100, "ms"), KEPT),
        (lambda report: report.within("x", 101, 100, "ms"), LATE),
        (lambda report: report.within("x", 301, 100, "ms"), BROKEN),
        (lambda report: report.ratio("x", 1.2, 1, 1.2), KEPT),
        (lambda report: report.ratio("x", 1.3, 1, 1.2), LATE),
        (lambda report: report.ratio("x", 3.7, 1, 1.2), BROKEN),
        (lambda report: report.note("x", 1), TOLD),
    ],
)
def test_only_times_have_patience(check: Callable[[Report], None], verdict: str) -> None:
    """A count is kept or broken; a time may be late."""
    report = Report(LONG)
    check(report)
    assert [each.verdict for each in report.checks] == [verdict]
    assert bool(report.broken) is (verdict == BROKEN)


@pytest.mark.parametrize(
    ("error", "verdict", "lost"),
    [
        (MissingProgramError("no such program"), SKIPPED, "nobody knows"),
        (ValueError("no such program"), BROKEN, "nothing"),
    ],
)
def test_a_scenario_that_cannot_be_tried_is_no_broken_promise(
    error: Exception, verdict: str, lost: str
) -> None:
    """But it is told why, and not that nothing was lost; any other error is one."""

    def run(report: Report, folder: Path) -> None:
        raise error

    report, _seconds = attempt(Scenario(1, "Title", run), SHORT)
    [check] = report.checks
    assert check.verdict == verdict
    assert "no such program" in check.seen
    assert report.lost == lost


def test_a_loop_that_stands_still_is_late_all_the_while() -> None:
    """Not once: in one of a hundred moments that would be no percentile."""

    async def late() -> int:
        found: dict[str, Any] = {}
        exec(ROUTES, found)
        lag = found["Lag"]()
        await asyncio.sleep(0.02)
        before = len(lag.seen)
        time.sleep(0.2)
        while len(lag.seen) < before + 40:  # each of the moments in it
            await asyncio.sleep(0)
        lag.stop()
        return sum(each > 50 for each in lag.seen)

    assert asyncio.run(late()) >= 25


@pytest.mark.parametrize(("scale", "verdict"), [(LONG, BROKEN), (SHORT, TOLD)])
def test_ratios_are_only_told_of_a_short_run(scale: Scale, verdict: str) -> None:
    """A p99 of a second is luck."""
    report = Report(scale)
    report.ratio("x", 100, 1, 1.2)
    assert report.checks[0].verdict == verdict


def test_the_page_says_what_was_lost() -> None:
    """Losses are named, and cells do not break the table."""
    report = Report(LONG)
    report.tell("Something.")
    report.none_lost("echoes", 3)
    report.none_lost("clients", 0)
    report.equal("codes", "a | b", "c")
    found = page([(SCENARIOS[0], report, 1.4)], "a machine", {"Python": "3.11"})
    assert "Made with Python 3.11, on a machine" in found
    assert "## 1. Origins and hosts\n\nSomething. It took 1 s.\n\n| What " in found
    assert "| codes   | c        | a / b | broken  |\n\nLost: 3 echoes.\n" in found


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--only", "22"], "numbers from 1 to 21"), (["--write", "--only", "1"], "no --only")],
)
def test_a_slip_is_refused(arguments: list[str], message: str) -> None:
    """Before anything runs."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.torture", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert message in done.stderr

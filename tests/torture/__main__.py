"""Run the scenarios, print what was tried, promised, seen and lost; fail when a promise broke."""

from __future__ import annotations

import argparse
import resource
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Final

from benchmarks.machine import describe, versions
from tests.site import ROOT
from tests.torture.catalogue import SCENARIOS, Scenario
from tests.torture.missing import MissingError
from tests.torture.page import Found, page, text
from tests.torture.report import Report
from tests.torture.scale import LONG, SHORT, Scale

PAGE: Final = ROOT / "docs" / "reliability.md"
SHOWN: Final = ("CPython", "Django", "tornado", "uvloop", "orjson")


def main() -> int:
    """Run what the arguments ask for, and return the exit status."""
    arguments = _parse()
    _allow_descriptors()
    # An exception, so that on the way out everything is ended that was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    found: list[Found] = []
    failed: list[str] = []
    skipped: list[str] = []
    for scenario in SCENARIOS:
        if arguments.only and scenario.number not in arguments.only:
            continue
        report, seconds = attempt(scenario, SHORT if arguments.quick else LONG)
        sys.stdout.write(text(scenario, report, seconds))
        sys.stdout.flush()
        found.append((scenario, report, seconds))
        failed += [f"broken, {scenario.number}: {c.what}: {c.seen}" for c in report.broken]
        skipped += [f"SKIPPED, {scenario.number}: {c.seen}" for c in report.skipped]
    summary = [*(failed or ["Every promise was kept that was tried."]), *skipped]
    total = sum(seconds for _, _, seconds in found)
    sys.stdout.write("\n".join(["", *summary, f"{total:.0f} s in all.", ""]))
    if arguments.write:
        made_with = {name: version for name, version in versions().items() if name in SHOWN}
        PAGE.write_text(page(found, describe(), made_with))
    return 1 if failed else 0


def attempt(scenario: Scenario, scale: Scale) -> tuple[Report, float]:
    """Run a scenario; one that raises has broken its promise, unless it cannot be tried here."""
    report, started = Report(scale), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        try:
            scenario.run(report, Path(folder))
        except MissingError as error:
            report.skip(str(error))
        except Exception as error:  # noqa: BLE001  the next ones shall run
            traceback.print_exc()
            report.equal("the scenario itself", f"{type(error).__name__}: {error}"[:200], "ran")
    return report, time.monotonic() - started


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    parser.add_argument("--only", type=_numbers, metavar="3,4", help="numbers of scenarios")
    parser.add_argument("--quick", action="store_true", help="the short form, as in the suite")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    arguments = parser.parse_args()
    unknown = (arguments.only or set()) - {scenario.number for scenario in SCENARIOS}
    if unknown:
        parser.error(f"expected numbers from 1 to {len(SCENARIOS)}, got {sorted(unknown)}")
    if arguments.write and (arguments.only or arguments.quick):
        parser.error("the page has all scenarios in their long form: no --only, no --quick")
    return arguments


def _numbers(value: str) -> set[int]:
    return set(map(int, value.split(",")))


def _allow_descriptors() -> None:
    """A crowd of clients needs more than the usual 1 024; servers inherit it."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main())

"""Say loudly, at the very end, what was skipped; under ``CI=true`` a skip is a failure.

A machine without Chromium may run the other tests, but nobody should take that run for a whole one.
"""

from __future__ import annotations

import os

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(LoudSkips(), "loud-skips-collector")


class LoudSkips:
    """Collects the skips of one run."""

    def __init__(self) -> None:
        self.fatal = os.environ.get("CI", "").lower() in {"1", "true"}
        self.skips: list[tuple[str, str]] = []  # (node id, reason)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not hasattr(report, "wasxfail"):  # an expected failure reports itself as skipped
            self._note(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        nothing_worse = {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}
        if self.skips and self.fatal and session.exitstatus in nothing_worse:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    # Unconfiguring comes after the runner's own last line, so this is what is read last.
    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self, config: pytest.Config) -> None:
        terminal = config.pluginmanager.get_plugin("terminalreporter")
        if not self.skips or terminal is None:
            return
        verdict = "a failure, because CI is set" if self.fatal else "this was NOT a whole run"
        terminal.write_sep("!", f"SKIPPED {len(self.skips)}: {verdict}", red=True, bold=True)
        for node_id, reason in self.skips:
            terminal.write_line(f"SKIPPED {node_id}: {reason}", red=True)

    def _note(self, report: pytest.CollectReport | pytest.TestReport) -> None:
        if not report.skipped:
            return
        longrepr = report.longrepr
        reason = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
        self.skips.append((report.nodeid, reason.removeprefix("Skipped: ")))

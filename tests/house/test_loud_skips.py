"""The plugin that makes a skip impossible to overlook."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = """
    import pytest

    def test_runs():
        pass

    @pytest.mark.skip(reason="there is no chromium here")
    def test_is_skipped():
        pass

    @pytest.mark.xfail(reason="known")
    def test_is_expected_to_fail():
        raise AssertionError
"""


@pytest.fixture(autouse=True)
def plugin_is_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def run(pytester: pytest.Pytester, source: str) -> pytest.RunResult:
    pytester.makepyfile(source)
    pytester.makeini("[pytest]\n")
    return pytester.runpytest_subprocess("-p", "no:django", "-p", "tests.plugins.loud_skips")


def test_skips_are_the_last_thing_said(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without CI a skip is loud, and the run still passes."""
    monkeypatch.delenv("CI", raising=False)
    result = run(pytester, SKIPPED)
    assert result.ret == pytest.ExitCode.OK
    assert "SKIPPED 1: this was NOT a whole run" in result.outlines[-2]
    assert result.outlines[-1].endswith("test_is_skipped: there is no chromium here")


def test_a_skip_fails_a_ci_run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """CI=true turns a run with a skip into a failed one."""
    monkeypatch.setenv("CI", "true")
    result = run(pytester, SKIPPED)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "SKIPPED 1: a failure" in result.outlines[-2]


def test_a_module_that_skips_itself_counts(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A skip during collection leaves out a whole module: it counts too."""
    monkeypatch.setenv("CI", "true")
    result = run(
        pytester,
        'import pytest\npytest.skip("no redis", allow_module_level=True)\ndef test_x(): pass',
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.outlines[-1].endswith(": no redis")


def test_a_run_without_skips_is_left_alone(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is said, and nothing fails, when nothing was skipped."""
    monkeypatch.setenv("CI", "true")
    result = run(pytester, "def test_runs(): pass")
    assert result.ret == pytest.ExitCode.OK
    assert "SKIPPED" not in result.stdout.str()

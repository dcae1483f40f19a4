from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.results import Results
from benchmarks.run import write_scaling
from benchmarks.scaling import page

ROOT = Path(__file__).resolve().parent.parent.parent


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.run", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_a_quick_run_prints_a_table(tmp_path: Path) -> None:
    kept = tmp_path / "numbers.json"
    done = run("--quick", "--only=tornado", "--measures=echo-50", f"--json={kept}")
    assert done.returncode == 0, done.stderr
    assert "| Tornado as everybody writes it |" in done.stdout
    [numbers] = json.loads(kept.read_text())["tornado echo-50"]
    assert numbers["cpu_us"] > 0
    assert numbers["rate"] > 0


def test_a_run_of_a_part_leaves_what_needs_all(capsys: pytest.CaptureFixture[str]) -> None:
    before = page.PAGE.read_text()
    write_scaling(Results())
    assert "docs/scaling.md stays as it is" in capsys.readouterr().err
    assert page.PAGE.read_text() == before


def test_an_unknown_peer_or_measure_is_told() -> None:
    for option in ("--only", "--measures"):
        done = run(option, "no-such-thing")
        assert done.returncode == 2
        assert "'no-such-thing'; there are: " in done.stderr

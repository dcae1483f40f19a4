from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.results import Results
from benchmarks.run import write_scaling
from benchmarks.scaling import page
from tests.engines.broker import is_installed

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


def test_a_part_is_measured_again_onto_the_rest(tmp_path: Path) -> None:
    """What is measured again is taken from this run, for all peers, the rest from the earlier."""
    numbers = {"cpu_us": 999.0, "rate": 1, "size": 100, "p50_ms": 1, "p99_ms": 2}
    earlier = {"redis subscribers-1000": [{"event_us": 999.0, "subscriber_us": 999.0}]}
    kept, now = tmp_path / "earlier.json", tmp_path / "now.json"
    kept.write_text(json.dumps({"product fanout-500": [numbers], **earlier}))
    arguments = ("--quick", "--measures=subscribers", f"--onto={kept}", f"--json={now}")
    done = run(*arguments)
    assert done.returncode == (0 if is_installed() else 1), done.stderr
    assert "| django-tornado-websockets | 999.00 |" in done.stdout
    found = json.loads(now.read_text())
    assert found["product fanout-500"] == [numbers]
    assert found["redis subscribers-1000"] != earlier["redis subscribers-1000"]
    refused = run(*arguments, "--only=redis")
    assert refused.returncode == 2
    assert "no --only with --onto" in refused.stderr


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

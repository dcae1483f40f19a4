"""The harness around the fuzzing client, without it: its server, its report, its script."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.autobahn import report
from tests.autobahn.echo import serve
from tests.autobahn.runs import RUNS, Run

ROOT = Path(__file__).resolve().parents[2]
RUN = Run("plain", "Core", "/plain", ("1.*", "10.*"), 4)

TABLE = """\
| section               | OK | non-strict | informational | failed |
| --------------------- | -: | ---------: | ------------: | -----: |
| 1 Framing             |  1 |          1 |             0 |      0 |
| 2 Pings and pongs     |  0 |          0 |             1 |      0 |
| 10 Auto-fragmentation |  0 |          0 |             0 |      1 |
| all                   |  1 |          1 |             1 |      1 |"""


def index(path: Path, **verdicts: tuple[str, str]) -> Path:
    """Write what the suite writes, cases named like c1_1_1."""
    cases = {
        name.removeprefix("c").replace("_", "."): {"behavior": found, "behaviorClose": close}
        for name, (found, close) in verdicts.items()
    }
    path.write_text(json.dumps({"plain": cases}))
    return path


@pytest.fixture
def results(tmp_path: Path) -> report.Results:
    path = index(
        tmp_path / "index.json",
        c10_1_1=("UNIMPLEMENTED", "OK"),
        c1_1_2=("NON-STRICT", "OK"),
        c2_1=("OK", "INFORMATIONAL"),
        c1_1_1=("OK", "OK"),
    )
    return report.read(path, RUN)


def test_the_worse_verdict_counts(results: report.Results) -> None:
    """How a connection closes counts as how it behaves; what is not implemented has failed."""
    assert list(results.items()) == [
        ("1.1.1", "OK"),
        ("1.1.2", "non-strict"),
        ("2.1", "informational"),
        ("10.1.1", "failed"),
    ]


def test_what_is_not_good_is_named(results: report.Results) -> None:
    """Non-strict is not good enough; informational is."""
    assert report.failures(RUN, results) == [
        "plain, non-strict: 1.1.2",
        "plain, failed: 10.1.1",
    ]


def test_a_run_that_ended_early_has_failed(tmp_path: Path) -> None:
    """A server that goes down takes cases with it, and they are missed."""
    found = report.read(index(tmp_path / "index.json", c1_1_1=("OK", "OK")), RUN)
    assert report.failures(RUN, found) == ["plain: expected 4 cases, got 1"]


def test_the_page_has_a_table_for_each_run(results: report.Results) -> None:
    """What is kept says what it was made with, and what was not good."""
    page = report.page([(RUN, results)], {"Tornado": "6.6.1", "Python": "3.11"})
    assert "Made with Tornado 6.6.1, Python 3.11." in page
    assert f"## Core\n\n{TABLE}\n\n- plain, non-strict: 1.1.2\n- plain, failed: 10.1.1\n" in page


@pytest.mark.parametrize(("sent", "verdict"), [(1000, "failed"), (300, "OK")])
def test_a_server_that_does_not_compress_has_failed(
    sent: int, verdict: str, tmp_path: Path
) -> None:
    """The suite lets it pass: that it has agreed is enough for it."""
    traffic = {"incomingOctetsWebSocketLevel": sent, "incomingOctetsAppLevel": 1000}
    (tmp_path / "case.json").write_text(json.dumps({"trafficStats": traffic}))
    case = {"behavior": "OK", "behaviorClose": "OK", "reportfile": "case.json"}
    (tmp_path / "index.json").write_text(json.dumps({"plain": {"12.1.1": case}}))
    run = RUN._replace(is_compressed=True)
    assert report.read(tmp_path / "index.json", run) == {"12.1.1": verdict}


def test_the_names_of_runs_differ() -> None:
    """A report has its folder by name."""
    assert len({run.name for run in RUNS}) == len(RUNS)


@pytest.mark.parametrize("path", sorted({run.path for run in RUNS}))
@pytest.mark.parametrize("message", ["text", b"\0bytes", "long" * 1_000_000])
def test_the_server_echoes_raw_messages(path: str, message: str | bytes) -> None:
    """Compressed where the path says so, and not wrapped into the product's envelope."""
    with (
        serve() as port,
        connect(f"ws://127.0.0.1:{port}{path}", max_size=None) as client,
    ):
        assert [type(found).__name__ for found in client.protocol.extensions] == (
            ["PerMessageDeflate"] if path == "/deflate" else []
        )
        client.send(message)
        assert client.recv(timeout=20) == message


def test_the_script_says_that_there_is_no_python_2(tmp_path: Path) -> None:
    """The suite does not start elsewhere; its absence fails nothing."""
    for name in ("awk", "bash", "dirname", "env", "grep", "ls", "sh", "sort"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    done = subprocess.run(
        [ROOT / "scripts/autobahn"],
        env={"PATH": str(tmp_path), "HOME": "/nonexistent", "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert done.stdout == ""
    assert "SKIPPED: Autobahn|Testsuite, because Python 2.7 was not found" in done.stderr


def test_an_unknown_run_is_refused(tmp_path: Path) -> None:
    """A slip names what there is, before anything runs."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.autobahn", "--wstest", "no", "--reports", tmp_path, "plane"],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "expected some of plain deflate wss wss-deflate, got plane" in done.stderr

"""What progress tasks ask of the database holds on a real PostgreSQL as well."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines.database import postgres

ROOT = Path(__file__).resolve().parents[2]

# Who wants what of a run at the same time is decided by the database.
MODULES = (
    "test_transitions.py",
    "test_runner.py",
    "test_submission.py",
    "test_control.py",
    "test_history.py",
    "work/test_items.py",
    "work/test_report.py",
)


@pytest.mark.timeout(300)
def test_runs_are_made_and_change_as_they_should() -> None:
    """The same tests, in a process whose settings name it."""
    with postgres() as settings:
        url = "postgres://{USER}@{HOST}:{PORT}/{NAME}".format(**settings)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"),
                *(f"tests/tws_admin/progress/{module}" for module in MODULES),
            ],
            cwd=ROOT,
            env={**os.environ, "TEST_DATABASE_URL": url},
            capture_output=True,
            text=True,
            timeout=280,
        )
    assert done.returncode == 0, done.stdout + done.stderr

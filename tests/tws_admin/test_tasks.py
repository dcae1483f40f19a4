"""What Celery finds in ``tws_admin.tasks``."""

from __future__ import annotations

import importlib
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Celery keeps its apps in the process, so each has one of its own.
FIND = """
import celery
app = celery.Celery("shop")
app.autodiscover_tasks(["tws_admin"], force=True)
task = app.tasks["tws_admin.execute"]
print(task.__module__, task.ignore_result, task.acks_late)
"""


def test_celery_finds_the_task_by_itself() -> None:
    command = [sys.executable, "-W", "error", "-c", FIND]
    output = subprocess.check_output(command, cwd=ROOT, text=True, timeout=60)
    assert output == "tws_admin.tasks True False\n"


@pytest.mark.django_db
def test_the_task_executes_the_run_of_an_id(caplog: pytest.LogCaptureFixture) -> None:
    """Of a run that is no more nothing is left to do."""
    from tws_admin.tasks import execute

    run_id = str(uuid.uuid4())
    with caplog.at_level("INFO", "tws_admin"):
        execute.run(run_id)
    assert run_id in caplog.text


def test_without_celery_there_is_nothing_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another task queue that looks for modules of this name can import it."""
    monkeypatch.setitem(sys.modules, "celery", None)  # as if it was not installed
    monkeypatch.delitem(sys.modules, "tws_admin.tasks", raising=False)
    module = importlib.import_module("tws_admin.tasks")
    assert module.__all__ == []

"""The thread that tells of works, and what becomes of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError

from tests.tws_admin.progress.works import Held, Work, beside, messages
from tws_admin.models import ProgressTask, TaskNote
from tws_admin.progress.transitions import claim
from tws_admin.progress.work.report import Report
from tws_admin.progress.work.reporter import Reporter, reporter
from tws_admin.progress.work.task import Task

pytestmark = pytest.mark.django_db(transaction=True)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


def saved(run: ProgressTask) -> ProgressTask:
    return ProgressTask.objects.get(pk=run.pk)


def test_progress_is_saved_while_the_work_goes_on_and_the_thread_ends_with_it() -> None:
    messages(3)
    held = Held()

    def body(task: Any, queryset: Any) -> None:
        task.update(done=1, total=2)
        task.log("half")
        held.hold()

    run = Work(body).start()
    thread = beside(run)
    assert held.entered.wait(20)
    until(lambda: saved(run).done == 1)
    assert run.pk in reporter
    until(lambda: TaskNote.objects.filter(text="half").exists())
    held.go_on.set()
    thread.join()
    assert run.pk not in reporter
    until(lambda: not [t for t in threading.enumerate() if t.name == "tws_admin-reporter"])


def test_a_database_that_is_away_is_told_once_and_the_work_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = Work(lambda task, queryset: None).start()
    assert claim(run, "here")
    task = Task(run, user=None, params={}, leaves=False)

    class Failing(Report):
        turns = 0

        def save(self) -> None:
            self.turns += 1
            raise DatabaseError("locked")

    report = Failing(run, task)
    own = Reporter()
    own.add(report)

    def is_tried_again() -> bool:
        own.look()
        return report.turns > 3

    until(is_tried_again)
    own.remove(report)
    until(lambda: not [t for t in threading.enumerate() if t.name == "tws_admin-reporter"])
    found = [record for record in caplog.records if "progress is not saved" in record.message]
    assert len(found) == 1

"""What was told of one work, and what it is told."""

from __future__ import annotations

import datetime
import math
from typing import Any

import pytest
from django.utils import timezone

from tests.tws_admin.progress.works import Work, selection_of
from tws_admin.models import ProgressTask
from tws_admin.progress.states import State
from tws_admin.progress.transitions import become, claim
from tws_admin.progress.work import meter
from tws_admin.progress.work import report as module
from tws_admin.progress.work.report import Report
from tws_admin.progress.work.task import MAX_NOTES, Task

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run() -> ProgressTask:
    made = Work(lambda task, queryset: None).start()
    assert claim(made, "here")
    return made


@pytest.fixture
def task(run: ProgressTask) -> Task:
    return Task(run, user=None, params={}, leaves=False)


@pytest.fixture
def report(run: ProgressTask, task: Task) -> Report:
    return Report(run, task)


def saved(run: ProgressTask) -> ProgressTask:
    return ProgressTask.objects.get(pk=run.pk)


def set_back(run: ProgressTask, name: str) -> datetime.datetime:
    """Set a time of a run back: to the database two moments may be the same millisecond."""
    before = timezone.now() - datetime.timedelta(hours=1)
    ProgressTask.objects.filter(pk=run.pk).update(**{name: before})
    return before


def test_what_the_work_has_told_is_saved(run: ProgressTask, task: Task, report: Report) -> None:
    set_back(run, "progressed_at")
    task.update(done=3.7, total=10, label="x" * 500)
    report.save()
    found = saved(run)
    assert (found.done, found.total, found.label) == (3, 10, "x" * 200)
    assert found.progressed_at >= run.started_at  # type: ignore[operator]


def test_what_has_not_changed_is_not_saved_again(
    task: Task, report: Report, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # These change with time alone, of which a busy machine may need some.
    monkeypatch.setattr(meter, "ENOUGH_S", math.inf)
    monkeypatch.setattr(module, "BEAT_S", math.inf)
    task.advance()
    report.save()
    with django_assert_num_queries(0):
        report.save()


def test_the_heart_beats_also_when_nothing_changes(
    run: ProgressTask, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEAT_S", 0.0)
    report.save()
    first = saved(run)
    before = set_back(run, "heartbeat")
    report.save()
    second = saved(run)
    assert second.heartbeat >= first.heartbeat > before  # type: ignore[operator]
    assert second.progressed_at == first.progressed_at, "a heartbeat is no progress"


def test_errors_and_failed_keys_are_saved(run: ProgressTask, task: Task, report: Report) -> None:
    task.error(5, ValueError("no"))
    report.save()
    assert saved(run).error_count == 1
    assert selection_of(run).failed == [5]
    for key in range(3):
        task.error(key, ValueError("no"))
        report.save()
        assert len(selection_of(run).failed) == key + 2, "never behind the cursor"


def test_lines_of_the_log_come_with_the_next_saving(
    run: ProgressTask, task: Task, report: Report
) -> None:
    task.log("one")
    report.save()
    assert [note.text for note in run.notes.filter(state="")] == ["one"]
    task.note_count = MAX_NOTES + 1
    task.log("left out")
    report.close()
    assert run.notes.last().text == "… and 2 more lines"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("state", "wish", "asked"),
    [
        ("running", "", None),
        ("running", "pause", "pause"),
        ("cancelling", "", "cancel"),
        ("lost", "", "lost"),
        ("queued", "", "lost"),
    ],
)
def test_the_work_is_asked_what_the_database_says(
    report: Report, task: Task, state: str, wish: str, asked: str | None
) -> None:
    report.listen((state, wish))
    assert task.asked == asked


def test_a_run_that_is_not_ours_any_more_ends(
    run: ProgressTask, report: Report, task: Task
) -> None:
    report.listen(("running", ""))
    assert become(saved(run), State.LOST)
    task.advance()
    report.save()
    assert task.asked == "lost"


def test_a_run_that_was_deleted_ends(report: Report, task: Task) -> None:
    report.listen(("running", ""))
    report.listen(None)
    assert task.asked == "lost"


def test_a_run_that_others_cannot_see_yet_goes_on(
    run: ProgressTask, report: Report, task: Task
) -> None:
    ProgressTask.objects.filter(pk=run.pk).delete()  # as a transaction that is not committed
    report.listen(None)
    task.advance()
    report.save()
    assert task.asked is None


def test_after_its_end_nothing_is_told_or_saved(
    run: ProgressTask, task: Task, report: Report, django_assert_num_queries: Any
) -> None:
    task.update(done=2, total=4)
    values = report.close()
    assert (values["done"], values["total"], values["error_count"]) == (2, 4, 0)
    task.meter.done = 3
    with django_assert_num_queries(0):
        report.save()
        report.tell()
        report.listen(("cancelling", ""))
    assert task.asked is None

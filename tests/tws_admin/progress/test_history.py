"""What is kept of runs that have ended."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tws_admin.models import ProgressTask, TaskFile, TaskNote, TaskSelection
from tws_admin.progress.files import open_file
from tws_admin.progress.history import expired, prune
from tws_admin.progress.states import ACTIVE, ENDED, State

pytestmark = pytest.mark.django_db(transaction=True)

DAY = datetime.timedelta(days=1)
MINUTE = datetime.timedelta(minutes=1)


def ended(*ages: datetime.timedelta, **values: Any) -> list[ProgressTask]:
    """Return runs that ended so long ago."""
    now = timezone.now()
    values = {"state": State.SUCCEEDED, "engine": "thread", **values}
    return ProgressTask.objects.bulk_create(
        ProgressTask(title=f"ended {age} ago", ended_at=now - age, **values) for age in ages
    )


def left() -> set[Any]:
    return set(ProgressTask.objects.values_list("pk", flat=True))


def keys(runs: Iterable[ProgressTask]) -> set[Any]:
    return {run.pk for run in runs}


def test_runs_that_ended_long_ago_are_deleted() -> None:
    old = ended(31 * DAY, 400 * DAY)
    young = ended(MINUTE, 29 * DAY)
    assert keys(expired(days=30, count=1000)) == keys(old)
    assert prune(days=30, count=1000) == 2
    assert left() == keys(young)


def test_of_the_others_only_the_newest_are_kept() -> None:
    runs = ended(*(n * MINUTE for n in range(10)))
    assert prune(days=30, count=4) == 6
    assert left() == keys(runs[:4])


def test_of_runs_that_ended_at_the_same_moment_no_more_are_kept_than_of_others() -> None:
    now = timezone.now()
    ProgressTask.objects.bulk_create(
        ProgressTask(title="same", state=State.FAILED, engine="thread", ended_at=now)
        for _ in range(10)
    )
    assert prune(days=30, count=4) == 6
    assert ProgressTask.objects.count() == 4


def test_as_many_as_are_kept_are_none_too_many() -> None:
    ended(*(n * MINUTE for n in range(4)))
    assert prune(days=30, count=4) == 0
    assert prune(days=30, count=0) == 4
    assert prune(days=30, count=0) == 0


@pytest.mark.parametrize("state", sorted(ACTIVE))
def test_a_run_that_is_not_over_is_kept_whatever_its_age(state: State) -> None:
    [run] = ended(400 * DAY, state=state)
    ProgressTask.objects.update(created_at=timezone.now() - 400 * DAY)
    assert prune(days=1, count=1) == prune(days=0, count=0) == 0
    assert left() == {run.pk}


@pytest.mark.parametrize("state", sorted(ENDED))
def test_a_run_that_is_over_is_deleted_however_it_ended(state: State) -> None:
    ended(31 * DAY, state=state)
    assert prune(days=30, count=1000) == 1


def test_runs_may_be_kept_for_ever() -> None:
    [run] = ended(4000 * DAY)
    assert prune(days=10**9, count=10**9) == 0
    assert left() == {run.pk}


@pytest.mark.parametrize("limits", [{"days": -1, "count": 1}, {"days": 1, "count": -1}])
def test_a_negative_limit_is_refused(limits: dict[str, int]) -> None:
    ended(MINUTE)
    with pytest.raises(ValueError, match="should be at least 0, got -1"):
        prune(**limits)
    assert left()


def test_what_belongs_to_a_run_goes_with_it(tmp_path: Path) -> None:
    old, young = ended(31 * DAY, MINUTE)
    kept = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": tmp_path},
    }
    with override_settings(STORAGES={"tws_admin": kept}):
        for run in (old, young):
            TaskNote.objects.create(task=run, time=timezone.now(), text="said")
            TaskSelection.objects.create(pk=run.pk, keys=[1, 2])
            with open_file(run.pk, "result.txt") as file:
                file.write(str(run.pk))
        assert prune(days=30, count=1000) == 1
    assert [note.task_id for note in TaskNote.objects.all()] == [young.pk]
    assert [selection.pk for selection in TaskSelection.objects.all()] == [young.pk]
    assert [file.task_id for file in TaskFile.objects.all()] == [young.pk]
    stored = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert stored == [str(young.pk)]


def test_a_retry_outlives_what_it_retries() -> None:
    [old] = ended(31 * DAY)
    [young] = ended(MINUTE, retry_of=old)
    assert prune(days=30, count=1000) == 1
    young.refresh_from_db()
    assert young.retry_of is None


def test_what_nobody_has_started_within_a_day_is_forgotten() -> None:
    [run] = ended(MINUTE)
    for pk in (run.pk, None, None):
        TaskSelection.objects.create(**({} if pk is None else {"pk": pk}))
    TaskSelection.objects.update(created_at=timezone.now() - 2 * DAY)
    fresh = TaskSelection.objects.create()
    assert prune(days=30, count=1000, batch=1) == 0
    assert set(TaskSelection.objects.values_list("pk", flat=True)) == {run.pk, fresh.pk}


class TestMany:
    COUNT = 3000

    @pytest.fixture(autouse=True)
    def runs(self) -> None:
        runs = ended(*(31 * DAY + n * MINUTE for n in range(self.COUNT)), errors=["x" * 1000])
        now = timezone.now()
        TaskNote.objects.bulk_create(TaskNote(task=run, time=now, text="said") for run in runs)
        TaskSelection.objects.bulk_create(TaskSelection(pk=run.pk, keys=[1]) for run in runs)
        files = (TaskFile(task=run, name="a", content=b"x" * 1000) for run in runs[:100])
        TaskFile.objects.bulk_create(files)

    def statements(self, batch: int) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            assert prune(days=30, count=1000, batch=batch) == self.COUNT
        assert not ProgressTask.objects.exists()
        assert not TaskSelection.objects.exists()
        return [query["sql"] for query in queries]

    def test_they_are_deleted_in_portions_each_in_a_transaction_of_its_own(self) -> None:
        began = [sql for sql in self.statements(500) if sql.startswith("BEGIN")]
        assert len(began) == self.COUNT // 500

    def test_a_row_costs_no_query_of_its_own(self) -> None:
        assert len(self.statements(500)) < self.COUNT // 15

    def test_nothing_large_is_read(self) -> None:
        read = [sql for sql in self.statements(500) if sql.startswith("SELECT")]
        assert read
        for column in ("errors", "params", "result", "keys", "text"):
            assert not any(f'"{column}"' in sql for sql in read), column
        # The files are deleted by a query of their own; behind it there are none to be read.
        of_files = next(sql for sql in read if 'FROM "tws_admin_taskfile"' in sql)
        assert '"content"' not in of_files

    def test_the_oldest_go_first(self) -> None:
        numbers = itertools.count()

        def interrupt(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if sql.startswith("SELECT") and "LIMIT 1000" in sql and next(numbers) == 2:
                raise KeyboardInterrupt
            return execute(sql, params, many, context)

        youngest = ProgressTask.objects.order_by("-ended_at")[:1000]
        expected = keys(youngest)
        with pytest.raises(KeyboardInterrupt), connection.execute_wrapper(interrupt):
            prune(days=30, count=10_000, batch=1000)
        assert left() == expected


def test_a_run_that_is_retried_in_the_middle_is_kept() -> None:
    """Between the look for old runs and the transaction that deletes them."""
    runs = ended(*(31 * DAY + n * MINUTE for n in range(4)))
    [last, *_others] = runs  # the youngest is deleted last
    numbers = itertools.count()

    def retry(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        # The second look for old runs is done: the last two are in it.
        if sql.startswith("SELECT") and "LIMIT 2" in sql and next(numbers) == 1:
            ProgressTask.objects.filter(pk=last.pk).update(state=State.QUEUED, ended_at=None)
        return result

    with connection.execute_wrapper(retry):
        assert prune(days=30, count=1000, batch=2) == 3
    assert left() == {last.pk}

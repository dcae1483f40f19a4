"""The tables of progress tasks."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from tws_admin.models import ProgressTask, TaskFile, TaskNote, TaskSelection
from tws_admin.progress.states import ACTIVE, State

pytestmark = pytest.mark.django_db


def run_of(**fields: object) -> ProgressTask:
    return ProgressTask.objects.create(site="a", model="b.C", action="d", title="Draw", **fields)


def test_every_state_has_a_name() -> None:
    assert list(ProgressTask.STATES) == list(State)


@pytest.mark.parametrize("state", State)
def test_a_run_knows_whether_it_is_over(state: State) -> None:
    assert ProgressTask(state=str(state)).is_active == (state in ACTIVE)


def test_a_run_has_a_path_of_its_own() -> None:
    run = run_of()
    assert run.path == f"/tornado_websockets/tasks/{run.pk}"
    assert str(run) == "Draw"


def test_only_one_run_at_a_time_has_a_key_and_many_have_none() -> None:
    run_of()
    run_of()
    run_of(single_key="x")
    with transaction.atomic(), pytest.raises(IntegrityError):
        run_of(single_key="x")


def test_a_run_outlives_its_user_and_takes_its_notes_and_files_along() -> None:
    user = User.objects.create_user("olga")
    run = run_of(user=user)
    note = TaskNote.objects.create(task=run, time=timezone.now(), state="queued", by=user)
    file = TaskFile.objects.create(task=run, name="a.csv")
    assert (str(note), str(file)) == ("queued", "a.csv")
    assert str(TaskNote(text="said")) == "said"
    user.delete()
    run.refresh_from_db()
    assert run.user is None
    run.delete()
    assert not TaskNote.objects.exists()
    assert not TaskFile.objects.exists()


def test_a_run_has_one_file_of_a_name() -> None:
    run = run_of()
    TaskFile.objects.create(task=run, name="a.csv")
    with transaction.atomic(), pytest.raises(IntegrityError):
        TaskFile.objects.create(task=run, name="a.csv")


def test_a_selection_is_named_by_its_model() -> None:
    selection = TaskSelection(model="testapp.Book")
    assert str(selection) == f"testapp.Book ({selection.pk})"

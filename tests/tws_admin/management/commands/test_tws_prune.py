"""``manage.py tws_prune``: the history of progress tasks, from a command."""

from __future__ import annotations

import datetime
import io

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.utils import timezone

from tws_admin.models import ProgressTask
from tws_admin.progress.states import State

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def runs() -> None:
    """Ten runs, of which each is ten days older than the one before; the first is of today."""
    now = timezone.now()
    ProgressTask.objects.bulk_create(
        ProgressTask(
            title="Export",
            engine="thread",
            state=State.SUCCEEDED,
            ended_at=now - datetime.timedelta(days=10 * number),
        )
        for number in range(10)
    )


def prune(*arguments: str) -> str:
    output = io.StringIO()
    call_command("tws_prune", *arguments, stdout=output)
    return output.getvalue()


def test_without_arguments_it_goes_by_the_settings() -> None:
    with override_settings(TWS_ADMIN={"history": {"days": 25, "count": 2}}):
        assert prune() == "Progress tasks deleted: 8\n"
    assert ProgressTask.objects.count() == 2


def test_the_settings_have_defaults() -> None:
    assert prune() == "Progress tasks deleted: 7\n"  # of the thirtieth day, a moment older


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(["--days=45"], 5), (["--count=1"], 9), (["--days=45", "--count=3"], 7), (["--days=0"], 10)],
)
def test_arguments_come_before_the_settings(arguments: list[str], expected: int) -> None:
    assert prune(*arguments) == f"Progress tasks deleted: {expected}\n"
    assert ProgressTask.objects.count() == 10 - expected


def test_a_dry_run_tells_and_deletes_nothing() -> None:
    assert prune("--days=45", "--dry-run") == "Progress tasks to delete: 5\n"
    assert ProgressTask.objects.count() == 10


@pytest.mark.parametrize("name", ["days", "count"])
def test_a_negative_number_is_refused(name: str) -> None:
    with pytest.raises(CommandError, match=f"--{name} must be at least 0, got -1"):
        prune(f"--{name}=-1")
    assert ProgressTask.objects.count() == 10

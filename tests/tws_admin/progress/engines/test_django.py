"""The engine of Django's tasks: what it hands over, and what keeps it from working."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from tws_admin.progress.engines import engine
from tws_admin.progress.engines.django import DjangoEngine, tasks

BACKENDS = f"{tasks().__name__}.backends"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Have the settings read anew, before and after."""
    forget()
    yield
    forget()


def forget() -> None:
    handler = tasks().task_backends
    handler._settings = None
    handler.__dict__.pop("settings", None)
    if hasattr(handler._connections, "default"):
        del handler["default"]


def ids(backend: str, **options: Any) -> list[str]:
    with override_settings(TASKS={"default": {"BACKEND": backend, **options}}):
        forget()
        return [problem.id for problem in DjangoEngine().problems()]


def test_it_is_found_by_its_name() -> None:
    assert isinstance(engine("django"), DjangoEngine)


def test_a_backend_with_workers_is_well() -> None:
    assert ids("django_tasks_db.DatabaseBackend") == []


@pytest.mark.parametrize(
    ("backend", "expected"),
    [
        (f"{BACKENDS}.immediate.ImmediateBackend", "W003"),
        (f"{BACKENDS}.dummy.DummyBackend", "W004"),
    ],
)
def test_a_backend_without_workers_is_reported(backend: str, expected: str) -> None:
    assert ids(backend) == [expected]


def test_the_backend_of_a_project_that_has_set_none_is_reported() -> None:
    """Django's own default executes a task where it is enqueued."""
    assert [problem.id for problem in DjangoEngine().problems()] == ["W003"]


def test_a_backend_that_cannot_be_had_is_an_error() -> None:
    with override_settings(TASKS={"default": {"BACKEND": "no.such.Backend"}}):
        forget()
        [problem] = DjangoEngine().problems()
    assert problem.id == "E012"
    assert "no.such.Backend" in problem.message


def test_a_backend_that_has_not_the_queue_is_an_error() -> None:
    assert ids("django_tasks_db.DatabaseBackend", QUEUES=["mails"]) == ["E012"]


def test_no_tasks_at_all_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "django.tasks", None)  # as if it was not installed
        patch.setitem(sys.modules, "django_tasks", None)
        [problem] = DjangoEngine().problems()
    assert problem.id == "E011"
    assert "pip install django-tasks" in problem.hint


def test_a_run_is_handed_over_by_its_id() -> None:
    with override_settings(TASKS={"default": {"BACKEND": f"{BACKENDS}.dummy.DummyBackend"}}):
        forget()
        DjangoEngine().submit("0c7e9c43")
        [result] = tasks().task_backends["default"].results
    assert (result.args, result.kwargs) == (["0c7e9c43"], {})
    assert result.task.module_path == "tws_admin.progress.engines.djangotask.execute"

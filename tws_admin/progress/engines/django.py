"""Runs in the workers of Django's tasks, whatever their backend is."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any, Final

from tornado_websockets.rules import Problem

__all__ = ["DjangoEngine", "engine", "tasks"]

NOT_INSTALLED: Final = Problem(
    "E011",
    "Progress tasks are to run in Django's tasks, which this Django does not have.",
    "Use Django 6, or install the backport with: pip install django-tasks django-tasks-db",
)

NO_WORKERS: Final = {
    "ImmediateBackend": Problem(
        "W003",
        "TASKS['default'] is the ImmediateBackend: progress tasks block the request that starts"
        " them.",
        "Take a backend with workers, such as that of django-tasks-db, or the engine 'thread'.",
    ),
    "DummyBackend": Problem(
        "W004",
        "TASKS['default'] is the DummyBackend: progress tasks never begin.",
        "Take a backend with workers, such as that of django-tasks-db, or the engine 'thread'.",
    ),
}


def tasks() -> Any:
    """Return ``django.tasks``, or ``django_tasks`` where Django has none.

    Raises:
        ModuleNotFoundError: there is neither.
    """
    try:
        return importlib.import_module("django.tasks")
    except ModuleNotFoundError:
        return importlib.import_module("django_tasks")


class DjangoEngine:
    """Enqueues to the backend ``default`` of ``settings.TASKS``."""

    def submit(self, run_id: str) -> None:
        """Enqueue the id of a run.

        Raises:
            Exception: what the backend raises when it cannot take it.
        """
        # It needs the backend, which a project with another engine may not have.
        from tws_admin.progress.engines.djangotask import execute

        execute.enqueue(run_id)

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with ``settings.TASKS``."""
        try:
            found = tasks()
        except ModuleNotFoundError:
            yield NOT_INSTALLED
            return
        try:
            backend = found.task_backends["default"]
            # As above.
            from tws_admin.progress.engines.djangotask import execute

            backend.validate_task(execute)
        except Exception as error:  # noqa: BLE001  whatever a backend raises
            yield Problem(
                "E012",
                "Progress tasks are to run in Django's tasks, whose backend 'default' does not"
                f" take them: {error}",
                "Correct TASKS in the settings.",
            )
            return
        problem = NO_WORKERS.get(type(backend).__name__)
        if problem is not None:
            yield problem


engine: Final = DjangoEngine()

"""The task that a worker of Django's tasks finds by its path."""

from __future__ import annotations

import uuid

import pytest
from django.utils.module_loading import import_string

from tws_admin.progress.engines.django import tasks


def test_a_worker_finds_it_by_its_path() -> None:
    from tws_admin.progress.engines.djangotask import execute

    assert import_string(execute.module_path) is execute
    assert isinstance(execute, tasks().task_backends["default"].task_class)


@pytest.mark.django_db
def test_it_executes_the_run_of_an_id(caplog: pytest.LogCaptureFixture) -> None:
    """Of a run that is no more nothing is left to do."""
    from tws_admin.progress.engines.djangotask import execute

    run_id = str(uuid.uuid4())
    with caplog.at_level("INFO", "tws_admin"):
        execute.call(run_id)
    assert run_id in caplog.text

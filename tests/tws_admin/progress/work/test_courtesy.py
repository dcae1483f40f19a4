"""Work gives way to others who write, where only one at a time can."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.db import connection, connections

from testapp.models import ChatMessage
from tests.tws_admin.progress.works import Work, beside, messages
from tws_admin.models import ProgressTask, TaskSelection
from tws_admin.progress.work import courtesy as module
from tws_admin.progress.work.courtesy import Courtesy

ONLY_ONE_WRITES = connection.vendor == "sqlite"


def rested(courtesy: Courtesy) -> bool:
    start = time.monotonic()
    courtesy.show()
    return time.monotonic() - start >= module.REST_S


def test_it_rests_once_in_a_while_and_only_where_it_is_of_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    courtesy = Courtesy("default")
    assert not rested(courtesy), "it has just begun"
    monkeypatch.setattr(module, "EVERY_S", 0.0)
    assert rested(courtesy) == ONLY_ONE_WRITES


async def test_a_coroutine_rests_without_holding_up_its_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "EVERY_S", 0.0)
    start = time.monotonic()
    await Courtesy("default").ashow()
    assert (time.monotonic() - start >= module.REST_S) == ONLY_ONE_WRITES


@pytest.mark.django_db(transaction=True)
def test_a_work_that_writes_all_the_time_lets_its_progress_be_saved() -> None:
    messages(2)
    is_over = threading.Event()

    def body(task: Any, message: ChatMessage) -> None:
        end = time.monotonic() + 0.02
        while time.monotonic() < end:
            ChatMessage.objects.filter(pk=message.pk).update(text="again")
        if is_over.is_set():
            task.ask("cancel")

    keys = list(ChatMessage.objects.values_list("pk", flat=True))
    work = Work(body, each=True)
    run = work.start()
    TaskSelection.objects.filter(pk=run.pk).update(keys=keys * 400)
    thread = beside(run)
    try:
        deadline = time.monotonic() + 15
        while not ProgressTask.objects.get(pk=run.pk).done and time.monotonic() < deadline:
            time.sleep(0.05)
        assert 0 < ProgressTask.objects.get(pk=run.pk).done < 800
    finally:
        is_over.set()
        thread.join()
        connections.close_all()

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


class Clock:
    """Goes on when the test says so, and by resting: a busy machine would rest by itself."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.rests: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.now += seconds


def test_it_rests_once_in_a_while_and_only_where_it_is_of_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    courtesy = Courtesy("default")
    courtesy.show()
    assert clock.rests == [], "it has just begun"
    clock.now += module.EVERY_S
    for _ in range(2):
        courtesy.show()
        assert clock.rests == ([module.REST_S] if ONLY_ONE_WRITES else [])


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

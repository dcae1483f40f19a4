"""The work on one object after the other."""

from __future__ import annotations

from typing import Any

import pytest

from testapp.models import ChatMessage
from tests.tws_admin.progress.works import messages
from tws_admin.models import ProgressTask
from tws_admin.progress.options import Options
from tws_admin.progress.work.items import StoppedError, work_through
from tws_admin.progress.work.task import Task, TaskCancelled, TaskPaused

pytestmark = pytest.mark.django_db


def through(task: Task, keys: list[int], work: Any = lambda message: None, **options: Any) -> None:
    work_through(task, ChatMessage.objects.all(), keys, work, Options(each=True, **options))


@pytest.fixture
def task() -> Task:
    return Task(ProgressTask(), user=None, params={}, leaves=True)


def test_the_cursor_is_behind_the_last_object_that_is_finished(task: Task) -> None:
    keys = [message.pk for message in messages(5)]

    def work(message: ChatMessage) -> None:
        if message.pk == keys[2]:
            task.ask("pause")

    with pytest.raises(TaskPaused):
        through(task, keys, work, chunk_size=2)
    assert (task.cursor, task.meter.done, task.meter.total) == (3, 3, 5)
    task.ask(None)
    seen: list[int] = []
    through(task, keys, lambda message: seen.append(message.pk), chunk_size=2)
    assert seen == keys[3:]


def test_a_wish_to_cancel_is_heard_between_two_objects(task: Task) -> None:
    keys = [message.pk for message in messages(2)]
    with pytest.raises(TaskCancelled):
        through(task, keys, lambda message: task.ask("cancel"))
    assert task.cursor == 1


def test_objects_are_read_in_portions(task: Task, django_assert_num_queries: Any) -> None:
    keys = [message.pk for message in messages(10)]
    with django_assert_num_queries(4):
        through(task, keys, chunk_size=3, atomic=False)


def test_where_it_stops_the_object_is_not_finished(task: Task) -> None:
    keys = [message.pk for message in messages(3)]

    def work(message: ChatMessage) -> None:
        if message.pk == keys[1]:
            raise ValueError("no")

    with pytest.raises(StoppedError, match=f"on {keys[1]}: ValueError: no$"):
        through(task, keys, work, on_error="stop")
    assert task.cursor == 1
    assert task.failed == [keys[1]]


def test_an_object_without_a_name_fails_alone(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [message.pk for message in messages(2)]

    def no_name(self: ChatMessage) -> str:
        raise RuntimeError("no name")

    monkeypatch.setattr(ChatMessage, "__str__", no_name)
    through(task, keys)
    assert (task.cursor, task.error_count) == (2, 2)
    assert task.errors[0]["text"] == "<ChatMessage>"

"""Going through the items of some work."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from django.db import connections

from testapp.models import ChatMessage
from tests.tws_admin.progress.works import messages
from tws_admin.models import ProgressTask
from tws_admin.progress.work import track as module
from tws_admin.progress.work.task import Task, TaskCancelled


@pytest.fixture
def task() -> Task:
    return Task(ProgressTask(), user=None, params={}, leaves=False)


def test_items_are_counted_behind_the_work_on_them(task: Task) -> None:
    seen = [
        (item, task.meter.done, task.meter.total, task.meter.label)
        for item in task.track(["a", "b"], label=str.upper)
    ]
    assert seen == [("a", 0, 2, "A"), ("b", 1, 2, "B")]
    assert (task.meter.done, task.meter.label) == (2, "")


def test_words_of_the_body_itself_stay(task: Task) -> None:
    task.update(label="counting")
    list(task.track([1, 2]))
    assert task.meter.label == "counting"


def test_what_has_no_length_is_of_unknown_total(task: Task) -> None:
    def generate() -> Iterator[int]:
        yield from range(3)

    assert list(task.track(generate())) == [0, 1, 2]
    assert (task.meter.done, task.meter.total) == (3, None)


def test_the_total_may_be_told(task: Task) -> None:
    assert list(task.track(iter([1, 2]), total=2)) == [1, 2]
    assert task.meter.total == 2
    with pytest.raises(ValueError, match="^total should be "):
        task.track([], total=-1)


def test_several_behind_one_another_add_up(task: Task) -> None:
    list(task.track([1, 2]))
    list(task.track([1, 2, 3]))
    assert (task.meter.done, task.meter.total) == (5, 5)


def test_a_wish_after_the_last_item_is_heard_too(task: Task) -> None:
    with pytest.raises(TaskCancelled):  # noqa: PT012
        for _item in task.track([1]):
            task.ask("cancel")


def test_a_body_that_leaves_the_loop_has_not_done_the_item(task: Task) -> None:
    for item in task.track([1, 2, 3]):
        if item == 2:
            break
    assert task.meter.done == 1


@pytest.mark.django_db
def test_a_queryset_is_counted_and_read_in_portions(
    task: Task, django_assert_num_queries: Any
) -> None:
    messages(5)
    with django_assert_num_queries(2):
        found = list(task.track(ChatMessage.objects.order_by("-pk"), label=str))
    assert [message.text for message in found] == [f"line {number}" for number in (4, 3, 2, 1, 0)]
    assert (task.meter.total, task.meter.label) == (5, "")


@pytest.mark.django_db
def test_what_is_deleted_meanwhile_is_counted_and_passed_over(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PORTION", 2)
    made = messages(4)
    seen = []
    for message in task.track(ChatMessage.objects.all()):
        seen.append(message.pk)
        ChatMessage.objects.filter(pk=made[2].pk).delete()
    assert seen == [made[0].pk, made[1].pk, made[3].pk]
    assert (task.meter.done, task.meter.total) == (4, 4)


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["values", "slice"])
def test_a_queryset_without_whole_objects_is_gone_through_as_it_is(task: Task, how: str) -> None:
    messages(3)
    queryset: Any = ChatMessage.objects.values("text") if how == "values" else None
    found = list(task.track(queryset or ChatMessage.objects.all()[:2]))
    assert len(found) == (3 if how == "values" else 2)
    assert task.meter.total == len(found)


@pytest.mark.django_db(transaction=True)
def test_others_can_write_while_the_work_goes_on(task: Task) -> None:
    messages(10)
    writes: list[int] = []

    def write() -> None:
        try:
            ChatMessage.objects.create(author="other", text="meanwhile")
            writes.append(1)
        finally:
            connections.close_all()

    for _message in task.track(ChatMessage.objects.all()):
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert len(writes) == 10


async def test_async_for_goes_through_plain_and_asynchronous_items(task: Task) -> None:
    async def generate() -> AsyncIterator[int]:
        yield 1
        yield 2

    seen = [item async for item in task.track([7, 8], label=str)]
    seen += [item async for item in task.track(generate())]
    assert seen == [7, 8, 1, 2]
    assert (task.meter.done, task.meter.total) == (4, 2)


@pytest.mark.django_db(transaction=True)
async def test_async_for_goes_through_a_queryset_of_values(task: Task) -> None:
    await ChatMessage.objects.abulk_create([ChatMessage(author="a", text=str(n)) for n in range(3)])
    texts = [found["text"] async for found in task.track(ChatMessage.objects.values("text"))]
    assert texts == ["0", "1", "2"]


@pytest.mark.django_db(transaction=True)
async def test_async_for_goes_through_a_queryset(task: Task) -> None:
    await ChatMessage.objects.abulk_create([ChatMessage(author="a", text=str(n)) for n in range(3)])
    texts = [found.text async for found in task.track(ChatMessage.objects.all())]
    assert texts == ["0", "1", "2"]
    assert task.meter.total == 3

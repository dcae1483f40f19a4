"""Going through the items of some work."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from testapp.models import ChatMessage
from tests.tws_admin.progress.works import messages
from tws_admin.models import ProgressTask
from tws_admin.progress.task import Task, TaskCancelled


@pytest.fixture
def task() -> Task:
    return Task(ProgressTask(), user=None, params={}, leaves=False)


def test_items_are_counted_behind_the_work_on_them(task: Task) -> None:
    seen = [
        (item, task.meter.done, task.meter.total, task.meter.label)
        for item in task.track(["a", "b"], label=str.upper)
    ]
    assert seen == [("a", 0, 2, "A"), ("b", 1, 2, "B")]
    assert task.meter.done == 2


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
        found = list(task.track(ChatMessage.objects.all(), label=str))
    assert len(found) == 5
    assert (task.meter.total, task.meter.label) == (5, "olga: line 4")


async def test_async_for_goes_through_plain_and_asynchronous_items(task: Task) -> None:
    async def generate() -> AsyncIterator[int]:
        yield 1
        yield 2

    seen = [item async for item in task.track([7, 8], label=str)]
    seen += [item async for item in task.track(generate())]
    assert seen == [7, 8, 1, 2]
    assert (task.meter.done, task.meter.total) == (4, 2)


@pytest.mark.django_db(transaction=True)
async def test_async_for_goes_through_a_queryset(task: Task) -> None:
    await ChatMessage.objects.abulk_create([ChatMessage(author="a", text=str(n)) for n in range(3)])
    texts = [found.text async for found in task.track(ChatMessage.objects.all())]
    assert texts == ["0", "1", "2"]
    assert task.meter.total == 3

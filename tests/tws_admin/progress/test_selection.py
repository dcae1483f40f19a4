"""What was selected, and what is there of it."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
from django.db.models import QuerySet

from testapp.models import ChatMessage
from tests.tws_admin.progress.works import messages
from tws_admin.models import ProgressTask, TaskSelection
from tws_admin.progress import selection as module
from tws_admin.progress.selection import FEW, TooManyError, chosen, keys_of, portions

pytestmark = pytest.mark.django_db


def select(keys: list[Any]) -> TaskSelection:
    return TaskSelection.objects.create(keys=keys, site="admin", model="testapp.ChatMessage")


def test_keys_are_in_the_order_that_was_shown() -> None:
    made = messages(3)
    newest_first = ChatMessage.objects.order_by("-pk")
    assert keys_of(newest_first, 3) == [message.pk for message in reversed(made)]


def test_more_than_the_limit_is_refused_and_says_so() -> None:
    messages(4)
    with pytest.raises(TooManyError, match="expected at most 3 objects, got more"):
        keys_of(ChatMessage.objects.all(), 3)


@pytest.mark.parametrize("few", [FEW, 1])
def test_what_was_chosen_is_a_queryset_like_any_other(
    few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FEW", few)
    made = messages(5)
    selection = select([made[4].pk, made[1].pk, made[2].pk])
    made[2].delete()
    queryset: QuerySet[Any] = chosen(ChatMessage.objects.all(), selection)
    assert set(queryset) == {made[1], made[4]}
    assert queryset.count() == 2
    assert queryset.filter(text="line 4").get() == made[4]
    assert queryset.update(text="new") == 2
    assert ChatMessage.objects.filter(text="new").count() == 2


def test_where_the_database_cannot_unnest_keys_are_named_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "FEW", 1)
    monkeypatch.setattr(module, "UNNESTED", {})
    made = messages(3)
    assert set(chosen(ChatMessage.objects.all(), select([made[0].pk, made[1].pk]))) == set(made[:2])


def test_keys_that_are_no_numbers_find_their_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    pks = [uuid.uuid4() for _ in range(3)]
    for pk in pks:
        ProgressTask.objects.create(pk=pk, site="a", model="b", action="c", engine="thread")
    selection = select([str(pk) for pk in pks[:2]])
    [(first, found), (second, _)] = next(portions(ProgressTask.objects.all(), selection.keys, 10))
    assert (first, second) == (pks[0], pks[1])
    assert found is not None
    assert found.pk == pks[0]
    assert chosen(ProgressTask.objects.all(), selection).count() == 2


def test_a_hundred_thousand_are_kept_in_well_under_a_second() -> None:
    messages(100_000)
    start = time.process_time()
    keys = keys_of(ChatMessage.objects.all(), 100_000)
    selection = select(keys)
    assert time.process_time() - start < 1.0, "a bound that only something wrong exceeds"
    assert len(keys) == 100_000
    selection.refresh_from_db()
    assert chosen(ChatMessage.objects.all(), selection).count() == 100_000


def test_objects_come_in_portions_with_those_that_are_gone(
    django_assert_num_queries: Any,
) -> None:
    made = messages(5)
    keys: list[Any] = [message.pk for message in made]
    made[3].delete()
    with django_assert_num_queries(3):
        found = list(portions(ChatMessage.objects.all(), keys, 2))
    assert [len(portion) for portion in found] == [2, 2, 1]
    assert [obj for portion in found for _key, obj in portion] == [*made[:3], None, made[4]]

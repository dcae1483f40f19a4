"""How an action may behave."""

from __future__ import annotations

from typing import Any

import pytest
from django.forms import Form

from tws_admin.progress.options import Options


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"on_error": "ignore"}, "on_error should be one of continue, stop, got 'ignore'"),
        ({"engine": "cron"}, "engine should be one of thread, django, celery, got 'cron'"),
        ({"chunk_size": 0}, "chunk_size should be a whole number of at least 1, got 0"),
        ({"max_items": 2.5}, "max_items should be a whole number of at least 1, got 2.5"),
        ({"permissions": "change"}, "permissions should be a list of names, got 'change'"),
    ],
)
def test_options_that_cannot_be_are_refused_at_once(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Options(**options)


def test_the_transaction_of_each_object_is_the_default() -> None:
    assert Options(each=True).is_atomic
    assert not Options().is_atomic
    assert Options(atomic=True).is_atomic
    assert not Options(each=True, atomic=False).is_atomic


def test_a_question_or_a_form_is_a_page_between() -> None:
    assert not Options().asks_first
    assert Options(confirm=True).asks_first
    assert Options(confirm="own.html").asks_first
    assert Options(form=Form).asks_first

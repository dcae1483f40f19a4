"""What staff ask of a run."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User

from testapp.models import ChatMessage
from tests.tws_admin.operators import permit
from tests.tws_admin.progress.works import Work, finish, messages, selection_of, staff
from tws_admin.models import ProgressTask
from tws_admin.progress.control import ask
from tws_admin.progress.transitions import Conflict

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def olga() -> User:
    user = staff()
    permit(user, "change_chatmessage")
    return user


def test_the_failed_objects_alone_are_tried_again(olga: User) -> None:
    made = messages(4)
    bad = [made[1], made[3]]
    ChatMessage.objects.filter(pk__in=[each.pk for each in bad]).update(text="bad")

    def body(task: Any, message: ChatMessage) -> None:
        if message.text == "bad":
            raise ValueError("bad")

    run = finish(Work(body, each=True).start(user=olga))
    assert run.state == "partial"
    ChatMessage.objects.filter(pk=bad[0].pk).update(text="good")

    again = ask(run, "retry_failed", olga)
    assert again.pk != run.pk
    assert (again.retry_of, again.user, again.selected) == (run, olga, 2)
    assert selection_of(again).keys == [each.pk for each in bad]
    assert ask(run, "retry_failed", olga) == again, "asked twice, done once"
    again = finish(again)
    assert (again.state, again.error_count) == ("partial", 1)
    last = finish(ask(again, "retry_failed", olga))
    assert selection_of(last).keys == [bad[1].pk]


def test_what_is_asked_is_in_the_log_of_admin_actions(olga: User) -> None:
    run = Work(lambda task, queryset: None).start(user=olga)
    ask(run, "cancel", olga)
    ask(run, "retry", olga)
    found = LogEntry.objects.filter(action_flag=CHANGE).order_by("pk")
    assert [entry.get_change_message() for entry in found] == ["Cancelled.", "Tried again."]
    assert [note.by for note in run.notes.all()] == [olga, olga, olga]


@pytest.mark.parametrize(
    ("state", "verb"),
    [
        ("succeeded", "cancel"),
        ("succeeded", "pause"),
        ("succeeded", "resume"),
        ("succeeded", "retry"),
        ("succeeded", "retry_failed"),
        ("queued", "pause"),
        ("queued", "retry"),
        ("running", "resume"),
        ("running", "retry_failed"),
        ("cancelling", "cancel"),
        ("cancelling", "pause"),
        ("partial", "retry"),
        ("lost", "cancel"),
    ],
)
def test_what_does_not_fit_the_state_is_refused_and_leaves_no_trace(
    state: str, verb: str, olga: User, caplog: pytest.LogCaptureFixture
) -> None:
    run = Work(lambda task, queryset: None).start(user=olga)
    ProgressTask.objects.filter(pk=run.pk).update(state=state)
    run.refresh_from_db()
    before = LogEntry.objects.count()
    with pytest.raises(Conflict, match=f"{verb} does not fit run {run.pk}, which is {state}"):
        ask(run, verb, olga)
    run.refresh_from_db()
    assert run.state == state
    assert LogEntry.objects.count() == before


def test_a_verb_that_there_is_not_is_refused(olga: User) -> None:
    run = Work(lambda task, queryset: None).start()
    with pytest.raises(ValueError, match="expected one of cancel, .* got 'explode'"):
        ask(run, "explode", olga)


def test_an_action_that_is_no_more_cannot_be_tried_again(olga: User) -> None:
    work = Work(lambda task, queryset: None)
    run = work.start()
    ask(run, "cancel", olga)
    work.model_admin.actions = []
    with pytest.raises(Conflict):
        ask(run, "retry", olga)

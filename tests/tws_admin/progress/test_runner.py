"""What becomes of a run when it is executed."""

from __future__ import annotations

import asyncio
import datetime
import logging
import threading
import time
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.utils import translation
from django.utils.translation import gettext

from testapp.models import ChatMessage
from tests.tws_admin.operators import permit
from tests.tws_admin.progress.works import (
    Held,
    Work,
    beside,
    finish,
    messages,
    selection_of,
    staff,
    states,
)
from tws_admin.models import ProgressTask, TaskSelection
from tws_admin.progress import transitions
from tws_admin.progress.control import ask
from tws_admin.progress.runner import execute, patiently
from tws_admin.progress.states import State
from tws_admin.progress.work.reporter import reporter

pytestmark = pytest.mark.django_db(transaction=True)


def test_work_on_each_object_goes_through_all_of_them() -> None:
    made = messages(3)

    def body(task: Any, message: ChatMessage) -> None:
        message.text = message.text.upper()
        message.save()

    run = Work(body, each=True).run()
    assert (run.state, run.done, run.total, run.cursor) == ("succeeded", 3, 3, 3)
    assert states(run) == ["queued", "running", "succeeded"]
    assert [each.text for each in ChatMessage.objects.all()] == [each.text.upper() for each in made]
    assert run.label == "", "nothing is worked on any more"
    assert run.worker == ""
    assert run.ended_at is not None
    assert run.attempt == 1


def test_work_on_a_queryset_returns_what_is_kept() -> None:
    messages(3)

    def body(task: Any, queryset: Any) -> Any:
        for _message in task.track(queryset, label=str):
            pass
        return {"count": queryset.count(), "day": datetime.date(2026, 11, 23)}

    run = Work(body).run()
    assert (run.state, run.done, run.total) == ("succeeded", 3, 3)
    assert run.result == {"count": 3, "day": "2026-11-23"}


def test_a_coroutine_function_may_be_the_body() -> None:
    messages(2)

    async def body(task: Any, queryset: Any) -> Any:
        async for message in task.track(queryset):
            await asyncio.sleep(0)
            await ChatMessage.objects.filter(pk=message.pk).aupdate(text="seen")
        return "fine"

    run = Work(body, is_async=True).run()
    assert (run.state, run.done, run.result) == ("succeeded", 2, "fine")
    assert set(ChatMessage.objects.values_list("text", flat=True)) == {"seen"}


def test_a_coroutine_works_inside_the_transaction_of_its_object() -> None:
    messages(2)

    async def body(task: Any, message: ChatMessage) -> None:
        await ChatMessage.objects.filter(pk=message.pk).aupdate(text="half")
        if message.text == "line 1":
            raise ValueError("no")

    run = Work(body, is_async=True, each=True).run()
    assert run.state == "partial"
    assert list(ChatMessage.objects.values_list("text", flat=True)) == ["half", "line 1"]


def test_an_object_that_fails_is_undone_and_the_others_are_done() -> None:
    made = messages(4)

    def body(task: Any, message: ChatMessage) -> None:
        ChatMessage.objects.filter(pk=message.pk).update(text="changed")
        if message.pk == made[1].pk:
            raise ValueError("not this one")

    run = Work(body, each=True).run()
    assert (run.state, run.done, run.error_count) == ("partial", 4, 1)
    assert run.errors == [
        {
            "pk": str(made[1].pk),
            "text": "olga: line 1",
            "class": "ValueError",
            "message": "not this one",
        }
    ]
    assert selection_of(run).failed == [made[1].pk]
    texts = list(ChatMessage.objects.values_list("text", flat=True))
    assert texts == ["changed", "line 1", "changed", "changed"]


def test_without_transactions_what_was_done_of_it_stays() -> None:
    messages(1)

    def body(task: Any, message: ChatMessage) -> None:
        ChatMessage.objects.filter(pk=message.pk).update(text="changed")
        raise ValueError

    assert Work(body, each=True, atomic=False).run().state == "partial"
    assert ChatMessage.objects.get().text == "changed"


def test_a_whole_work_can_be_one_transaction() -> None:
    messages(2)

    def body(task: Any, queryset: Any) -> None:
        queryset.update(text="changed")
        raise ValueError("at the end")

    run = Work(body, atomic=True).run()
    assert (run.state, run.failure) == ("failed", "ValueError: at the end")
    assert set(ChatMessage.objects.values_list("text", flat=True)) == {"line 0", "line 1"}


def test_work_may_stop_at_the_first_error() -> None:
    made = messages(3)

    def body(task: Any, message: ChatMessage) -> None:
        if message.pk == made[1].pk:
            raise ValueError("no")

    run = Work(body, each=True, on_error="stop").run()
    assert (run.state, run.done, run.error_count) == ("failed", 1, 1)
    assert run.failure == f"It stopped at the first error, on {made[1].pk}: ValueError: no"


def test_objects_that_are_gone_are_errors() -> None:
    made = messages(3)
    work = Work(lambda task, message: None, each=True)
    run = work.start()
    gone = made[1].pk
    made[1].delete()
    run = finish(run)
    assert (run.state, run.done, run.total) == ("partial", 3, 3)
    assert run.errors[0] == {
        "pk": str(gone),
        "text": str(gone),
        "class": "GoneError",
        "message": "It is not there any more.",
    }


def test_a_work_that_raises_has_failed_and_its_traceback_is_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def body(task: Any, queryset: Any) -> None:
        raise KeyError("missing")

    run = Work(body).run()
    assert (run.state, run.failure) == ("failed", "KeyError: 'missing'")
    assert "Traceback" in caplog.text


def test_sys_exit_in_a_body_ends_the_work_alone() -> None:
    def body(task: Any, queryset: Any) -> None:
        raise SystemExit(3)

    run = Work(body).run()
    assert (run.state, run.failure) == ("failed", "SystemExit: 3")


def test_a_result_that_is_no_json_is_told_and_the_work_has_succeeded() -> None:
    run = Work(lambda task, queryset: {"a": object()}).run()
    assert (run.state, run.result) == ("succeeded", None)
    assert "The result is not kept" in run.notes.filter(state="").get().text


def test_what_postgresql_refuses_is_not_kept() -> None:
    def body(task: Any, queryset: Any) -> Any:
        task.update(label="a\0b")
        task.log("c\0d")
        task.error("e\0f", "g\0h")
        return {"i": "j\0k", "path": "C:\\u0000"}

    run = Work(body).run()
    assert run.state == "partial"
    assert (run.label, run.result) == ("a�b", {"i": "j�k", "path": "C:\\u0000"})
    assert run.notes.filter(state="").get().text == "c�d"
    assert (run.errors[0]["pk"], run.errors[0]["message"]) == ("e�f", "g�h")
    assert selection_of(run).failed == ["e�f"]


def test_a_run_is_executed_once_however_often_its_message_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls: list[int] = []
    run = Work(lambda task, queryset: calls.append(1)).run()
    caplog.set_level(logging.INFO, "tws_admin")
    execute(str(run.pk))
    assert calls == [1]
    assert "is not queued here, or not any more" in caplog.text
    execute("0f2c25a4-75a6-4c09-8f73-4ba33d8dc5ec")


def test_two_that_execute_at_the_same_time_do_it_once() -> None:
    held = Held()
    calls: list[int] = []

    def body(task: Any, queryset: Any) -> None:
        calls.append(1)
        held.hold()

    run = Work(body).start()
    first, second = beside(run), beside(run)
    assert held.entered.wait(20)
    held.go_on.set()
    first.join()
    second.join()
    assert calls == [1]


class Form(forms.Form):
    day = forms.DateField()
    author = forms.ModelChoiceField(User.objects.all())
    tags = forms.MultipleChoiceField(choices=[("a", "A"), ("b", "B")])


def test_what_the_form_has_asked_for_comes_as_the_form_has_it() -> None:
    user = staff()
    seen: dict[str, Any] = {}
    params = {"day": "2026-11-23", "author": user.pk, "tags": ["a", "b"]}
    work = Work(lambda task, queryset: seen.update(task.params), form=Form)
    assert work.run(params=params).state == "succeeded"
    assert seen == {"day": datetime.date(2026, 11, 23), "author": user, "tags": ["a", "b"]}


def test_values_that_the_form_does_not_accept_any_more_are_refused() -> None:
    user = User.objects.create_user("left")
    work = Work(lambda task, queryset: None, form=Form)
    run = work.start(params={"day": "2026-11-23", "author": user.pk, "tags": ["a"]})
    user.delete()
    run = finish(run)
    assert run.state == "failed"
    assert run.failure.startswith("The form does not accept its values any more: * author")


def test_without_a_form_params_are_what_was_given() -> None:
    seen: list[Any] = []
    Work(lambda task, queryset: seen.append(task.params)).run(params={"deep": {"a": [1]}})
    assert seen == [{"deep": {"a": [1]}}]


def test_the_user_is_told_to_the_work_and_words_are_in_their_language() -> None:
    user = staff()
    permit(user, "change_chatmessage")
    seen: list[Any] = []
    work = Work(lambda task, queryset: seen.append((task.user, gettext("Yes"), task.attempt)))
    with translation.override("fr"):
        run = work.start(user=user)
    run = finish(run)
    assert run.state == "succeeded"
    assert seen == [(user, "Oui", 1)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"is_active": False}, "may not use the admin any more"),
        ({"is_staff": False}, "may not use the admin any more"),
        ({}, "has not got the permission “change” any more"),
    ],
)
def test_who_may_not_do_it_any_more_is_refused(change: dict[str, Any], words: str) -> None:
    user = staff()
    calls: list[int] = []
    if change:
        permit(user, "change_chatmessage")
    run = Work(lambda task, queryset: calls.append(1)).start(user=user)
    User.objects.filter(pk=user.pk).update(**change)
    run = finish(run)
    assert run.state == "failed"
    assert words in run.failure
    assert calls == []


def test_an_action_that_is_no_more_is_refused() -> None:
    work = Work(lambda task, queryset: None)
    run = work.start()
    work.model_admin.actions = []
    run = finish(run)
    assert run.state == "failed"
    assert run.failure.startswith("There is no such action any more: the admin site 'works")


def held_work(held: Held, **options: Any) -> Work:
    """Return a work that waits at its second object, or step."""

    def body(task: Any, what: Any) -> None:
        for step in range(3) if not options.get("each") else [0]:
            if step == 1 or (options.get("each") and what.text == "line 1"):
                held.hold()
            task.advance(0 if options.get("each") else 1)

    return Work(body, **options)


@pytest.mark.parametrize("options", [{"each": True}, {}])
def test_a_run_is_cancelled_when_its_work_notices(options: dict[str, Any]) -> None:
    messages(4)
    held = Held()
    run = held_work(held, **options).start()
    thread = beside(run)
    assert held.entered.wait(20)
    run.refresh_from_db()
    ask(run, "cancel", None)
    assert run.state == "cancelling"
    wait_until_asked(run, "cancel")
    held.go_on.set()
    thread.join()
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert states(run) == ["queued", "running", "cancelling", "cancelled"]
    assert run.done < 4


def test_work_that_comes_to_its_end_before_it_notices_has_succeeded() -> None:
    held = Held()
    run = Work(lambda task, queryset: held.hold()).start()
    thread = beside(run)
    assert held.entered.wait(20)
    run.refresh_from_db()
    ask(run, "cancel", None)
    held.go_on.set()
    thread.join()
    run.refresh_from_db()
    assert run.state == "succeeded"


def wait_until_asked(run: ProgressTask, wish: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = [each for each in reporter.reports() if each.run.pk == run.pk]
        if found and found[0].task.asked == wish:
            return
        time.sleep(0.01)
    raise AssertionError(f"nobody asked the work to {wish}")


def wait_for_state(run: ProgressTask, state: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        run.refresh_from_db()
        if run.state == state:
            return
        time.sleep(0.02)
    raise AssertionError(f"expected {state}, got {run.state}")


def pause(run: ProgressTask, held: Held) -> threading.Thread:
    """Execute a run, let it be paused where it is held, and let it hear of that."""
    thread = beside(run)
    assert held.entered.wait(20)
    run.refresh_from_db()
    ask(run, "pause", None)
    wait_until_asked(run, "pause")
    held.go_on.set()
    return thread


def test_work_on_each_object_leaves_to_pause_and_goes_on_behind_the_last_one() -> None:
    made = messages(4)
    held = Held()
    seen: list[int] = []

    def body(task: Any, message: ChatMessage) -> None:
        seen.append(message.pk)
        if message.pk == made[1].pk:
            held.hold()

    run = Work(body, each=True).start()
    thread = beside(run)
    assert held.entered.wait(20)
    run.refresh_from_db()
    ask(run, "pause", None)
    assert (run.state, run.wish) == ("running", "pause")
    wait_until_asked(run, "pause")
    held.go_on.set()
    thread.join()
    run.refresh_from_db()
    assert (run.state, run.wish, run.worker, run.cursor) == ("paused", "", "", 2)

    ask(run, "resume", None)
    assert run.state == "queued"
    run = finish(run)
    assert (run.state, run.done) == ("succeeded", 4)
    assert seen == [message.pk for message in made], "each once, in their order"
    assert states(run)[1:] == ["running", "paused", "queued", "running", "succeeded"]


def test_other_work_waits_in_its_worker_and_goes_on_there() -> None:
    held = Held()
    run = held_work(held).start()
    thread = pause(run, held)
    wait_for_state(run, "paused")
    assert run.worker != ""
    ask(run, "resume", None)
    assert run.state == "running"
    thread.join()
    run.refresh_from_db()
    assert (run.state, run.done) == ("succeeded", 3)


def test_what_waits_is_cancelled_there() -> None:
    held = Held()
    run = held_work(held).start()
    thread = pause(run, held)
    wait_for_state(run, "paused")
    ask(run, "cancel", None)
    thread.join()
    run.refresh_from_db()
    assert run.state == "cancelled"


def test_a_wish_to_pause_that_is_taken_back_in_time_pauses_nothing() -> None:
    made = messages(3)
    held = Held()

    def body(task: Any, message: ChatMessage) -> None:
        if message.pk == made[0].pk:
            held.hold()

    run = Work(body, each=True).start()
    thread = beside(run)
    assert held.entered.wait(20)
    run.refresh_from_db()
    ask(run, "pause", None)
    wait_until_asked(run, "pause")
    # In the database alone, as from another process: the work has heard of the wish already.
    transitions.resume(run)
    held.go_on.set()
    thread.join()
    run.refresh_from_db()
    assert (run.state, run.done) == ("succeeded", 3)
    assert "paused" not in states(run)


def test_a_run_that_was_given_up_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    held = Held()
    run = Work(lambda task, queryset: held.hold()).start()
    thread = beside(run)
    assert held.entered.wait(20)
    run.refresh_from_db()
    assert transitions.become(run, State.LOST, failure="gone")
    held.go_on.set()
    thread.join()
    run.refresh_from_db()
    assert (run.state, run.failure) == ("lost", "gone")
    assert "but is lost" in caplog.text


def test_a_run_that_is_tried_again_goes_on_behind_the_last_object() -> None:
    made = messages(3)
    seen: list[int] = []

    def body(task: Any, message: ChatMessage) -> None:
        seen.append(message.pk)
        if task.attempt == 1 and message.pk == made[1].pk:
            raise ValueError

    run = Work(body, each=True, on_error="stop").run()
    assert run.state == "failed"
    ask(run, "retry", None)
    run = finish(run)
    assert (run.state, run.attempt, run.done, run.error_count) == ("succeeded", 2, 3, 0)
    assert (run.errors, selection_of(run).failed) == ([], [])
    assert seen == [made[0].pk, made[1].pk, made[1].pk, made[2].pk]


def test_what_failed_before_the_cursor_stays_failed_and_what_comes_again_does_not() -> None:
    made = messages(4)

    def body(task: Any, message: ChatMessage) -> None:
        if message.pk in {made[0].pk, made[3].pk}:
            raise ValueError("no")

    run = Work(body, each=True).start()
    # As a worker leaves it that dies: how far it was is known to the second alone.
    keys = [message.pk for message in made]
    errors = [{"pk": str(key), "text": "", "class": "", "message": ""} for key in keys[:3:2]]
    ProgressTask.objects.filter(pk=run.pk).update(cursor=2, done=2, error_count=2, errors=errors)
    TaskSelection.objects.filter(pk=run.pk).update(failed=[keys[0], keys[2]])
    run = finish(run)
    assert (run.state, run.done, run.error_count) == ("partial", 4, 2)
    assert [error["pk"] for error in run.errors] == [str(keys[0]), str(keys[3])]
    assert selection_of(run).failed == [keys[0], keys[3]]


def test_a_run_whose_selection_is_gone_is_refused() -> None:
    calls: list[int] = []
    run = Work(lambda task, queryset: calls.append(1)).start()
    selection_of(run).delete()
    run = finish(run)
    assert (run.state, calls) == ("failed", [])
    assert run.failure == "What was selected is not known any more: start it anew."


def test_failures_of_an_earlier_attempt_are_not_those_of_work_that_begins_anew() -> None:
    def body(task: Any, queryset: Any) -> None:
        if task.attempt == 1:
            task.error(7, "no")
            raise ValueError

    run = Work(body).run()
    assert selection_of(run).failed == [7]
    ask(run, "retry", None)
    run = finish(run)
    assert (run.state, run.error_count, selection_of(run).failed) == ("succeeded", 0, [])
    with pytest.raises(transitions.Conflict):
        ask(run, "retry_failed", None)


def test_other_work_begins_anew() -> None:
    messages(2)
    attempts: list[tuple[int, float]] = []

    def body(task: Any, queryset: Any) -> None:
        attempts.append((task.attempt, task.meter.done))
        for _message in task.track(queryset):
            pass
        if task.attempt == 1:
            raise ValueError

    run = Work(body).run()
    ask(run, "retry", None)
    run = finish(run)
    assert (run.state, run.done, run.total) == ("succeeded", 2, 2)
    assert attempts == [(1, 0), (2, 0)]


def test_lines_of_the_log_are_kept_in_their_order() -> None:
    def body(task: Any, queryset: Any) -> None:
        for number in range(1005):
            task.log(number)

    run = Work(body).run()
    lines = list(run.notes.filter(state="").values_list("text", flat=True))
    assert lines[:3] == ["0", "1", "2"]
    assert lines[-2:] == ["999", "… and 5 more lines"]


def test_the_end_is_written_when_the_database_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tws_admin.progress.runner.TURN_S", 0.01)
    turns: list[int] = []

    def write() -> bool:
        turns.append(1)
        if len(turns) < 4:
            raise DatabaseError("it is away")
        return True

    assert patiently(write)
    assert len(turns) == 4


def test_a_database_that_stays_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tws_admin.progress.runner.TURN_S", 0.01)

    def write() -> bool:
        raise DatabaseError("it is away")

    with pytest.raises(DatabaseError):
        patiently(write)

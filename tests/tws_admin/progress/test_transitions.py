"""How the state of a run changes, when everybody wants something of it at once.

On SQLite here; `tests/integration/test_postgres.py` has the same tests pass on PostgreSQL.
"""

from __future__ import annotations

import datetime
import functools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.db.models.functions import Now
from hypothesis import given, settings
from hypothesis import strategies as st

from tws_admin.models import ProgressTask, TaskNote
from tws_admin.progress import transitions
from tws_admin.progress.states import ENDED, TRANSITIONS, State
from tws_admin.progress.transitions import Conflict, become

AT_WORK = {State.RUNNING, State.PAUSED, State.CANCELLING}


def queued(**fields: Any) -> ProgressTask:
    names = {"site": "admin", "model": "auth.user", "action": "greet", "title": "Greet"}
    return ProgressTask.objects.create(engine="thread", **names, **fields)


def at_work(**fields: Any) -> ProgressTask:
    run = queued(**fields)
    assert transitions.claim(run, "a worker")
    return run


def ended(state: State) -> ProgressTask:
    run = at_work()
    if state is State.CANCELLED:
        transitions.cancel(run)
    assert become(run, state)
    return run


def fresh(run: ProgressTask) -> ProgressTask:
    return ProgressTask.objects.get(pk=run.pk)


def timeline(run: ProgressTask) -> list[str]:
    return [note.state for note in TaskNote.objects.filter(task=run)]


def done(call: Callable[..., Any], *arguments: Any) -> Any:
    """Do something, and return what comes of it, or the conflict that it meets."""
    try:
        return call(*arguments)
    except Conflict as conflict:
        return conflict


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Do all of it at the same time, each in a thread of its own; return results, or errors."""
    start = threading.Barrier(len(calls))

    def do(call: Callable[[], Any]) -> Any:
        start.wait(10)
        try:
            return done(call)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(do, calls))


def resume(run: ProgressTask) -> None:
    """Leave out whether the run is to be submitted, which is not whether it was resumed."""
    transitions.resume(run)


# What users, workers and the housekeeping do to a run, with the row as they looked at it.
DEEDS: dict[str, Callable[[ProgressTask], Any]] = {
    "claim": lambda run: transitions.claim(run, "a worker"),
    "pause": transitions.pause,
    "acknowledge pause": lambda run: become(run, State.PAUSED),
    "leave to pause": lambda run: become(run, State.PAUSED, worker=""),
    "resume": resume,
    "cancel": transitions.cancel,
    "acknowledge cancel": lambda run: become(run, State.CANCELLED, sources=(State.CANCELLING,)),
    "succeed": lambda run: become(run, State.SUCCEEDED),
    "succeed in part": lambda run: become(run, State.PARTIAL),
    "fail": lambda run: become(run, State.FAILED, failure="no luck"),
    "lose": lambda run: become(run, State.LOST),
    "retry": transitions.retry,
}


@pytest.mark.django_db
@settings(max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(sorted(DEEDS)), st.integers(0, 3)), max_size=25))
def test_a_run_goes_only_where_it_may(deeds: list[tuple[str, int]]) -> None:
    """Whatever is done to it in whatever order, also by those who looked a while ago."""
    run = queued(single_key=None)
    seen = [fresh(run)]
    for name, age in deeds:
        before, notes = fresh(run), timeline(run)
        looked_at = ProgressTask(**vars_of(seen[max(0, len(seen) - 1 - age)]))
        result = done(DEEDS[name], looked_at)
        after = fresh(run)
        seen.append(after)
        if isinstance(result, Conflict):
            assert name in str(result)
            assert before.state in str(result)
        if after.state != before.state:
            assert State(after.state) in TRANSITIONS[State(before.state)]
            assert result is not False
            assert not isinstance(result, Conflict)
            assert timeline(run) == [*notes, after.state]
        elif after.wish == before.wish:
            assert vars_of(after) == vars_of(before)
            assert timeline(run) == notes
        holds_together(before, after)


def vars_of(run: ProgressTask) -> dict[str, Any]:
    return {field.attname: getattr(run, field.attname) for field in run._meta.concrete_fields}


def holds_together(before: ProgressTask, after: ProgressTask) -> None:
    assert not after.worker or after.state in AT_WORK
    assert after.worker or after.state not in {State.RUNNING, State.CANCELLING}
    assert not after.wish or after.state == State.RUNNING
    is_asked = bool(after.wish) or after.state == State.CANCELLING
    if after.state != State.QUEUED:  # it may have been asked to be queued again
        assert (after.wished_at is not None) is is_asked
    if after.state in ENDED:
        assert after.ended_at is not None
    was_claimed = (before.state, after.state) == (State.QUEUED, State.RUNNING)
    assert after.attempt == before.attempt + was_claimed


@pytest.mark.django_db
def test_a_claimed_run_is_at_work() -> None:
    run = queued(failure="of the last attempt")
    assert transitions.claim(run, "host 123")
    assert (run.state, run.worker, run.attempt, run.failure) == ("running", "host 123", 1, "")
    assert None not in (run.started_at, run.heartbeat, run.progressed_at)
    assert timeline(run) == ["running"]
    assert TaskNote.objects.get(task=run).text == "host 123"


@pytest.mark.django_db
def test_a_message_that_comes_twice_is_worked_on_once() -> None:
    run = queued()
    first, second = fresh(run), fresh(run)
    assert transitions.claim(first, "one")
    assert not transitions.claim(second, "two")
    assert (second.worker, second.attempt) == ("one", 1)


@pytest.mark.django_db
def test_an_attempt_that_was_given_up_says_no_more() -> None:
    """A worker that was taken for dead, and was not, ends nothing of the attempt after its own."""
    old = at_work()
    run = fresh(old)
    assert become(run, State.LOST)
    transitions.retry(run)
    assert transitions.claim(run, "another worker")
    assert not become(old, State.SUCCEEDED, result={"made": 1})
    run = fresh(run)
    assert (run.state, run.attempt, run.result) == ("running", 2, None)


@pytest.mark.django_db
def test_what_is_queued_is_cancelled_at_once_and_what_runs_when_it_notices() -> None:
    ann = User.objects.create_user("ann")
    run = queued(single_key="admin auth.user greet")
    assert transitions.cancel(run, ann) is State.CANCELLED
    assert run.ended_at is not None
    assert run.single_key is None
    assert TaskNote.objects.get(task=run).by == ann

    run = at_work()
    assert transitions.cancel(run, ann) is State.CANCELLING
    assert run.ended_at is None
    assert run.wished_at is not None
    with pytest.raises(Conflict, match=f"^cancel does not fit run {run.pk}, which is cancelling$"):
        transitions.cancel(run)


@pytest.mark.django_db
def test_a_paused_run_is_cancelled_where_it_waits() -> None:
    """In its worker that has to notice; without one it is over."""
    held, left = at_work(), at_work()
    assert become(held, State.PAUSED)
    assert become(left, State.PAUSED, worker="")
    assert transitions.cancel(held) is State.CANCELLING
    assert transitions.cancel(left) is State.CANCELLED


@pytest.mark.django_db
def test_a_paused_run_goes_on_where_it_waits() -> None:
    """In its worker; without one it is queued again."""
    held, left = at_work(), at_work()
    assert become(held, State.PAUSED)
    assert become(left, State.PAUSED, worker="")
    assert transitions.resume(held) is False
    assert transitions.resume(left) is True
    assert (held.state, left.state) == ("running", "queued")


@pytest.mark.django_db
def test_the_wish_to_pause_can_be_taken_back() -> None:
    run = at_work()
    transitions.pause(run)
    assert (run.state, run.wish) == ("running", "pause")
    with pytest.raises(Conflict):
        transitions.pause(run)
    assert transitions.resume(run) is False
    assert (run.state, run.wish, run.wished_at) == ("running", "", None)
    with pytest.raises(Conflict):
        transitions.resume(run)


@pytest.mark.django_db
@pytest.mark.parametrize("state", sorted(ENDED))
def test_only_what_did_not_succeed_is_retried(state: State) -> None:
    run = ended(state)
    if state in {State.SUCCEEDED, State.PARTIAL}:
        with pytest.raises(Conflict):
            transitions.retry(run)
    else:
        transitions.retry(run, label="")
        assert (run.state, run.worker, run.heartbeat) == ("queued", "", None)


@pytest.mark.django_db
def test_what_is_refused_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    run = ended(State.SUCCEEDED)
    with caplog.at_level(logging.WARNING, "tws_admin"), pytest.raises(Conflict) as caught:
        transitions.cancel(run)
    assert (caught.value.run, caught.value.wanted) == (run, "cancel")
    assert f"refused: cancel does not fit run {run.pk}, which is succeeded" in caplog.text


@pytest.mark.django_db
def test_a_run_is_stale_when_its_process_is_not_heard_of() -> None:
    """By the clock of the database; who waits without a worker has none that could be heard of."""
    silent, heard, waiting, paused, over = at_work(), at_work(), queued(), at_work(), at_work()
    long_ago = Now() - datetime.timedelta(seconds=transitions.LOST_AFTER_S + 1)
    lately = Now() - datetime.timedelta(seconds=transitions.LOST_AFTER_S - 5)
    assert become(paused, State.PAUSED, worker="")
    assert become(over, State.SUCCEEDED)
    ProgressTask.objects.exclude(pk=heard.pk).update(heartbeat=long_ago)
    ProgressTask.objects.filter(pk=heard.pk).update(heartbeat=lately)
    assert transitions.stale() == [silent]
    assert {heard.pk, waiting.pk} < {run.pk for run in ProgressTask.objects.all()}


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_gets_the_run() -> None:
    run = queued()
    claims = [
        functools.partial(transitions.claim, fresh(run), f"worker {number}") for number in range(8)
    ]
    assert sorted(at_once(*claims)) == [False] * 7 + [True]
    assert fresh(run).attempt == 1
    assert timeline(run) == ["running"]


@pytest.mark.django_db(transaction=True)
def test_who_retries_at_once_retries_once() -> None:
    run = ended(State.FAILED)
    retries = [functools.partial(transitions.retry, fresh(run)) for _ in range(6)]
    results = at_once(*retries)
    assert sum(isinstance(result, Conflict) for result in results) == 5
    assert timeline(run) == ["running", "failed", "queued"]


@pytest.mark.django_db(transaction=True)
def test_work_that_ends_while_it_is_cancelled_has_ended() -> None:
    for _ in range(5):
        run = at_work()
        has_ended, _cancelled = at_once(
            functools.partial(become, fresh(run), State.SUCCEEDED),
            functools.partial(transitions.cancel, fresh(run)),
        )
        assert has_ended is True
        assert fresh(run).state == "succeeded"
        assert timeline(run) in (
            ["running", "succeeded"],
            ["running", "cancelling", "succeeded"],
        )


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["cancel", "resume"])
def test_a_run_that_left_its_worker_meanwhile_does_not_wait_for_it(name: str) -> None:
    """Who wants something of it looked at it when it still had one."""
    run = at_work()
    transitions.pause(run)
    looked_at = fresh(run)
    assert become(run, State.PAUSED, worker="")
    done(DEEDS[name], looked_at)
    run = fresh(run)
    assert run.worker or run.state not in {State.RUNNING, State.CANCELLING}

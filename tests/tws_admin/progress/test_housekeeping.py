"""What a server does for runs while it serves, and at its end."""

from __future__ import annotations

import asyncio
import datetime
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError, connections
from django.db.models.functions import Now

from tests.tws_admin.operators import until
from tests.tws_admin.progress.works import Held, Work, beside, states
from tornado_websockets import testing
from tornado_websockets.runtime import runtime
from tornado_websockets.tornadowrapper import TornadoWrapper
from tws_admin import websockets
from tws_admin.models import ProgressTask
from tws_admin.progress import transitions
from tws_admin.progress.engines.thread import engine
from tws_admin.progress.housekeeping import PRUNE_S, Housekeeping, housekeeping
from tws_admin.progress.transitions import LOST_AFTER_S

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def attended(registry: None) -> Iterator[None]:
    """Register what a server's discovery does, and let the thread end that housekeeping has."""
    websockets.register()
    housekeeping.attend()
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("tws_admin-"):
            thread.join(20)
            assert not thread.is_alive(), f"{thread.name} has not ended"


async def started(work: Work, **more: Any) -> ProgressTask:
    return await sync_to_async(work.start)(**more)


async def state(run: ProgressTask) -> str:
    await run.arefresh_from_db()
    return run.state


async def become(run: ProgressTask, expected: str) -> None:
    async with asyncio.timeout(20):
        while await state(run) != expected:
            await asyncio.sleep(0.02)


async def test_what_was_queued_before_the_server_started_is_taken_up() -> None:
    run = await started(Work(lambda task, queryset: None))
    assert await state(run) == "queued", "no server runs"
    async with testing.serve(share_thread=False):
        await become(run, "succeeded")


async def test_in_a_server_work_begins_at_once(server: testing.Server) -> None:
    run = await started(Work(lambda task, queryset: "done"))
    await become(run, "succeeded")


async def test_so_many_at_a_time_as_the_settings_say(settings: Any) -> None:
    settings.TWS_ADMIN = {"task_threads": 1}
    held = Held()
    async with testing.serve(share_thread=False):
        first = await started(Work(lambda task, queryset: held.hold()))
        await until(held.entered.is_set)
        second = await started(Work(lambda task, queryset: None))
        await asyncio.to_thread(a_round)
        assert await state(second) == "queued"
        assert engine.is_busy
        held.go_on.set()
        await become(first, "succeeded")
        await become(second, "succeeded")


async def test_a_run_is_taken_once_however_often_it_is_submitted(server: testing.Server) -> None:
    held = Held()
    calls: list[int] = []

    def body(task: Any, queryset: Any) -> None:
        calls.append(1)
        held.hold()

    run = await started(Work(body))
    await until(held.entered.is_set)
    for _ in range(3):
        engine.submit(str(run.pk))
    held.go_on.set()
    await become(run, "succeeded")
    await until(lambda: not engine.is_busy)
    assert calls == [1]


def a_round() -> None:
    """Do a round in a thread that is not housekeeping's own."""
    try:
        housekeeping.round()
    finally:
        connections.close_all()


def age(run: ProgressTask, seconds: float, **fields: Any) -> None:
    before = Now() - datetime.timedelta(seconds=seconds)
    ProgressTask.objects.filter(pk=run.pk).update(heartbeat=before, **fields)
    run.refresh_from_db()


def test_a_run_without_a_heartbeat_in_two_rounds_is_lost() -> None:
    own = Housekeeping()
    run = Work(lambda task, queryset: None).start()
    assert transitions.claim(run, "a machine that is off")
    age(run, LOST_AFTER_S - 5)
    own.round()
    own.round()
    run.refresh_from_db()
    assert run.state == "running"
    age(run, LOST_AFTER_S + 5)
    own.round()
    run.refresh_from_db()
    assert run.state == "running", "once is not enough"
    own.round()
    run.refresh_from_db()
    assert (run.state, run.worker) == ("lost", "")
    assert run.failure == "Its process has ended, or was stopped."
    assert states(run)[-1] == "lost"


def test_a_run_that_shows_life_between_is_not_lost() -> None:
    own = Housekeeping()
    run = Work(lambda task, queryset: None).start()
    assert transitions.claim(run, "a machine whose database was locked")
    age(run, LOST_AFTER_S + 5)
    own.round()
    age(run, 0)
    own.round()
    age(run, LOST_AFTER_S + 5)
    own.round()
    run.refresh_from_db()
    assert run.state == "running"


def test_a_run_of_this_process_is_alive_whatever_the_database_says() -> None:
    own = Housekeeping()
    held = Held()
    run = Work(lambda task, queryset: held.hold()).start()
    thread = beside(run)
    assert held.entered.wait(20)
    age(run, LOST_AFTER_S + 5)
    own.round()
    own.round()
    held.go_on.set()
    thread.join()
    run.refresh_from_db()
    assert run.state == "succeeded"


@pytest.mark.parametrize("how", ["queued", "paused"])
def test_a_run_that_is_at_no_worker_cannot_be_lost(how: str) -> None:
    own = Housekeeping()
    run = Work(lambda task, queryset: None).start()
    age(run, LOST_AFTER_S + 5, state=how)
    own.round()
    own.round()
    run.refresh_from_db()
    assert run.state == how


async def test_at_the_end_of_the_server_works_have_their_time() -> None:
    held = Held()
    async with testing.serve(share_thread=False):
        run = await started(Work(lambda task, queryset: held.hold()))
        waiting = await started(Work(lambda task, queryset: None))
        await become(waiting, "succeeded")
        await until(held.entered.is_set)
        TornadoWrapper.stop(grace_s=20)
        await until(lambda: runtime.is_stopping)
        late = await started(Work(lambda task, queryset: None))
        held.go_on.set()
    assert await state(run) == "succeeded"
    assert await state(late) == "queued", "for the next server"


async def test_works_that_take_longer_are_lost_and_say_so() -> None:
    held = Held()
    async with testing.serve(share_thread=False):
        run = await started(Work(lambda task, queryset: held.hold()))
        await until(held.entered.is_set)
        TornadoWrapper.stop(grace_s=1)
    assert await state(run) == "lost"
    assert run.failure == "The server was stopped before it ended."
    held.go_on.set()
    await until(lambda: not engine.is_busy)
    assert await state(run) == "lost"


def test_the_history_is_pruned_once_an_hour(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first time at once, also on a machine that was started a moment ago."""
    settings.TWS_ADMIN = {"history": {"days": 1, "count": 100}}
    own = Housekeeping()
    for now_s, is_pruned in ((10, True), (10 + PRUNE_S - 1, False), (10 + PRUNE_S, True)):
        clock = SimpleNamespace(monotonic=lambda now_s=now_s: now_s)
        monkeypatch.setattr("tws_admin.progress.housekeeping.time", clock)
        run = ProgressTask.objects.create(site="a", model="b.C", action="d", state="succeeded")
        ProgressTask.objects.filter(pk=run.pk).update(ended_at=Now() - datetime.timedelta(days=2))
        own.round()
        assert ProgressTask.objects.exists() is not is_pruned


def test_what_fails_is_logged_once_and_the_rest_is_done(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away() -> list[ProgressTask]:
        raise DatabaseError("it is away")

    own = Housekeeping()
    with monkeypatch.context() as patch:
        patch.setattr(transitions, "stale", away)
        own.round()
        own.round()
    found = [record for record in caplog.records if "runs that are lost" in record.getMessage()]
    assert len(found) == 1
    own.round()
    with monkeypatch.context() as patch:
        patch.setattr(transitions, "stale", away)
        own.round()
    found = [record for record in caplog.records if "runs that are lost" in record.getMessage()]
    assert len(found) == 2, "it had worked between"


async def test_a_server_without_these_sockets_does_nothing(registry: None) -> None:
    with testing.isolated_registry():
        run = await started(Work(lambda task, queryset: None))
        async with testing.serve(share_thread=False):
            names = {thread.name for thread in threading.enumerate()}
            assert "tws_admin-housekeeping" not in names
        assert await state(run) == "queued"

"""What holds of progress tasks in each engine: the same tests, with real workers."""

from __future__ import annotations

import asyncio
import contextlib
import time
import urllib.error
from collections.abc import Iterator
from typing import Any

import pytest

from tests.engines.broker import Broker, is_installed
from tests.engines.database import postgres
from tests.engines.office import Office
from tests.engines.project import make_project
from tws_admin.progress.transitions import LOST_AFTER_S

ENGINES = [
    pytest.param("thread", marks=pytest.mark.once),
    "django",  # whose tasks are of Django itself, or of a package before Django 6
    pytest.param("celery", marks=pytest.mark.once),
    pytest.param("celery on PostgreSQL", marks=pytest.mark.once),
]

LOST_WITHIN_S = 30
DEAD = ("failed", "cancelled", "succeeded", "partial", "lost")


@pytest.fixture(scope="module", params=ENGINES)
def office(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    """Serve a project whose progress tasks run in one of the engines."""
    engine, _, database = request.param.partition(" on ")
    folder = tmp_path_factory.mktemp("office") / "site"
    with contextlib.ExitStack() as stack:
        broker = stack.enter_context(redis()) if engine == "celery" else None
        site = make_project(
            folder,
            engine,
            database=stack.enter_context(postgres()) if database else None,
            broker=broker.url if broker else "",
        )
        office = stack.enter_context(Office(site, engine, broker))
        office.enter("ann")
        yield office


def redis() -> Broker:
    if not is_installed():
        pytest.skip("redis-server is not installed")
    return Broker()


async def test_the_progress_is_seen_while_the_work_goes_on(office: Office) -> None:
    watcher = await office.watch()
    run_id = await asyncio.to_thread(office.start, "press", "good")
    rows: list[Any] = []
    started = time.monotonic()
    try:
        async with asyncio.timeout(30):
            while not rows or rows[-1]["state"] not in DEAD:
                event, data = await watcher.receive()
                if event == "task" and data["id"] == run_id:
                    rows.append(data)
    finally:
        await watcher.close()
    took_s = time.monotonic() - started
    assert rows[-1]["state"] == "succeeded"
    assert (rows[-1]["done"], rows[-1]["total"]) == (90, 90)
    assert len({row["done"] for row in rows if 0 < row["done"] < 90}) >= 3
    assert [row["done"] for row in rows] == sorted(row["done"] for row in rows)
    assert len(rows) <= 4 * took_s + 5


def test_a_run_ends_with_what_its_work_returns(office: Office) -> None:
    run = office.until(office.start("count", "few"), "succeeded")
    assert run["result"] == {"counted": 8, "for": "ann"}
    assert (run["done"], run["attempt"], run["error_count"], run["failure"]) == (8, 1, 0, "")


def test_objects_that_fail_are_left_out_and_done_again_alone(office: Office) -> None:
    ids = [office.start("press", prefix) for prefix in ("bad", "mixed")]
    bad, mixed = (office.until(each, "partial", "succeeded") for each in ids)
    assert (mixed["state"], mixed["error_count"]) == ("succeeded", 0)
    assert (bad["state"], bad["done"], bad["error_count"]) == ("partial", 2, 2)
    assert [error["text"] for error in bad["errors"]] == ["bad 1", "bad 3"]
    assert {error["message"] for error in bad["errors"]} == {"it is rotten"}
    again = office.until(office.control(bad["id"], "retry_failed")["id"], "partial")
    assert (again["selected"], again["retry_of"]) == (2, bad["id"])


def test_work_is_cancelled_where_it_is(office: Office) -> None:
    ids = []
    for action in ("press", "count"):  # each is stopped soon after its start: it takes five seconds
        ids.append(run_id := office.start(action, "good"))
        office.until(run_id, "running", done=1)
        assert office.control(run_id, "cancel")["state"] == "cancelling"
    for run_id in ids:
        assert 0 < office.until(run_id, "cancelled")["done"] < 90
        with pytest.raises(urllib.error.HTTPError, match="409"):
            office.control(run_id, "pause")


def test_work_pauses_and_goes_on_where_it_was(office: Office) -> None:
    before = office.pressed("good")
    ids = []
    for action in ("press", "count"):  # each is stopped soon after its start: it takes five seconds
        ids.append(run_id := office.start(action, "good"))
        office.until(run_id, "running", done=1)
        office.control(run_id, "pause")
    for run_id in ids:
        paused = office.until(run_id, "paused")
        assert 0 < paused["done"] < 90
        office.control(run_id, "resume")
    for run_id in ids:
        assert office.until(run_id, "succeeded")["done"] == 90
    assert office.pressed("good") == [times + 1 for times in before]


def test_a_message_that_comes_again_does_nothing(office: Office) -> None:
    """While the work goes on, and after its end."""
    before = office.pressed("few")
    run_id = office.start("press", "few")
    office.get(f"/deliver/{run_id}/")
    office.until(run_id, "succeeded")
    refusals = office.log().count(f"progress task {run_id} is not queued here")
    office.get(f"/deliver/{run_id}/")
    deadline = time.monotonic() + 20
    while office.log().count(f"progress task {run_id} is not queued here") == refusals:
        assert time.monotonic() < deadline, office.log()
        time.sleep(0.05)
    assert office.task(run_id)["attempt"] == 1
    assert office.pressed("few") == [times + 1 for times in before]


def test_work_whose_process_died_is_lost_and_can_be_retried(office: Office) -> None:
    before = office.pressed("good")
    run_id = office.start("press", "good")
    office.until(run_id, "running", done=5)
    killed = time.monotonic()
    office.crash()
    lost = office.until(run_id, "lost", timeout_s=LOST_WITHIN_S)
    assert LOST_AFTER_S / 2 < time.monotonic() - killed < LOST_WITHIN_S
    assert lost["done"] < 90
    assert lost["failure"]
    office.control(run_id, "retry")
    run = office.until(run_id, "succeeded")
    assert (run["attempt"], run["done"], run["error_count"]) == (2, 90, 0)
    # What was done after the progress was saved last is done twice, nothing is left out.
    times = [now - then for now, then in zip(office.pressed("good"), before, strict=True)]
    assert set(times) <= {1, 2}


def test_who_left_meanwhile_gets_nothing_done(office: Office) -> None:
    before = office.pressed("few")
    office.enter("bob")
    run_id = office.start("press", "few", "?leaving=1")
    office.enter("ann")
    run = office.until(run_id, *DEAD)
    assert (run["state"], run["done"]) == ("failed", 0)
    assert "may not use the admin" in run["failure"]
    assert office.pressed("few") == before


@pytest.mark.once
@pytest.mark.parametrize("office", ["celery"], indirect=True)
def test_a_run_that_no_engine_takes_has_failed_and_can_be_retried(office: Office) -> None:
    """The broker is away when the action is clicked: nobody waits for long, and it is said."""
    assert office.broker is not None
    office.broker.stop()
    started = time.monotonic()
    run_id = office.start("count", "few")
    assert time.monotonic() - started < 10
    run = office.task(run_id)
    assert run["state"] == "failed"
    assert "OperationalError" in run["failure"]
    office.broker.start()
    office.control(run_id, "retry")
    assert office.until(run_id, "succeeded")["result"] == {"counted": 8, "for": "ann"}

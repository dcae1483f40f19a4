"""Reading the runs of others: how often, what, and what happens when the database is away."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.tws_admin.operators import until
from tests.tws_admin.progress.runs import ago, make_run, staff
from tornado_websockets.testing import Server
from tws_admin.models import ProgressTask
from tws_admin.progress.live import poll as module
from tws_admin.progress.live.board import Row
from tws_admin.progress.live.poll import Poll, recent
from tws_admin.progress.rows import as_row
from tws_admin.progress.states import State

pytestmark = pytest.mark.django_db(transaction=True)


class Database:
    """What a poll asks, in place of the real one where that cannot be made to fail."""

    def __init__(self) -> None:
        self.asked = 0
        self.at_once = self.most = 0
        self.error: Exception | None = None
        self.open = threading.Event()
        self.open.set()

    def recent(self) -> list[Row]:
        self.asked += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            assert self.open.wait(20)
            if self.error is not None:
                raise self.error
            return []
        finally:
            self.at_once -= 1


class Polling(Poll):
    """A poll that notes what it took."""

    def __init__(self) -> None:
        super().__init__(self.note, lambda: self.is_watched)
        self.is_watched = False
        self.taken: list[tuple[list[Row], float]] = []

    def note(self, rows: list[Row], began: float) -> None:
        self.taken.append((rows, began))


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    found = Database()
    monkeypatch.setattr(module, "recent", found.recent)
    monkeypatch.setattr(module, "PERIOD_S", 0.02)
    yield found
    found.open.set()


@pytest_asyncio.fixture
async def poll(server: Server) -> AsyncIterator[Polling]:
    found = Polling()
    yield found
    found.stop()


class TestWhen:
    """Once a period while somebody watches, one at a time."""

    async def test_nobody_watches_nothing_is_asked(self, poll: Polling, database: Database) -> None:
        poll.start()
        await asyncio.sleep(0.2)
        assert database.asked == 0
        poll.is_watched = True
        await until(lambda: database.asked > 3)
        poll.is_watched = False
        await until(lambda: poll._reading is None)  # the last one may still be on its way
        asked = database.asked
        await asyncio.sleep(0.2)
        assert database.asked == asked

    async def test_readings_never_overlap(self, poll: Polling, database: Database) -> None:
        poll.is_watched = True
        database.open.clear()
        poll.start()
        await until(lambda: database.asked == 1)
        waiting = [asyncio.create_task(poll.fresh()) for _ in range(5)]
        await asyncio.sleep(0.2)
        assert database.asked == 1
        assert not any(task.done() for task in waiting)
        database.open.set()
        await asyncio.wait_for(asyncio.gather(*waiting), 10)
        assert database.most == 1

    async def test_who_asks_gets_a_reading_that_began_since(
        self, poll: Polling, database: Database
    ) -> None:
        """The same one for all who ask."""
        poll.start()
        database.open.clear()
        first = asyncio.create_task(poll.fresh())
        await until(lambda: database.asked == 1)
        asked_at = time.monotonic()
        others = [asyncio.create_task(poll.fresh()) for _ in range(10)]
        await asyncio.sleep(0)
        database.open.set()
        await asyncio.wait_for(asyncio.gather(first, *others), 10)
        assert database.asked == 2
        assert poll.taken[-1][1] >= asked_at

    async def test_before_and_after_the_server_nothing_is_asked(
        self, poll: Polling, database: Database
    ) -> None:
        await poll.fresh()
        poll.start()
        database.open.clear()
        waiting = asyncio.create_task(poll.fresh())
        await until(lambda: database.asked == 1)
        poll.stop()
        await asyncio.wait_for(waiting, 10)
        assert not poll.is_running
        assert poll.taken == []

    async def test_a_database_that_is_away_is_told_once_and_asked_again(
        self, poll: Polling, database: Database, caplog: pytest.LogCaptureFixture
    ) -> None:
        def told() -> list[logging.LogRecord]:
            return [each for each in caplog.records if each.name == "tws_admin"]

        poll.is_watched = True
        database.error = OSError("away")
        poll.start()
        await until(lambda: database.asked > 3)
        await asyncio.wait_for(poll.fresh(), 10)
        [record] = told()
        assert record.getMessage() == "progress tasks cannot be read; it is tried again"
        database.error = None
        await until(lambda: poll.taken)
        database.error = OSError("away again")
        await until(lambda: len(told()) == 2)


class TestWhat:
    """Active runs, and those that ended within the hour."""

    def test_what_is_read(self) -> None:
        ann, bob = staff("ann"), staff("bob")
        queued = make_run(State.QUEUED, user=ann, created_s=9000)
        working = make_run(user=bob, created_s=8000)
        now = make_run(State.FAILED, created_s=7000, failure="why", errors=[{"pk": 1}])
        earlier = make_run(State.SUCCEEDED, user=ann, created_s=10, ended_at=ago(3500))
        make_run(State.SUCCEEDED, user=ann, created_s=3700, ended_at=ago(3610))
        again = make_run(State.QUEUED, created_s=9500, ended_at=ago(8000))
        found = [working, queued, again, now, earlier]
        assert recent() == [as_row(run) for run in found]
        assert recent(ann.pk) == [as_row(queued), as_row(earlier)]

    def test_it_is_one_query_whatever_there_is(self) -> None:
        users = [staff(name) for name in ("ann", "bob", "eve")]
        for number in range(30):
            make_run(user=users[number % 3], params={"large": "x" * 1000})
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert len(recent()) == 30
        [query] = captured.captured_queries
        assert "params" not in query["sql"]
        assert '"tws_admin_progresstask"."errors"' not in query["sql"]

    def test_no_more_than_can_be_shown_and_the_active_ones_first(self) -> None:
        names = {"site": "office", "model": "auth.Group", "action": "ask", "title": "Ask"}
        ProgressTask.objects.bulk_create(
            ProgressTask(engine="thread", state="succeeded", ended_at=ago(number), **names)
            for number in range(300)
        )
        working = make_run(created_s=90_000)
        found = recent()
        assert len(found) == 200
        assert found[0]["id"] == str(working.pk)
        assert [row["ended"] for row in found[1:]] == sorted(
            (row["ended"] for row in found[1:]), reverse=True
        )

    async def test_it_is_read_in_a_thread(self, poll: Polling) -> None:
        run = await sync_to_async(make_run)()
        poll.start()
        await asyncio.wait_for(poll.fresh(), 10)
        [(rows, _began)] = poll.taken
        assert [row["id"] for row in rows] == [str(run.pk)]


def test_a_row_is_what_pages_get() -> None:
    run: Any = make_run()
    [row] = recent()
    assert row == as_row(ProgressTask.objects.get(pk=run.pk))

"""What pages that listen get to know of runs, from a real server."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable
from typing import Any, cast

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError
from django.test import Client as Browser
from django.test import override_settings
from tornado.httpclient import HTTPClientError

from tests.tornado_websockets.visitors import logged_in, status
from tests.tws_admin.conftest import Shared
from tests.tws_admin.feeds import watch
from tests.tws_admin.neighbours import SETTINGS, Neighbourhood
from tests.tws_admin.operators import forbid, operator, until
from tests.tws_admin.progress.runs import ago, make_run, staff
from tornado_websockets.layers import layer
from tornado_websockets.runtime import runtime
from tornado_websockets.testing import Client, Message, Server
from tws_admin import websockets
from tws_admin.models import ProgressTask
from tws_admin.progress.housekeeping import housekeeping
from tws_admin.progress.live import channels as module
from tws_admin.progress.live import poll
from tws_admin.progress.live.board import LIMIT, board
from tws_admin.progress.live.channels import ALL, OWN, channels, is_registered, publish
from tws_admin.progress.live.hearing import TOLD
from tws_admin.progress.live.sockets import PREFIX, sockets
from tws_admin.progress.rows import as_row
from tws_admin.progress.states import State
from tws_admin.progress.work.report import tell

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def feed(registry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the WebSockets, as the server's discovery does."""
    websockets.register()
    # It executes what is queued: here the tests alone change runs.
    monkeypatch.setattr(housekeeping, "round", lambda: None)
    # After as long a page gets less, and the database knows better: a machine may stall for that.
    monkeypatch.setattr(module, "PATIENCE_S", 60.0)
    monkeypatch.setattr("tws_admin.progress.live.board.TOLD_S", 60.0)


make = sync_to_async(make_run)
row_of = sync_to_async(as_row)


async def enter(name: str = "ann", *codenames: str, **fields: Any) -> tuple[Any, Browser]:
    """Return a member of the staff, and that user's browser."""
    return await operator(*codenames, name=name, **fields)


async def listen(server: Server, path: str, browser: Browser) -> tuple[Client, list[Any]]:
    """Connect, and return the client and the runs that it gets at the opening."""
    client = await server.connect(path, client=browser)
    event, data = await client.receive()
    assert event == "tasks"
    return client, data["tasks"]


async def heard(client: Client, condition: Callable[[Any], object]) -> list[Any]:
    """Return the rows of a client up to the one that is as expected."""
    rows: list[Any] = []
    async with asyncio.timeout(10):
        while not rows or not condition(rows[-1]):
            message: Message = await client.receive()
            assert message.event == "task"
            rows.append(message.data)
    return rows


def note_frames(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, Any]]:
    """Note the rows that go out to those who listen to their own, and when they do."""
    assert channels._own is not None
    broadcast = channels._own.broadcast
    sent: list[tuple[float, Any]] = []

    def note(event: str, row: Any, **more: Any) -> None:
        sent.append((time.monotonic(), row))
        broadcast(event, row, **more)

    monkeypatch.setattr(channels._own, "broadcast", note)
    return sent


async def silence(client: Client) -> None:
    with pytest.raises(TimeoutError):
        await client.receive(0.5)


class TestWhoMayListen:
    """Staff to their own runs, with the permission to those of all."""

    @pytest.mark.parametrize(
        ("fields", "codenames", "own", "of_all"),
        [
            ({}, [], True, False),
            ({}, ["view_progresstask"], True, True),
            ({"is_superuser": True}, [], True, True),
            ({"is_staff": False}, ["view_progresstask"], False, False),
            ({"is_staff": False, "is_superuser": True}, [], False, False),
        ],
    )
    async def test_users(
        self, server: Server, fields: Any, codenames: list[str], own: bool, of_all: bool
    ) -> None:
        _user, browser = await enter("ann", *codenames, **fields)
        for path, is_allowed in ((OWN, own), (ALL, of_all)):
            if is_allowed:
                await listen(server, path, browser)
            else:
                with pytest.raises(HTTPClientError, match="403"):
                    await server.connect(path, client=browser)

    @pytest.mark.parametrize("path", [OWN, ALL])
    async def test_strangers(self, server: Server, path: str) -> None:
        assert await status(server, path) == 403
        _user, browser = await enter("ann", is_superuser=True)
        with pytest.raises(HTTPClientError, match="403"):
            await server.connect(path, client=browser, Origin="http://evil.example")

    async def test_who_may_not_any_more_is_sent_away(self, server: Server) -> None:
        user, browser = await enter("ann", "view_progresstask")
        own, _rows = await listen(server, OWN, browser)
        client, _rows = await listen(server, ALL, browser)
        await sync_to_async(forbid)(user, "view_progresstask")
        assert await client.closed() == 4501
        user.is_staff = False
        await sync_to_async(user.save)()
        assert await own.closed() == 4501


class TestAtTheOpening:
    """What a page has to show, complete."""

    async def test_each_gets_what_is_theirs(self, server: Server) -> None:
        ann, browser = await enter("ann")
        _bob, chief = await enter("bob", "view_progresstask")
        mine = await make(user=ann, created_s=50)
        ended = await make(State.PARTIAL, user=ann, created_s=70)
        nobodys = await make(State.QUEUED, created_s=60)
        await make(State.SUCCEEDED, user=ann, ended_at=ago(4000))
        _client, own = await listen(server, OWN, browser)
        assert own == [await row_of(mine), await row_of(ended)]
        _client, everything = await listen(server, ALL, chief)
        assert everything == [await row_of(run) for run in (mine, nobodys, ended)]

    async def test_it_may_be_asked_for_again(self, server: Server) -> None:
        """Also when another process has made a run that nobody was told of."""
        ann, browser = await enter("ann")
        client, rows = await listen(server, OWN, browser)
        assert rows == []
        run = await make(user=ann)
        client.emit("tasks")
        while True:
            event, data = await client.receive()
            if event == "tasks":
                break
        assert [row["id"] for row in data["tasks"]] == [str(run.pk)]

    async def test_it_has_the_newest_numbers(self, server: Server) -> None:
        ann, browser = await enter("ann")
        run = await make(user=ann)
        run.done = 7
        runtime.call(publish, await row_of(run))
        await asyncio.sleep(0.05)
        _client, [row] = await listen(server, OWN, browser)
        assert row["done"] == 7

    async def test_those_of_one_are_complete_when_others_have_very_many(
        self, server: Server
    ) -> None:
        ann, browser = await enter("ann")
        mine = [await make(State.FAILED, user=ann, ended_at=ago(3000)) for _ in range(2)]
        names = {"site": "office", "model": "auth.Group", "action": "ask", "title": "Ask"}
        await ProgressTask.objects.abulk_create(
            ProgressTask(engine="thread", **names) for _ in range(LIMIT)
        )
        _client, rows = await listen(server, OWN, browser)
        assert {row["id"] for row in rows} == {str(run.pk) for run in mine}

    async def test_a_database_that_hangs_holds_up_nobody_for_long(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is known is there then, and the event loop goes on meanwhile."""
        ann, browser = await enter("ann")
        run = await make(user=ann)
        publish(await row_of(run))
        monkeypatch.setattr(module, "PATIENCE_S", 0.3)
        asked, released = threading.Event(), threading.Event()
        answers: list[bool] = []

        def hang() -> list[Any]:
            asked.set()
            answers.append(released.wait(20))
            return []

        monkeypatch.setattr(poll, "recent", hang)
        try:
            client = await server.connect(OWN, client=browser)
            _event, data = await client.receive()
            assert asked.is_set()
            assert answers == [], "it hangs still"
        finally:
            released.set()
        assert [row["id"] for row in data["tasks"]] == [str(run.pk)]

    async def test_a_database_that_is_away_leaves_what_is_known(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(user: Any = None) -> Any:
            raise DatabaseError("locked")

        ann, browser = await enter("ann")
        run = await make(user=ann)
        publish(await row_of(run))
        monkeypatch.setattr(poll, "recent", fail)
        monkeypatch.setattr(module, "recent", fail)
        _client, rows = await listen(server, OWN, browser)
        assert [row["id"] for row in rows] == [str(run.pk)]
        monkeypatch.setattr(channels, "_is_partial", True)
        _client, rows = await listen(server, OWN, browser)
        assert [row["id"] for row in rows] == [str(run.pk)]


class TestChanges:
    """What happens to a run, as it happens."""

    async def test_rows_go_to_their_owner_and_to_those_who_see_all(self, server: Server) -> None:
        ann, browser = await enter("ann")
        _bob, other = await enter("bob")
        _eve, chief = await enter("eve", "view_progresstask")
        mine, _rows = await listen(server, OWN, browser)
        theirs, _rows = await listen(server, OWN, other)
        everybodys, _rows = await listen(server, ALL, chief)
        run = await make(user=ann)
        for _ in range(2):
            publish(await row_of(run))
        nobodys = await make()
        publish(await row_of(nobodys))
        [row] = await heard(mine, lambda row: True)
        assert row == await row_of(run)
        rows = await heard(everybodys, lambda row: row["id"] == str(nobodys.pk))
        assert [row["id"] for row in rows] == [str(run.pk), str(nobodys.pk)]
        await silence(theirs)
        await silence(mine)

    async def test_four_frames_a_second_on_the_wire(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The first at once, the last for certain, whatever comes between."""
        ann, browser = await enter("ann")
        row = await row_of(await make(user=ann))
        # The page has the run from the start: else the database, too, could tell of it first.
        client, [_row] = await listen(server, OWN, browser)
        await until(lambda: not channels._throttle._runs)
        # When they go out: the client may be late for one, and not for the next.
        sent = note_frames(monkeypatch)
        numbers: list[int] = []

        async def read() -> None:
            while not numbers or numbers[-1] != 1000:
                event, data = await client.receive()
                assert event == "task"
                numbers.append(data["done"])

        reading = asyncio.create_task(read())
        began = time.monotonic()
        publish({**row, "done": 1})
        assert len(sent) == 1, "at once"
        for number in range(2, 1001):
            await asyncio.sleep(0.002)
            publish({**row, "done": number})
        lasted = time.monotonic() - began
        await asyncio.wait_for(reading, 10)
        assert numbers == sorted(numbers)
        assert numbers[0] == 1
        assert numbers == [row["done"] for _at, row in sent]
        assert len(numbers) <= lasted / 0.25 + 2
        times = [at for at, _row in sent]
        for first, fifth in zip(times, itertools.islice(times, 4, None), strict=False):
            assert fifth - first > 0.9, "five frames within a second"

    async def test_states_go_out_at_once(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ann, browser = await enter("ann")
        row = await row_of(await make(user=ann))
        # The page has the run from the start: else the database, too, could tell of it first.
        client, [_row] = await listen(server, OWN, browser)
        await until(lambda: not channels._throttle._runs)
        sent = note_frames(monkeypatch)
        publish({**row, "done": 1})
        publish({**row, "done": 2})
        publish({**row, "wish": "pause"})
        publish({**row, "state": "paused"})
        publish({**row, "state": "cancelling"})
        publish({**row, "state": "cancelled", "ended": time.time()})
        expected = ["running", "running", "paused", "cancelling", "cancelled"]
        assert [row["state"] for _at, row in sent] == expected, "at once"
        rows = await heard(client, lambda row: row["state"] == "cancelled")
        assert [row["state"] for row in rows] == expected

    async def test_a_run_of_another_process_is_followed(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(poll, "PERIOD_S", 0.05)
        ann, browser = await enter("ann")
        client, _rows = await listen(server, OWN, browser)
        run = await make(user=ann)
        await heard(client, lambda row: row["done"] == 0)
        runs = ProgressTask.objects.filter(pk=run.pk)
        await runs.aupdate(done=5, label="five")
        assert (await heard(client, lambda row: row["done"] == 5))[-1]["label"] == "five"
        await runs.aupdate(state="succeeded", done=10, ended_at=ago(0))
        assert (await heard(client, lambda row: row["state"] == "succeeded"))[-1]["done"] == 10

    async def test_a_page_may_come_and_go(self, server: Server) -> None:
        ann, browser = await enter("ann")
        first, _rows = await listen(server, OWN, browser)
        second, _rows = await listen(server, OWN, browser)
        await first.close()
        run = await make(user=ann)
        publish(await row_of(run))
        await heard(second, lambda row: row["id"] == str(run.pk))
        await second.close()
        await until(lambda: not channels._readers)

    async def test_these_pages_only_listen(self, server: Server) -> None:
        ann, browser = await enter("ann")
        run = await make(user=ann)
        client, _rows = await listen(server, OWN, browser)
        for event in ("cancel", "task", "close"):
            client.emit(event, {"id": str(run.pk)})
            answer = await client.receive()
            assert answer.event == "warning"


class TestWatching:
    """The database is asked while somebody watches, and only then."""

    async def test_nobody(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(poll, "PERIOD_S", 0.02)
        asked = self.count(monkeypatch)
        ann, browser = await enter("ann", "view_dashboard")
        run = await make(user=ann)
        await asyncio.sleep(0.2)
        assert asked == []
        for path in (OWN, f"{PREFIX}{run.pk}"):
            client = await server.connect(path, client=browser)
            await until(lambda: len(asked) > 3)
            await client.close()
            # The last reading may still be on its way.
            await until(lambda: not channels.is_watched and channels._poll._reading is None)
            asked.clear()
            await asyncio.sleep(0.2)
            assert asked == []
        watcher = await watch(server, browser=browser)
        await until(lambda: len(asked) > 3)
        await watcher.client.close()

    def count(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        asked: list[float] = []
        recent = poll.recent

        def counted() -> Any:
            asked.append(time.monotonic())
            return recent()

        monkeypatch.setattr(poll, "recent", counted)
        return asked

    async def test_what_nobody_looked_after_is_not_shown_as_it_was(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(poll, "PERIOD_S", 0.05)
        ann, browser = await enter("ann")
        await make(user=ann)
        client, [_row] = await listen(server, OWN, browser)
        assert len(board.rows()) == 1
        await client.close()
        await until(lambda: not board.rows())


class TestOtherProcesses:
    """Where the layer is shared, who changes something tells."""

    async def test_what_happens_here_is_told(self, shared: Shared) -> None:
        """At most four times a second, and at once when it is another state."""
        row = await row_of(await make())
        for done in range(1, 6):
            publish({**row, "done": done})
        publish({**row, "done": 6, "state": "paused"})
        assert [(topic, data["row"]["done"]) for topic, data in shared.layer.told] == [
            (TOLD, 1),
            (TOLD, 6),
        ]

    async def test_what_happens_elsewhere_is_shown_and_not_told_again(self, shared: Shared) -> None:
        ann, browser = await enter("ann")
        run = await make(user=ann)
        client, [row] = await listen(shared.server, OWN, browser)
        shared.layer.hearing[TOLD]({"row": {**row, "label": "from afar", "more": 1}})
        rows = await heard(client, lambda row: row["label"] == "from afar")
        assert rows[-1] == {**row, "label": "from afar"}
        assert (shared.layer.told, run.label) == ([], "")
        with pytest.raises(ValueError, match="the row of a run was expected"):
            shared.layer.hearing[TOLD]({})

    async def test_a_process_without_a_server_tells_through_the_layer(self, registry: None) -> None:
        run = await make()
        with override_settings(TORNADO=SETTINGS):
            await sync_to_async(tell)(run)
            told = cast("Neighbourhood", layer()).told
        assert told == [(TOLD, {"row": await row_of(run)})]

    async def test_the_database_is_asked_seldom_unless_something_is_wrong(
        self, shared: Shared, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "SELDOM", 4)
        channels._poll.stop()  # none ticks but this test
        _ann, browser = await enter("ann")
        assert not channels._tick()
        await listen(shared.server, OWN, browser)
        assert [channels._tick() for _ in range(8)] == [True, False, False, False] * 2
        shared.layer.wrong = "Redis is away"
        assert [channels._tick() for _ in range(3)] == [True] * 3


class TestWithoutAServer:
    """Who tells of runs need not know whether somebody serves."""

    def test_nothing_is_sent(self) -> None:
        assert is_registered()
        runtime.call(publish, as_row(make_run()))

    async def test_a_server_without_these_websockets_is_told_nothing(self, server: Server) -> None:
        channels._own.unregister()  # type: ignore[union-attr]
        assert not is_registered()
        publish(await row_of(await make()))
        assert board.rows() == []
        assert len(sockets) == 0

    async def test_they_are_made_while_a_server_runs(self, server: Server) -> None:
        for websocket in (channels._own, channels._all):
            websocket.unregister()  # type: ignore[union-attr]
        for _ in range(2):
            module.register()
        user = await sync_to_async(staff)("ann")
        browser = await sync_to_async(logged_in)(user)
        run = await make(user=user)
        _client, rows = await listen(server, OWN, browser)
        assert [row["id"] for row in rows] == [str(run.pk)]

    async def test_what_is_held_back_when_they_go_is_dropped(self, server: Server) -> None:
        run = await make()
        row = await row_of(run)
        publish(row)
        publish({**row, "done": 1})
        channels._own.unregister()  # type: ignore[union-attr]
        [held] = channels._throttle._runs.values()
        assert held.held == {**row, "done": 1}
        await until(lambda: channels._throttle._runs == {})

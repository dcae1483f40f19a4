"""The WebSocket of a single run: who may connect, when it comes and goes."""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError
from django.test import Client as Browser
from django.test import override_settings
from tornado.httpclient import HTTPClientError

import tornado_websockets
from tests.rawclient import connect
from tests.tornado_websockets.visitors import status
from tests.tws_admin.feeds import watch
from tests.tws_admin.operators import forbid, operator, until
from tests.tws_admin.progress.runs import ago, make_run
from tornado_websockets.testing import Client, Server
from tornado_websockets.tornadowrapper import TornadoWrapper
from tornado_websockets.websocket import WebSocket, registry
from tws_admin import websockets
from tws_admin.models import ProgressTask
from tws_admin.progress.housekeeping import housekeeping
from tws_admin.progress.live import poll
from tws_admin.progress.live import sockets as module
from tws_admin.progress.live.channels import OWN, channels, publish
from tws_admin.progress.live.sockets import PREFIX, sockets
from tws_admin.progress.rows import as_row
from tws_admin.progress.states import State

pytestmark = pytest.mark.django_db(transaction=True)

make = sync_to_async(make_run)
row_of = sync_to_async(as_row)


@pytest.fixture(autouse=True)
def feed(registry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    websockets.register()
    # It executes what is queued: here the tests alone change runs.
    monkeypatch.setattr(housekeeping, "round", lambda: None)
    # After as long the database knows better: a machine may stall for that.
    monkeypatch.setattr("tws_admin.progress.live.board.TOLD_S", 60.0)


def path(run: ProgressTask) -> str:
    assert run.path == f"{PREFIX}{run.pk}"
    return run.path


async def answer(server: Server, run_path: str, browser: Browser | None, **headers: str) -> int:
    """Return the status of a handshake, 101 when it succeeds."""
    if browser is None:
        return await status(server, run_path, **headers)
    try:
        await server.connect(run_path, client=browser, **headers)
    except HTTPClientError as error:
        return error.code
    return 101


async def take(client: Client, event: str) -> Any:
    """Return the data of the next event of this name."""
    async with asyncio.timeout(10):
        while True:
            found, data = await client.receive()
            if found == f"module_progressbar_{event}":
                return data


class TestWhoMayWatch:
    """The owner, and who has the permission; the handshake is that of every path."""

    @pytest.mark.parametrize("is_known", [False, True], ids=["the first", "a further one"])
    async def test_users(self, server: Server, is_known: bool) -> None:
        """Whether or not the WebSocket is there already."""
        owner, own = await operator(name="owner")
        _viewer, viewing = await operator("view_progresstask", name="viewer")
        _other, other = await operator("change_progresstask", "view_dashboard", name="other")
        _guest, guest = await operator("view_progresstask", name="guest", is_staff=False)
        _root, root = await operator(name="root", is_superuser=True)
        expected = [
            (None, 403),
            (guest, 403),
            (other, 403),
            (viewing, 101),
            (root, 101),
            (own, 101),
        ]
        for browser, code in expected:
            run = await make(user=owner)
            if is_known:
                assert await answer(server, path(run), own) == 101
            assert await answer(server, path(run), browser) == code

    @pytest.mark.parametrize("is_known", [False, True], ids=["the first", "a further one"])
    async def test_pages_of_other_sites(self, server: Server, is_known: bool) -> None:
        owner, own = await operator()
        run = await make(user=owner)
        if is_known:
            assert await answer(server, path(run), own) == 101
        assert await answer(server, path(run), own, Origin="http://evil.example") == 403
        assert await answer(server, path(run), own, Host="evil.example") == 403
        cookies = own.cookies.output(attrs=[], header="", sep=";").strip()
        assert await answer(server, path(run), None, Cookie=cookies) == 403

    async def test_a_user_who_is_no_more(self, server: Server) -> None:
        """A run without a user is nobody's own."""
        _other, other = await operator()
        run = await make(user=None)
        assert await answer(server, path(run), other) == 403

    async def test_a_run_that_is_not_there(self, server: Server) -> None:
        _user, browser = await operator("view_progresstask")
        missing = PREFIX + str(uuid.uuid4())
        assert await answer(server, missing, browser) == 404
        assert await answer(server, missing, None) == 403, "strangers are not told"
        assert registry[OWN].stats.rejected["no_such_run"] == 1
        assert missing not in registry

    @pytest.mark.parametrize(
        "end", ["", "1", "not-a-uuid", str(uuid.uuid4()).upper(), f"{uuid.uuid4()}/x", "%00"]
    )
    async def test_a_path_that_is_none(self, server: Server, end: str) -> None:
        _user, browser = await operator("view_progresstask")
        assert await answer(server, PREFIX + end, browser) == 404

    async def test_limits_hold_here_too(self, server: Server) -> None:
        owner, own = await operator()
        runs = [await make(user=owner) for _ in range(2)]
        with override_settings(TORNADO={"limits": {"connections_per_user": 1}}):
            assert await answer(server, path(runs[0]), own) == 101
            assert await answer(server, path(runs[1]), own) == 429

    async def test_a_database_that_is_away_is_no_answer(
        self, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(run_id: str) -> Any:
            raise DatabaseError("locked")

        owner, own = await operator()
        run = await make(user=owner)
        monkeypatch.setattr(module, "_row", fail)
        assert await answer(server, path(run), own) == 503
        assert registry[OWN].stats.rejected["unavailable"] == 1
        [record] = [each for each in caplog.records if each.name == "tws_admin"]
        assert record.levelno == logging.WARNING

    @pytest.mark.parametrize("lost", ["permission", "run"])
    async def test_what_is_lost_while_the_connection_is_open_ends_it(
        self, server: Server, lost: str
    ) -> None:
        user, browser = await operator("view_progresstask")
        run = await make()
        with override_settings(TORNADO={"recheck_period": 0.2}):
            client = await server.connect(path(run), client=browser)
            if lost == "permission":
                await sync_to_async(forbid)(user, "view_progresstask")
            else:
                await ProgressTask.objects.filter(pk=run.pk).adelete()
            assert await client.closed() == 4501

    async def test_somebody_who_leaves_in_the_middle_of_the_handshake(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing is counted as open, and nothing is logged as an error."""
        found = module._row
        entered, go_on = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def slow(run_id: str) -> Any:
            loop.call_soon_threadsafe(entered.set)
            asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(10)
            return found(run_id)

        owner, own = await operator()
        run = await make(user=owner)
        monkeypatch.setattr(module, "_row", slow)
        cookies = own.cookies.output(attrs=[], header="", sep=";").strip()
        origin = f"http://{server.host}"

        async def come() -> None:
            where = (server.port, path(run))
            async with connect(*where, tls=False, Origin=origin, Cookie=cookies):
                pass

        coming = asyncio.create_task(come())
        await asyncio.wait_for(entered.wait(), 10)
        coming.cancel()
        await asyncio.wait([coming])
        go_on.set()
        monkeypatch.setattr(module, "_row", found)
        assert await answer(server, path(run), own) == 101
        await until(lambda: len(sockets) == 1)


class TestWhatItShows:
    """The bar of the run, wherever its work is."""

    async def test_it_follows_what_is_published(self, server: Server) -> None:
        channels._poll.stop()  # the database, too, could tell of the run, and before
        owner, own = await operator()
        run = await make(user=owner, done=2)
        row = await row_of(run)
        client = await server.connect(path(run), client=own)
        data = await take(client, "init")
        assert (data["value"], data["max"], data["task"]) == (2, 10, row)
        publish({**row, "done": 5, "label": "five"})
        data = await take(client, "update")
        assert (data["value"], data["label"], data["task"]["done"]) == (5, "five", 5)
        publish({**row, "state": "succeeded", "done": 10})
        assert (await take(client, "update"))["task"]["state"] == "succeeded"
        assert await take(client, "done") == {}

    async def test_it_begins_with_the_newest_numbers(self, server: Server) -> None:
        owner, own = await operator()
        run = await make(user=owner)
        publish({**await row_of(run), "done": 7})
        client = await server.connect(path(run), client=own)
        assert (await take(client, "init"))["value"] == 7

    async def test_it_follows_a_run_of_another_process(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(poll, "PERIOD_S", 0.05)
        owner, own = await operator()
        run = await make(user=owner)
        client = await server.connect(path(run), client=own)
        await take(client, "init")
        await ProgressTask.objects.filter(pk=run.pk).aupdate(done=6)
        values = [(await take(client, "update"))["value"]]
        if values[0] != 6:  # it was read between the handshake and this, too
            values.append((await take(client, "update"))["value"])
        assert values in ([6], [0, 6])

    async def test_a_run_that_ended_long_ago_has_its_bar(self, server: Server) -> None:
        owner, own = await operator()
        run = await make(State.SUCCEEDED, user=owner, done=10, ended_at=ago(90_000))
        client = await server.connect(path(run), client=own)
        assert (await take(client, "init"))["value"] == 10
        await take(client, "done")

    async def test_many_who_come_at_once_share_it(self, server: Server) -> None:
        owner, own = await operator()
        run = await make(user=owner)
        coming = (server.connect(path(run), client=own) for _ in range(5))
        clients = await asyncio.gather(*coming)
        publish({**await row_of(run), "done": 5})
        for client in clients:
            value = (await take(client, "update"))["value"]
            # The database, which is read once a second, may have told of the run before.
            assert value == 5 or (value, (await take(client, "update"))["value"]) == (0, 5)
        assert len(sockets) == 5

    async def test_the_monitor_does_not_show_it_among_the_bars(self, server: Server) -> None:
        owner, own = await operator("view_dashboard")
        run = await make(user=owner)
        await server.connect(path(run), client=own)
        state = (await watch(server, browser=own)).state
        assert state["bars"] == []
        assert state["paths"] == []


class TestComingAndGoing:
    """It is there while somebody wants it."""

    @pytest.fixture(autouse=True)
    def soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(poll, "PERIOD_S", 0.05)

    async def test_it_goes_some_time_after_the_last_client(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        owner, own = await operator()
        run = await make(State.SUCCEEDED, user=owner)
        await row_of(run)  # the first row of a process imports the URLs, which may make paths
        before = (set(registry), list(TornadoWrapper.tornado_handlers))
        first = await server.connect(path(run), client=own)
        second = await server.connect(path(run), client=own)
        with monkeypatch.context() as patch:
            # Not before and not afterwards: a handshake may take as long.
            patch.setattr(module, "IDLE_S", 0.2)
            await first.close()
            await asyncio.sleep(0.5)
            assert run.path in registry
            await second.close()
            await until(lambda: run.path not in registry)
        assert (set(registry), TornadoWrapper.tornado_handlers) == before
        assert (len(sockets._bars), len(sockets._idle_since)) == (0, 0)
        client = await server.connect(path(run), client=own)
        assert (await take(client, "init"))["task"]["state"] == "succeeded"

    async def test_it_goes_when_nobody_ever_came(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Who was refused has made it, at most."""
        _other, other = await operator()
        run = await make()
        assert await answer(server, path(run), other) == 403
        assert run.path in registry
        monkeypatch.setattr(module, "IDLE_S", 0.2)
        await until(lambda: run.path not in registry)

    async def test_the_next_server_begins_without(self) -> None:
        owner, own = await operator()
        run = await make(user=owner)
        for _ in range(2):
            async with tornado_websockets.testing.serve(share_thread=False) as server:
                await server.connect(path(run), client=own)
                assert len(sockets) == 1

    async def test_a_path_of_the_project_stays_its_own(self, server: Server) -> None:
        run = await make()
        WebSocket(path(run))
        client = await server.connect(path(run))
        registry[run.path].broadcast("hello")
        assert (await client.receive()).event == "hello"

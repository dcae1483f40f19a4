"""The feed of a real server: who gets it, what is in it, and how it goes on."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connections
from django.test import override_settings
from tornado.httpclient import HTTPClientError

from tests.process import running
from tests.rawclient import RawClient, connect, text
from tests.tornado_websockets.visitors import logged_in, visitor
from tests.tws_admin.feeds import State, watch
from tests.tws_admin.operators import ask, forbid, operator, permit, until
from tests.tws_admin.progress.runs import make_run
from tornado_websockets import testing
from tornado_websockets.exceptions import DuplicatePathError
from tornado_websockets.layers import audience
from tornado_websockets.modules import ProgressBar
from tornado_websockets.runtime import runtime
from tornado_websockets.testing import Server
from tornado_websockets.tornadowrapper import TornadoWrapper
from tornado_websockets.websocket import WebSocket, registry
from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin import websockets
from tws_admin.feed.absent import absent
from tws_admin.feed.observer import Observer
from tws_admin.monitor import PATH, Monitor, monitor
from tws_admin.permissions import sees_tasks
from tws_admin.progress.live import channels
from tws_admin.progress.rows import as_row

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def feed(registry: None) -> WebSocket:
    """Register the feed, as the server's discovery does."""
    return websockets.register()


def chat() -> WebSocket:
    path = WebSocket("/chat")

    @path.on
    async def say(socket: WebSocketHandler, data: Any) -> None:
        socket.emit("said", data)

    @path.on
    async def fail(data: Any) -> None:
        raise LookupError(data)

    return path


def head(server: Server, browser: Any) -> dict[str, Any]:
    """Return the headers of a handshake from a page of this site."""
    cookies = browser.cookies.output(attrs=[], header="", sep=";").strip()
    return {"Origin": f"http://{server.host}", "Cookie": cookies}


async def ask_for_a_snapshot(client: RawClient, feed: WebSocket) -> None:
    """Ask for a snapshot, which is on its way then, without reading it."""
    answered = feed.stats.events["snapshot"].latency
    before = answered.count
    client.send(text('{"event": "snapshot"}'))
    await until(lambda: answered.count > before)
    await asyncio.sleep(0.05)  # more than twenty a second are refused


class TestWhoMayWatch:
    """Staff with the permission, from a page of this site."""

    @pytest.mark.parametrize(
        ("fields", "permissions", "is_allowed"),
        [
            ({}, [], False),
            ({}, ["view_dashboard"], False),
            ({"is_staff": True}, [], False),
            ({"is_staff": True}, ["send_event", "view_payloads"], False),
            ({"is_staff": True}, ["view_dashboard"], True),
            ({"is_staff": True, "is_superuser": True}, [], True),
            ({"is_superuser": True}, [], False),
        ],
    )
    async def test_users(
        self, server: Server, fields: dict[str, Any], permissions: list[str], is_allowed: bool
    ) -> None:
        user, browser = await visitor("olga", **fields)
        await sync_to_async(permit)(user, *permissions)
        if is_allowed:
            assert (await watch(server, browser=browser)).state["v"] == 1
        else:
            with pytest.raises(HTTPClientError, match="403"):
                await server.connect(PATH, client=browser)

    async def test_nobody(self, server: Server) -> None:
        with pytest.raises(HTTPClientError, match="403"):
            await server.connect(PATH, Origin=f"http://{server.host}")

    async def test_a_page_of_another_site(self, server: Server) -> None:
        _user, browser = await operator("view_dashboard")
        with pytest.raises(HTTPClientError, match="403"):
            await server.connect(PATH, client=browser, Origin="http://evil.example")

    async def test_a_program_without_a_page(self, server: Server) -> None:
        """A cookie alone does not do: it could be any page's."""
        _user, browser = await operator("view_dashboard")
        with pytest.raises(HTTPClientError, match="403"):
            await server.connect(PATH, Cookie=head(server, browser)["Cookie"])

    @pytest.mark.parametrize("lost", ["staff", "permission", "session", "account"])
    async def test_what_is_lost_while_the_connection_is_open_ends_it(
        self, server: Server, lost: str
    ) -> None:
        user, browser = await operator("view_dashboard")
        watcher = await watch(server, browser=browser)
        await sync_to_async(lose)(user, browser, lost)
        assert await watcher.client.closed() == 4501

    async def test_what_another_process_takes_away_is_noticed(self, server: Server) -> None:
        """No signal tells: it is looked up once in a while."""
        with override_settings(TORNADO={"recheck_period": 0.2}):
            user, browser = await operator("view_dashboard")
            watcher = await watch(server, browser=browser)
            await User.objects.filter(pk=user.pk).aupdate(is_staff=False)
            assert await watcher.client.closed() == 4501

    async def test_each_is_told_what_it_may_do(self, server: Server) -> None:
        _user, browser = await operator("view_dashboard", "send_event", "view_payloads")
        assert (await watch(server, browser=browser)).state["may"] == ["send", "inspect"]
        with override_settings(TWS_ADMIN={"read_only": True}):
            assert (await watch(server, browser=browser)).state["may"] == ["inspect"]


class TestProgressTasks:
    """Runs of everybody, for those who may see them."""

    async def test_they_come_with_the_feed(self, server: Server) -> None:
        channels.channels._poll.stop()  # the database has other numbers, and is right in the end
        _user, browser = await operator("view_dashboard", "view_progresstask")
        watcher = await watch(server, browser=browser)
        assert watcher.state["may"] == ["tasks"]
        run = await sync_to_async(make_run)()
        row = await sync_to_async(as_row)(run)
        channels.publish(row)
        await watcher.until(lambda state: state["tasks"] == [row])
        channels.publish({**row, "done": 5})
        await watcher.until(lambda state: state["tasks"][0]["done"] == 5)
        assert watcher.ticks[-1]["tasks"] == [{"id": row["id"], "done": 5}]
        again = await watch(server, browser=browser)
        assert again.state["tasks"] == [{**row, "done": 5}]

    async def test_others_have_none(self, server: Server) -> None:
        _user, browser = await operator("view_dashboard", "view_progresstask", name="chief")
        seeing, blind = await watch(server, browser=browser), await watch(server)
        run = await sync_to_async(make_run)()
        channels.publish(await sync_to_async(as_row)(run))
        await seeing.until(lambda state: state["tasks"])
        await blind.until(lambda state: state["seq"] >= seeing.state["seq"])
        assert not any("tasks" in tick for tick in blind.ticks)
        answer = await ask(blind.client, "snapshot")
        assert (answer.data["tasks"], answer.data["may"]) == ([], [])

    async def test_who_loses_the_permission_is_told_no_more(self, server: Server) -> None:
        user, browser = await operator("view_dashboard", "view_progresstask")
        watcher = await watch(server, browser=browser)
        await sync_to_async(forbid)(user, "view_progresstask")
        [socket] = monitor.websocket
        await until(lambda: not sees_tasks(socket.known_user))
        run = await sync_to_async(make_run)()
        channels.publish(await sync_to_async(as_row)(run))
        for _ in range(2):
            assert "tasks" not in await watcher.tick()

    async def test_the_first_paint_has_them_for_those_too(self, server: Server) -> None:
        channels.channels._poll.stop()  # it lets go of what nobody has told of for a while
        seer, _browser = await operator("view_dashboard", "view_progresstask", name="seer")
        other, _browser = await operator("view_dashboard", name="other")
        run = await sync_to_async(make_run)()
        channels.publish(await sync_to_async(as_row)(run))
        monitor.tick(monitor._observer)  # type: ignore[arg-type]

        def seen(user: Any) -> int:
            try:
                return len(monitor.snapshot(user=user)["tasks"])
            finally:
                connections.close_all()

        counts = [await asyncio.to_thread(seen, user) for user in (seer, other, None)]
        assert counts == [1, 0, 0]


def lose(user: User, browser: Any, what: str) -> None:
    if what == "staff":
        user.is_staff = False
        user.save()
    elif what == "permission":
        forbid(user, "view_dashboard")
    elif what == "session":
        browser.logout()
    else:
        user.delete()


def measured_at(observer: Observer, monkeypatch: pytest.MonkeyPatch) -> dict[int, float]:
    """Return when each tick was measured from now on, and the last one, by its number."""
    measure, times = observer._measure, {observer.seq: observer._sampler._at_s}

    def note() -> None:
        measure()
        times[observer.seq + 1] = observer._sampler._at_s

    monkeypatch.setattr(observer, "_measure", note)
    return times


async def look_how_late(late_s: list[float]) -> None:
    """Note by how much a timer of the event loop is late, again and again."""
    while True:
        due = time.time() + 0.05
        await asyncio.sleep(0.05)
        late_s.append(max(0.0, time.time() - due))


class TestTicks:
    """Once a second, what has changed."""

    async def test_the_numbers_are_those_of_what_clients_did(self, server: Server) -> None:
        """Open three, refuse two, close one, kill one: each time the feed says so."""
        path = chat()
        watcher = await watch(server)
        clients = [await server.connect("/chat") for _ in range(3)]
        for _ in range(2):
            with pytest.raises(HTTPClientError):
                await server.connect("/chat", Origin="http://evil.example")
        state = await watcher.until(lambda state: state["totals"]["rejected"] == 2)
        assert state.path("/chat").items() >= {"connections": 3, "opened": 3}.items()
        assert state.path("/chat")["rejected_by_reason"] == {"origin": 2}
        for number in range(100):
            clients[0].emit("say", {"number": number})
            await clients[0].receive()
        clients[0].emit("fail")
        await clients[1].close()
        audience.close_each(path.handlers[1:], 4500, "")
        state = await watcher.until(lambda state: state["totals"]["closed"] == 2)
        assert (
            state["totals"].items()
            >= {
                "connections": 1,
                "peak": 3,
                "opened": 3,
                "closed": 2,
                "rejected": 2,
                "events_in": 101,
                "events_out": 101,
                "errors": 1,
                "warnings": 1,
            }.items()
        )
        found = state.path("/chat")
        assert found["closed_by_code"] == {"1000": 1, "4500": 1}
        assert found["p50_ms"] > 0
        assert [(event["event"], event["calls"]) for event in found["events"]] == [
            ("say", 100),
            ("fail", 1),
        ]
        kinds = [event["kind"] for event in state["lifecycle"]]
        assert kinds.count("connection_opened") == 3
        assert kinds.count("connection_rejected") == 2
        assert kinds.count("connection_closed") == 2
        assert kinds.count("callback_failed") == 1

    async def test_the_points_of_the_history_add_up_to_what_was_counted(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        chat()
        observer = monitor._observer
        assert observer is not None
        # When each tick was measured: its own time is that of a moment later.
        times = measured_at(observer, monkeypatch)
        watcher = await watch(server)
        client = await server.connect("/chat")
        for _ in range(50):
            client.emit("say")
            await client.receive()
        await watcher.until(lambda state: state["totals"]["events_in"] == 50)
        await watcher.tick()
        # On a busy machine ticks are late: each rate is that of the time since the one before.
        spans = [times[tick["seq"]] - times[tick["since"]] for tick in watcher.ticks]
        rates = [tick["rates"]["events_in"] for tick in watcher.ticks]
        total = sum(rate * span for rate, span in zip(rates, spans, strict=True))
        assert total == pytest.approx(50, rel=0.001)
        _event, snapshot = await ask(watcher.client, "snapshot")
        points = snapshot["history"]["series"]["events_in"]
        assert [point for point in points if point] == [rate for rate in rates if rate]

    async def test_ticks_come_one_by_one(self, server: Server) -> None:
        late_s: list[float] = []
        looking = asyncio.create_task(look_how_late(late_s))
        watcher = await watch(server)
        for _ in range(3):
            await watcher.tick()
        looking.cancel()
        first = watcher.ticks[0]["seq"]
        assert [tick["seq"] for tick in watcher.ticks] == [first, first + 1, first + 2]
        assert [tick["since"] for tick in watcher.ticks] == [first - 1, first, first + 1]
        passed_s = watcher.ticks[2]["time"] - watcher.ticks[0]["time"]
        # Ticks are as late as anything else on the event loop, and not more.
        assert passed_s == pytest.approx(2, abs=0.5 + sum(late_s))

    async def test_the_feed_does_not_count_itself(self, server: Server) -> None:
        watcher = await watch(server)
        await watch(server, browser=await sync_to_async(superuser)())
        state = await watcher.until(lambda state: state["server"]["viewers"] == 2)
        assert state["totals"]["opened"] == 0
        assert state["paths"] == []
        assert [event["kind"] for event in state["lifecycle"]] == ["server_started"]

    async def test_viewers_who_go_are_forgotten(self, server: Server) -> None:
        watcher = await watch(server)
        other = await watch(server, browser=await sync_to_async(superuser)())
        await watcher.until(lambda state: state["server"]["viewers"] == 2)
        await other.client.close()
        await watcher.until(lambda state: state["server"]["viewers"] == 1)

    async def test_paths_and_bars_that_come_and_go(self, server: Server) -> None:
        watcher = await watch(server)
        WebSocket("/new").bind(ProgressBar("upload"))
        state = await watcher.until(lambda state: state["bars"])
        assert [path["path"] for path in state["paths"]] == ["/new"]
        assert state.log("path_registered")[0]["path"] == "/new"
        del registry["/new"]
        await watcher.until(lambda state: not state["paths"] and not state["bars"])

    async def test_a_viewer_who_wants_fewer_ticks_gets_merged_ones(self, server: Server) -> None:
        chat()
        watcher = await watch(server)
        watcher.client.emit("pace", {"every_s": 3})
        client = await server.connect("/chat")
        tick = await watcher.tick()
        while tick["since"] == tick["seq"] - 1:  # it was on its way
            tick = await watcher.tick()
        assert tick["since"] == tick["seq"] - 3
        await client.close()
        watcher.client.emit("pace", {"every_s": 1})
        state = await watcher.until(lambda state: state["totals"]["closed"] == 1)
        assert state["totals"]["opened"] == 1

    async def test_a_viewer_who_reads_slowly_gets_one_tick_for_several(
        self, server: Server, feed: WebSocket
    ) -> None:
        """Ticks do not queue behind what has not been read, and nothing is lost."""
        for number in range(800):
            WebSocket(f"/path/{number}")
        chat()
        await until(lambda: monitor.snapshot()["paths"])
        _user, browser = await operator("view_dashboard")
        async with connect(server.port, PATH, tls=False, **head(server, browser)) as slow:
            await until(lambda: feed.handlers)
            [socket] = feed.handlers
            while socket.unsent_bytes < 1 << 21:  # more than the kernel may still take
                await ask_for_a_snapshot(slow, feed)
            client = await server.connect("/chat")
            client.emit("say")
            await client.receive()
            assert monitor._observer is not None
            due = monitor._observer.seq + 3
            sent = feed.stats.events_out
            await until(lambda: monitor._observer and monitor._observer.seq >= due)
            assert feed.stats.events_out == sent
            state: State | None = None
            tick: dict[str, Any] = {}
            while tick.get("seq", 0) < due:
                frame = json.loads((await slow.receive()).payload)
                if frame["event"] == "snapshot":
                    state = State(frame["data"])
                    continue
                tick = frame["data"]
                assert state is not None
                if tick["seq"] > state["seq"]:
                    state.apply(tick)
            assert tick["seq"] - tick["since"] >= 3
            assert state is not None
            assert state["totals"]["events_in"] == 1

    async def test_a_viewer_who_reads_nothing_for_minutes_is_closed(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        watcher = await watch(server)
        observer = monitor._observer
        assert observer is not None
        for viewer in observer.viewers.values():
            viewer.seq = -10_000
        assert await watcher.client.closed() == 4008

    async def test_a_mistake_in_a_reading_stops_no_tick(
        self, server: Server, caplog: pytest.LogCaptureFixture
    ) -> None:
        bar = WebSocket("/work").bind(ProgressBar("upload"))
        watcher = await watch(server)
        bar.current = None  # type: ignore[assignment]
        for _ in range(3):
            await watcher.tick()
        assert caplog.text.count("the monitor goes on without bars") == 1


def superuser() -> Any:
    return logged_in(User.objects.create_superuser("root", password="x"))


def remember(browser: Any, note: str) -> str:
    """Write something into a session, and return its key."""
    session = browser.session
    session["note"] = note
    session.save()
    return str(session.session_key)


class TestSecrets:
    """What is nobody's business is in no frame of the feed."""

    async def test_a_canary_that_clients_carry_is_never_seen(
        self, server: Server, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = chat()

        @path.on
        def look(socket: WebSocketHandler) -> None:
            assert socket.user.username == "ann"

        caplog.set_level(logging.CRITICAL)
        watcher = await watch(server)
        _user, browser = await visitor("ann")
        key = await sync_to_async(remember)(browser, "canary-in-session")
        cookies = head(server, browser)["Cookie"]
        client = await server.connect(
            "/chat?token=canary-in-query",
            client=browser,
            Cookie=f"{cookies}; other=canary-in-cookie",
            Authorization="Bearer canary-in-authorization",
            User_Agent="canary-in-agent",
            X_Secret="canary-in-header",
        )
        client.emit("look")
        client.emit("say", {"password": "canary-in-payload"})
        client.emit("fail", {"password": "canary-in-error"})
        client.emit("canary-unknown", {})
        client.send("canary-no-json")
        client.send(b"canary-bytes")
        await until(lambda: path.stats.warnings.total == 4)
        await client.close(4000, "said by the client")
        with pytest.raises(HTTPClientError):
            await server.connect("/chat", Origin="http://canary.example")
        frames = [str(watcher.state.data)]
        state = await watcher.until(
            lambda state: state.log("connection_closed") and state.log("connection_rejected")
        )
        _event, snapshot = await ask(watcher.client, "snapshot", range="2h")
        frames += [str(watcher.ticks), str(snapshot), str(state.data)]
        assert not [frame for frame in frames if "canary" in frame or key in frame]
        [closed] = state.log("connection_closed")
        assert (closed["reason"], closed["user"]) == ("said by the client", "ann")


class TestServers:
    """The monitor begins and ends with the server."""

    async def test_the_last_tick_tells_that_the_server_stops(self) -> None:
        async with testing.serve(share_thread=False) as server:
            watcher = await watch(server)
            watcher.client.emit("pace", {"every_s": 60})
            assert monitor.is_running
            TornadoWrapper.stop(grace_s=5)
            state = await watcher.until(lambda state: state["server"]["state"] == "stopping")
            assert state.log("server_stopping")
            assert await watcher.client.closed() == 1001
            assert not monitor.is_running

    async def test_another_server_in_the_process_is_another_epoch(self) -> None:
        epochs = set()
        for _ in range(3):
            browser = await sync_to_async(superuser)()  # which takes longer than some ticks
            async with testing.serve(share_thread=False) as server:
                watcher = await watch(server, browser=browser)
                await watcher.tick()
                epochs.add(watcher.state["epoch"])
                assert len(watcher.state.log("server_started")) == 1
                assert watcher.state["seq"] < 5
            await User.objects.all().adelete()
        assert len(epochs) == 3

    async def test_it_may_be_registered_while_the_server_runs(
        self, server: Server, feed: WebSocket
    ) -> None:
        del registry[PATH]
        assert websockets.register() is not feed
        watcher = await watch(server)
        await watcher.tick()

    async def test_a_server_of_another_registry_is_not_watched(self) -> None:
        """A test of something else runs as if there were no monitor."""
        del registry[PATH]
        was = monitor._observer
        async with testing.serve():
            assert monitor._observer is was

    def test_it_is_registered_once(self, feed: WebSocket) -> None:
        assert websockets.register() is feed is monitor.websocket
        assert not feed.monitored

    async def test_a_monitor_that_could_not_begin_says_nothing(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its viewers see an empty page, and no mistakes."""
        monkeypatch.setattr(monitor, "_scene", None)
        monitor.tick(monitor._observer)  # type: ignore[arg-type]
        assert (await asyncio.to_thread(monitor.snapshot))["server"]["state"] == "absent"
        watcher = await watch(server)
        assert watcher.state["server"]["state"] == "absent"
        assert (await ask(watcher.client, "history", range="2h")).data["step_s"] == 10
        watcher.client.emit("pace", {"every_s": 5})
        await watcher.client.close()

    def test_a_path_of_the_project_is_not_taken_over(self) -> None:
        del registry[PATH]
        WebSocket(PATH)
        with pytest.raises(DuplicatePathError):
            websockets.register()

    def test_a_monitor_without_a_websocket_says_what_to_do(self) -> None:
        with pytest.raises(LookupError, match="import tws_admin.websockets"):
            _ = Monitor().websocket


class TestOtherThreads:
    """Django asks from its threads."""

    @pytest.fixture
    def path(self) -> WebSocket:
        return chat()

    async def test_a_snapshot_is_that_of_viewers(self, server: Server, path: WebSocket) -> None:
        watcher = await watch(server)
        await server.connect("/chat")
        await watcher.until(lambda state: state["totals"]["connections"] == 1)
        snapshot = await asyncio.to_thread(monitor.snapshot)
        assert State(snapshot).path("/chat") == watcher.state.path("/chat")
        assert snapshot["epoch"] == watcher.state["epoch"]
        assert snapshot["may"] == []

    async def test_a_snapshot_tells_what_its_user_may_do(self, server: Server) -> None:
        user, _browser = await operator("view_dashboard", "close_connections")
        snapshot = await sync_to_async(monitor.snapshot)("24h", user)
        assert snapshot["may"] == ["disconnect"]
        assert snapshot["history"]["step_s"] == 60

    async def test_it_may_be_asked_on_the_event_loop(self, server: Server) -> None:
        assert monitor.snapshot()["server"]["state"] == "serving"

    async def test_a_range_that_there_is_not_is_a_mistake(self, server: Server) -> None:
        with pytest.raises(ValueError, match="range should be one of 10m, 2h, 24h, got '1y'"):
            await asyncio.to_thread(monitor.snapshot, "1y")

    def test_without_a_server_a_snapshot_is_empty(self, path: WebSocket) -> None:
        snapshot = monitor.snapshot("2h")
        assert snapshot["server"]["state"] == "absent"
        assert not monitor.is_running
        assert set(snapshot["totals"].values()) == {0}
        assert snapshot["paths"] == snapshot["bars"] == snapshot["lifecycle"] == []
        assert not any(snapshot["history"]["series"].values())

    async def test_a_snapshot_has_the_same_keys_with_and_without_a_server(
        self, server: Server
    ) -> None:
        there, empty = monitor.snapshot(), absent("10m")
        assert there.keys() == {*empty, "may"}
        assert there["totals"].keys() == empty["totals"].keys()
        assert there["server"].keys() >= empty["server"].keys()

    async def test_a_mistake_comes_back_to_who_asked(self, server: Server) -> None:
        observer = monitor._observer
        assert observer is not None
        del observer._feed
        with pytest.raises(AttributeError):
            await asyncio.to_thread(monitor.snapshot)

    async def test_nobody_waits_for_a_server_that_ends(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What a thread asks is dropped then."""
        is_dropped = threading.Event()
        async with testing.serve():
            monkeypatch.setattr(runtime, "call", lambda *call: is_dropped.set())
            asking = asyncio.create_task(asyncio.to_thread(monitor.snapshot))
            await asyncio.to_thread(is_dropped.wait, 10)
            monkeypatch.undo()
        assert (await asking)["server"]["state"] == "absent"

    async def test_others_may_add_to_the_log(self, server: Server) -> None:
        watcher = await watch(server)
        await asyncio.to_thread(
            monitor.log, "action", "/chat", by="olga", what="send" + "x" * 500, count=2
        )
        state = await watcher.until(lambda state: state.log("action"))
        [event] = state.log("action")
        assert (event["path"], event["by"], event["count"]) == ("/chat", "olga", 2)
        assert len(event["what"]) == 200

    def test_without_a_server_nothing_is_logged(self) -> None:
        Monitor().log("action")


async def test_a_real_process_has_the_feed(tmp_path: Path) -> None:
    """Its server imports what registers it; the next one is another epoch, and says so."""
    _user, browser = await operator("view_dashboard")
    epochs = set()
    for number in range(2):
        with running(
            "runtornado",
            "0",
            "--noreload",
            directory=ROOT,
            log=tmp_path / f"{number}.log",
            environment={"DJANGO_SETTINGS_MODULE": "tests.settings"},
        ) as process:
            server = Server(await asyncio.to_thread(lambda: process.port))
            watcher = await watch(server, browser=browser)
            assert watcher.state["server"]["pid"] == process.process.pid
            assert watcher.state.path("/echo")["declared"].startswith("testapp.")
            echo = await server.connect("/echo")
            await watcher.until(lambda state: state.path("/echo")["connections"] == 1)
            process.process.terminate()
            await watcher.until(lambda state: state["server"]["state"] == "stopping")
            assert await watcher.client.closed() == await echo.closed() == 1001
            await server.disconnect()
            epochs.add(watcher.state["epoch"])
            assert await asyncio.to_thread(process.wait) == 0
            assert "Traceback" not in process.output
    assert len(epochs) == 2

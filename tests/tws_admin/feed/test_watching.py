"""What viewers may ask of the feed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tws_admin.feeds import watch
from tests.tws_admin.operators import ask, refusal
from tornado_websockets.testing import Server
from tornado_websockets.websocket import WebSocket
from tws_admin import websockets
from tws_admin.feed.sampler import RANGES, SERIES

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def feed(registry: None) -> WebSocket:
    return websockets.register()


@pytest.mark.parametrize("name", RANGES)
async def test_a_snapshot_may_be_asked_for(server: Server, name: str) -> None:
    watcher = await watch(server)
    event, data = await ask(watcher.client, "snapshot", range=name)
    assert event == "snapshot"
    assert data["epoch"] == watcher.state["epoch"]
    assert data["history"]["step_s"] == RANGES[name][0]
    assert data["may"] == []


async def test_a_snapshot_has_ten_minutes_when_nothing_else_is_said(server: Server) -> None:
    watcher = await watch(server)
    assert (await ask(watcher.client, "snapshot")).data["history"]["step_s"] == 1


@pytest.mark.parametrize("name", RANGES)
async def test_the_history_may_be_asked_for_alone(server: Server, name: str) -> None:
    watcher = await watch(server)
    event, data = await ask(watcher.client, "history", range=name)
    assert event == "history"
    assert data.keys() == {"id", "range", "step_s", "end", "series"}
    assert (data["range"], data["step_s"]) == (name, RANGES[name][0])
    assert set(data["series"]) == set(SERIES)


@pytest.mark.parametrize("range", ["1y", "", 10, None, ["10m"], {"10m": 1}])
@pytest.mark.parametrize("event", ["snapshot", "history"])
async def test_a_range_that_there_is_not_is_refused(server: Server, event: str, range: Any) -> None:
    watcher = await watch(server)
    answer = await ask(watcher.client, event, range=range)
    assert answer.event == "refused"
    assert answer.data["code"] == "invalid"
    assert answer.data["message"].startswith("range must be one of 10m, 2h, 24h, got ")


@pytest.mark.parametrize("every_s", [0, 61, -1, 1.5, "3", None, True, [3]])
async def test_a_pace_that_is_none_is_refused(server: Server, every_s: Any) -> None:
    watcher = await watch(server)
    assert await refusal(watcher.client, "pace", every_s=every_s) == "invalid"


async def test_a_reference_that_cannot_be_repeated_is_refused(server: Server) -> None:
    watcher = await watch(server)
    watcher.client.emit("snapshot", {"id": {"not": "usable"}})
    while True:
        event, data = await watcher.client.receive()
        if event != "tick":
            break
    assert event == "refused"
    assert (data["id"], data["code"]) == (None, "invalid")


async def test_what_the_feed_does_not_know_is_a_warning(server: Server) -> None:
    watcher = await watch(server)
    answer = await ask(watcher.client, "nonsense")
    assert (answer.event, answer.data["code"]) == ("warning", "unknown_event")

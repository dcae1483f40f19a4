"""The bar of a run, as clients get it."""

from __future__ import annotations

from typing import Any

import pytest

from tornado_websockets import signals
from tornado_websockets.testing import Client, Server
from tornado_websockets.websocket import WebSocket
from tws_admin.progress.live.taskbar import TaskBar

PREFIX = "module_progressbar_"


def row(**more: Any) -> dict[str, Any]:
    return {"id": "a", "state": "running", "done": 0, "total": 10, "label": ""} | more


async def connected(server: Server, **more: Any) -> tuple[TaskBar, Client]:
    bar = WebSocket("/run").bind(TaskBar(row(**more)))
    return bar, await server.connect("/run")


async def take(client: Client, *events: str) -> Any:
    """Take these events, and return the data of the last one."""
    data = None
    for event in events:
        found, data = await client.receive()
        assert found == PREFIX + event
    return data


async def test_who_connects_gets_the_bar_and_the_row(server: Server) -> None:
    _bar, client = await connected(server, done=3, label="three")
    data = await take(client, "before_init", "init")
    assert data == {
        "min": 0, "max": 10, "value": 3, "label": "three", "indeterminate": False,
        "task": row(done=3, label="three"),
    }  # fmt: skip
    await take(client, "after_init")


async def test_each_row_is_one_event(server: Server) -> None:
    bar, client = await connected(server)
    await take(client, "before_init", "init", "after_init")
    for done in (1, 2):
        bar.show(row(done=done))
        data = await take(client, "update")
        assert (data["value"], data["task"]) == (done, row(done=done))


@pytest.mark.parametrize("state", ["succeeded", "partial", "failed", "cancelled", "lost"])
async def test_the_end_is_told_once_whatever_it_is(server: Server, state: str) -> None:
    bar, client = await connected(server)
    await take(client, "before_init", "init", "after_init")
    for label in ("end", "the same end"):
        bar.show(row(state=state, label=label))
    assert bar.is_done()
    await take(client, "update", "done", "update")
    late = await server.connect("/run")
    data = await take(late, "before_init", "init")
    assert data["task"]["state"] == state
    await take(late, "after_init", "done")


async def test_a_total_that_changes_initialises_the_bar_again(server: Server) -> None:
    bar, client = await connected(server, total=None)
    data = await take(client, "before_init", "init")
    assert data["indeterminate"] is True
    assert "value" not in data
    await take(client, "after_init")
    bar.show(row(total=None, done=5, label="five"))
    data = await take(client, "update")
    assert (data["label"], data["task"]["done"]) == ("five", 5)
    bar.show(row(total=20, done=6))
    data = await take(client, "init")
    assert (data["indeterminate"], data["max"], data["value"]) == (False, 20, 6)
    bar.show(row(total=None, done=7))
    assert (await take(client, "init"))["indeterminate"] is True


async def test_more_than_was_expected_stays_at_the_end(server: Server) -> None:
    bar, client = await connected(server)
    await take(client, "before_init", "init", "after_init")
    bar.show(row(done=12))
    data = await take(client, "update")
    assert (data["value"], data["max"], data["task"]["done"]) == (10, 10, 12)
    assert not bar.is_done()


async def test_what_is_tried_again_begins_anew(server: Server) -> None:
    bar, client = await connected(server, state="lost", done=4)
    await take(client, "before_init", "init", "after_init", "done")
    bar.show(row(state="queued", done=4))
    assert not bar.is_done()
    assert (await take(client, "init"))["value"] == 4


async def test_all_may_be_initialised_at_once(server: Server) -> None:
    bar, client = await connected(server)
    await take(client, "before_init", "init", "after_init")
    bar.emit_init()
    await take(client, "before_init", "init", "after_init")


async def test_nothing_of_it_is_a_signal(server: Server) -> None:
    """Frames of runs come often, and have a monitor of their own."""
    seen: list[Any] = []

    def receive(bar: Any, **kwargs: Any) -> None:
        seen.append(bar)

    watched = (signals.progress_started, signals.progress_updated, signals.progress_done)
    for signal in watched:
        signal.connect(receive)
    try:
        bar, _client = await connected(server)
        bar.show(row(done=1))
        bar.show(row(total=None))
        bar.show(row(state="lost"))
    finally:
        for signal in watched:
            signal.disconnect(receive)
    assert seen == []

"""A bar that shows, on every client, how far some work is."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest
from django.test import override_settings

from tornado_websockets.encoding import encode
from tornado_websockets.exceptions import (
    InvalidInstanceError,
    LayerUnavailableError,
    ModuleNotBoundError,
)
from tornado_websockets.layers import Event, LocalLayer, audience
from tornado_websockets.message import Data
from tornado_websockets.modules import ProgressBar, progressbar
from tornado_websockets.testing import Client, Server
from tornado_websockets.websocket import WebSocket


def bound(bar: ProgressBar) -> ProgressBar:
    WebSocket("/work").bind(bar)
    return bar


async def events(client: Client, count: int, prefix: str = "module_progressbar_") -> list[Any]:
    found = [await client.receive() for _ in range(count)]
    assert all(event.startswith(prefix) for event, _ in found)
    return [(event.removeprefix(prefix), data) for event, data in found]


def initialised(**state: Any) -> list[Any]:
    return [("before_init", {}), ("init", state), ("after_init", {})]


def updated(**state: Any) -> list[Any]:
    return [("before_update", {}), ("update", state), ("after_update", {})]


def test_the_defaults() -> None:
    bar = ProgressBar()
    assert (bar.name, bar.min, bar.max, bar.current, bar.value) == ("", 0, 100, 0, 0)
    assert not bar.indeterminate
    assert not bar.is_done()
    assert repr(ProgressBar("a", 2, 5)) == "<ProgressBar 'a' 2 of 2..5>"


def test_min_above_max_is_an_error() -> None:
    with pytest.raises(ValueError, match="got min=2 and max=1"):
        ProgressBar(min=2, max=1)


@pytest.mark.parametrize("value", ["1", 1.5, None, True])
def test_min_and_max_are_integers(value: Any) -> None:
    with pytest.raises(InvalidInstanceError, match="an integer for min and max"):
        ProgressBar(min=value)
    with pytest.raises(InvalidInstanceError, match="an integer for min and max"):
        ProgressBar(max=value)


@pytest.mark.parametrize("bar", [ProgressBar(min=5, max=5), ProgressBar(indeterminate=True)])
def test_an_equal_min_and_max_is_indeterminate(bar: ProgressBar) -> None:
    assert bar.indeterminate


def test_a_bar_that_is_not_bound_cannot_tick() -> None:
    with pytest.raises(ModuleNotBoundError):
        ProgressBar().tick()


async def test_a_client_gets_init_updates_and_done(server: Server) -> None:
    bar = bound(ProgressBar("foo", max=2))
    client = await server.connect("/work")
    bar.tick()
    bar.tick("last")
    assert await events(client, 10, "module_progressbar_foo_") == [
        *initialised(indeterminate=False, min=0, max=2, value=0),
        *updated(value=1, label=None),
        *updated(value=2, label="last"),
        ("done", {}),
    ]
    assert bar.is_done()


async def test_a_tick_past_the_end_stays_at_the_end(server: Server) -> None:
    bar = bound(ProgressBar(max=1))
    client = await server.connect("/work")
    for _ in range(3):
        bar.tick()
    await events(client, 3)
    assert await events(client, 10) == [
        *updated(value=1, label=None),
        ("done", {}),
        *updated(value=1, label=None),
        *updated(value=1, label=None),
    ]


async def test_a_late_client_gets_the_current_value_and_nobody_else_anything(
    server: Server,
) -> None:
    bar = bound(ProgressBar(min=10, max=20))
    first = await server.connect("/work")
    bar.tick("one")
    await events(first, 6)
    late = await server.connect("/work")
    assert await events(late, 3) == initialised(
        indeterminate=False, min=10, max=20, value=11, label="one"
    )
    bar.tick()
    assert await events(first, 3) == updated(value=12, label=None)
    assert await events(late, 3) == updated(value=12, label=None)


async def test_a_client_of_a_finished_bar_is_told_that_it_is(server: Server) -> None:
    bar = bound(ProgressBar(max=1))
    bar.tick()
    client = await server.connect("/work")
    assert await events(client, 4) == [
        *initialised(indeterminate=False, min=0, max=1, value=1),
        ("done", {}),
    ]


async def test_reset_initialises_every_client_again(server: Server) -> None:
    bar = bound(ProgressBar(max=1))
    client = await server.connect("/work")
    bar.tick("x")
    await events(client, 7)
    bar.reset()
    assert not bar.is_done()
    assert await events(client, 3) == initialised(indeterminate=False, min=0, max=1, value=0)
    bar.tick()
    assert (await events(client, 4))[-1] == ("done", {})


async def test_an_indeterminate_bar_has_no_value_and_ends_when_told(server: Server) -> None:
    bar = bound(ProgressBar(indeterminate=True))
    client = await server.connect("/work")
    bar.tick("working")
    assert not bar.is_done()
    bar.emit_done()
    assert bar.is_done()
    assert await events(client, 7) == [
        *initialised(indeterminate=True),
        *updated(label="working"),
        ("done", {}),
    ]


async def test_a_bar_of_a_hundred_thousand_steps_ends(server: Server) -> None:
    bar = bound(ProgressBar(max=100_000))

    def work() -> None:
        for _ in range(100_000):
            bar.tick()

    await asyncio.to_thread(work)
    assert bar.current == 100_000
    assert bar.is_done()
    client = await server.connect("/work")
    assert (await events(client, 4))[-1] == ("done", {})


async def test_steps_of_many_threads_are_all_counted_and_sent_whole(server: Server) -> None:
    bar = bound(ProgressBar(max=400))
    client = await server.connect("/work")
    await events(client, 3)
    with ThreadPoolExecutor(4) as pool:
        for _ in range(400):
            pool.submit(bar.tick)
        for n in range(1, 401):
            assert await events(client, 3) == updated(value=n, label=None)
    assert await events(client, 1) == [("done", {})]


class Elsewhere(ProgressBar):
    """The bar of another process: what it sends is heard by those of this one."""

    def emit(self, event: str, data: Any = None) -> None:
        name = self.prefix + event
        audience.heard("/work", name, encode(name, data))


async def state(server: Server) -> Any:
    """Return what a new client is told."""
    client = await server.connect("/work")
    _before, (_name, found), _after = await events(client, 3)
    client.emit("ping")
    more = (await client.receive()).event
    await client.close()
    return found, more == "module_progressbar_done"


@pytest.mark.parametrize("measure", [{"min": 2, "max": 4}, {"indeterminate": True}])
async def test_a_bar_follows_that_of_the_process_that_drives_it(
    measure: Any, server: Server
) -> None:
    follower, driver = bound(ProgressBar(**measure)), Elsewhere(**measure)
    ws = follower.websocket
    assert ws is not None

    @ws.on
    async def ping(socket: Any) -> None:
        socket.emit("pong")

    for step in (driver.reset, lambda: driver.tick("first"), driver.tick, driver.emit_done):
        step()
        assert (follower.current, follower.label) == (driver.current, driver.label)
        assert follower.is_done() == driver.is_done()
        assert await state(server) == (driver._state(), driver.is_done())
    driver.reset()
    assert not follower.is_done()
    other = Elsewhere(min=-5, max=50)
    other.reset()
    assert (follower.min, follower.max, follower.indeterminate) == (-5, 50, False)


def test_what_no_bar_sends_changes_nothing() -> None:
    bar = bound(ProgressBar(max=3))
    nonsense = {"value": "1", "min": None, "max": 1.5, "indeterminate": "no", "label": ["x"]}
    for event in ("init", "update", "before_update", "other"):
        bar.heard(event, Data(nonsense))
    assert (bar.min, bar.max, bar.current, bar.label) == (0, 3, 0, None)
    assert bar.indeterminate is False


class Flaky(LocalLayer):
    """A layer that takes what it is given, or does not."""

    is_shared = True
    is_broken = False
    tried: ClassVar[list[str]] = []

    def publish(self, path: str, event: Event) -> None:
        self.tried.append(event.name.removeprefix("module_progressbar_"))
        if Flaky.is_broken:
            raise LayerUnavailableError(path, "it is broken")


def test_the_work_goes_on_while_the_layer_cannot_be_reached(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = 100.0
    monkeypatch.setattr(progressbar, "monotonic", lambda: now)
    tried: list[str] = []
    monkeypatch.setattr(Flaky, "tried", tried)
    monkeypatch.setattr(Flaky, "is_broken", True)
    with override_settings(TORNADO={"layer": f"{__name__}.Flaky"}):
        bar = bound(ProgressBar(max=4))
        bar.tick()
        bar.tick()  # not tried: each may have to wait for a timeout
        assert tried == ["before_update"]
        now += progressbar.RETRY_S
        monkeypatch.setattr(Flaky, "is_broken", False)
        bar.tick()
        bar.tick()
        update = ["before_update", "update", "after_update"]
        assert tried == ["before_update", *update, *update, "done"]
    assert bar.is_done()
    [record] = caplog.records
    assert "it is broken" in record.getMessage()


def test_done_is_tried_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    monkeypatch.setattr(Flaky, "tried", tried)
    monkeypatch.setattr(Flaky, "is_broken", True)
    with override_settings(TORNADO={"layer": f"{__name__}.Flaky"}):
        bar = bound(ProgressBar(max=1))
        bar.tick()
        assert tried == ["before_update", "done"]

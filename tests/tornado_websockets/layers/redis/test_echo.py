"""What takes too long is delivered early, and everything in its order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from tests.tornado_websockets.layers.clients import until
from tornado_websockets.layers.event import Event
from tornado_websockets.layers.redis import echo as module
from tornado_websockets.layers.redis.echo import Echo
from tornado_websockets.layers.redis.lane import Letter


def letter(id: str) -> Letter:
    return Letter(Event(id, b'{"event":"e"}', without=["x"]), id=id)


class Listener:
    def __init__(self) -> None:
        self.got: list[str] = []
        self.echo = Echo(lambda early: self.got.append(early.outgoing.event))

    @property
    def early(self) -> list[str]:
        return [early.outgoing.event for early in self.echo.early]

    def add(self, *ids: str, at_once: bool = False) -> None:
        for id in ids:
            self.echo.add(letter(id), at_once=at_once)


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    monkeypatch.setattr(module, "PATIENCE_S", 0.2)
    listener = Listener()
    yield listener
    listener.echo.stop()


class Clock:
    """Stands for the event loop, whose time passes as the test says."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.calls: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now_s

    def call_at(self, when_s: float, function: Callable[[], None]) -> SimpleNamespace:
        self.calls.append((when_s, function))
        return SimpleNamespace(cancel=lambda: self.calls.remove((when_s, function)))

    def call_later(self, delay_s: float, function: Callable[[], None]) -> SimpleNamespace:
        return self.call_at(self.now_s + delay_s, function)

    def pass_until(self, end_s: float) -> None:
        """Let time pass, and make the calls that are due meanwhile."""
        while due := [call for call in self.calls if call[0] <= end_s]:
            call = min(due, key=lambda call: call[0])
            self.calls.remove(call)
            self.now_s = call[0]
            call[1]()
        self.now_s = end_s


def test_what_comes_back_in_time_is_not_delivered(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()  # a real one is late, and then what is in time is not
    monkeypatch.setattr(module, "asyncio", SimpleNamespace(get_running_loop=lambda: clock))
    listener.add("a", "b")
    clock.pass_until(100.1)
    listener.echo.heard("a")
    listener.echo.heard("b")
    listener.add("c")
    clock.pass_until(100.25)
    listener.echo.heard("c")
    clock.pass_until(100.55)
    assert (listener.got, listener.early) == ([], [])
    listener.add("d")
    clock.pass_until(100.74)
    assert listener.got == []
    clock.pass_until(100.76)
    assert (listener.got, listener.early, clock.calls) == (["d"], ["d"], [])


async def test_what_does_not_is_delivered_with_all_behind_it(listener: Listener) -> None:
    listener.add("a")
    await asyncio.sleep(0.1)
    listener.add("b", "c")
    await until(lambda: listener.got == ["a", "b", "c"])
    listener.add("d")
    assert listener.got == listener.early == ["a", "b", "c", "d"]
    assert listener.echo.early is listener.echo.early
    assert listener.echo.early[0].without == ["x"]
    listener.echo.heard("b")
    assert listener.early == ["c", "d"]
    listener.echo.heard("d")
    listener.echo.heard("of another time")
    listener.add("e")
    assert (listener.got, listener.early) == (["a", "b", "c", "d"], [])


async def test_it_is_delivered_at_once_when_that_is_known_to_be_so(listener: Listener) -> None:
    listener.add("a")
    listener.add("b", at_once=True)
    assert listener.got == ["a", "b"]


async def test_what_was_there_and_is_lost_is_forgotten(listener: Listener) -> None:
    had, waits = letter("had"), letter("waits")
    had.is_acknowledged = True
    for each in (had, waits):
        listener.echo.add(each, at_once=False)
    listener.echo.forget()
    await until(lambda: listener.got == ["waits"])
    waits.is_acknowledged = True
    listener.echo.forget()
    assert listener.early == []


async def test_not_everything_is_remembered(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_EVENTS", 3)
    listener.add(*"abcdef", at_once=True)
    assert (listener.got, listener.early) == ([*"abcdef"], [*"def"])

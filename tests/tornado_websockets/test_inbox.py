"""The messages of one connection that wait for their callbacks."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest_asyncio
from tornado import gen

from tornado_websockets.events import Callback, inside_callback
from tornado_websockets.inbox import Inbox
from tornado_websockets.runtime import runtime


@pytest_asyncio.fixture(autouse=True)
async def running() -> AsyncIterator[None]:
    runtime.start(threads=1)
    yield
    await runtime.stop(timeout_s=5)


class Reader:
    def __init__(self) -> None:
        self.is_paused = False

    def was_paused(self) -> bool:
        return self.is_paused

    def stop_reading(self) -> None:
        self.is_paused = True

    def start_reading(self) -> None:
        self.is_paused = False


class Failures(list[BaseException]):
    def add(self, callback: Callback, error: BaseException) -> None:
        self.append(error)


def inbox(failures: Failures | None = None, limit: int | None = None) -> Inbox:
    failed = (Failures() if failures is None else failures).add
    return Inbox("the socket", SimpleNamespace(context="the context"), failed, limit=limit)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


async def test_callbacks_run_one_after_another_inside_a_callback() -> None:
    handled: list[Any] = []

    async def waits(self: Any, socket: Any, data: Any) -> None:
        assert inside_callback.get()
        assert asyncio.current_task() is not None
        handled.append((self, socket, data))
        await asyncio.sleep(0)
        handled.append("end")

    async def quick(data: Any) -> None:
        assert asyncio.current_task() is not None
        handled.append(data)

    def plain(data: Any) -> None:
        assert threading.current_thread() is not threading.main_thread()
        assert inside_callback.get()
        handled.append(data)

    @gen.coroutine
    def tornado(data: Any) -> Any:
        yield gen.sleep(0)
        handled.append(data)

    def returns_a_coroutine(data: Any) -> Any:
        return quick(data)

    box = inbox()
    callbacks: tuple[Any, ...] = (waits, quick, plain, tornado, returns_a_coroutine)
    for n, function in enumerate(callbacks * 2):
        box.put(Callback(function), n)
    await until(lambda: len(handled) == 12)
    begin = ("the context", "the socket")
    assert handled == [(*begin, 0), "end", 1, 2, 3, 4, (*begin, 5), "end", 6, 7, 8, 9]
    assert not inside_callback.get()


async def test_a_failure_is_told_and_the_next_callback_runs() -> None:
    failures = Failures()
    handled: list[str] = []

    async def at_once() -> None:
        raise ValueError("at once")

    async def later() -> None:
        await asyncio.sleep(0)
        raise ValueError("later")

    async def cancelled() -> None:
        raise asyncio.CancelledError

    def plain() -> None:
        raise ValueError("plain")

    @gen.coroutine
    def tornado() -> Any:
        raise ValueError("tornado")

    async def good() -> None:
        handled.append("good")

    box = inbox(failures)
    for function in (at_once, later, cancelled, plain, tornado, good):
        box.put(Callback(function), None)
    await until(lambda: handled == ["good"])
    assert [str(error) or type(error).__name__ for error in failures] == [
        "at once",
        "later",
        "CancelledError",
        "plain",
        "tornado",
    ]


async def test_a_call_that_fails_before_it_returns_is_told() -> None:
    failures = Failures()

    def not_really_async() -> None:
        raise ValueError("not a coroutine")

    callback = Callback(not_really_async)
    callback.is_async = True
    box = inbox(failures)
    box.put(callback, None)
    assert [str(error) for error in failures] == ["not a coroutine"]


async def test_too_many_messages_pause_the_reader_until_half_of_them_are_handled() -> None:
    turns: asyncio.Queue[None] = asyncio.Queue()
    started: list[Any] = []

    async def wait(data: Any) -> None:
        started.append(data)
        await turns.get()

    reader, box = Reader(), inbox(limit=4)
    callback = Callback(wait)
    for n in range(5):
        box.put(callback, n, reader)
    await until(lambda: started == [0])
    assert not reader.was_paused()
    box.put(callback, 5, reader)
    assert reader.was_paused()
    box.put(callback, "of the server")  # which is no reason to pause, nor to resume
    for n in range(1, 4):
        assert reader.was_paused()
        turns.put_nowait(None)
        await until(functools.partial(started.__contains__, n))
    turns.put_nowait(None)
    await until(lambda: not reader.was_paused())
    for _ in range(5):
        turns.put_nowait(None)
    await until(lambda: started[-1] == "of the server")

"""A thread gets what a coroutine returns on the event loop, and never waits for ever."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tornado_websockets import testing
from tornado_websockets.runtime import runtime
from tornado_websockets.testing import Server
from tws_admin.asking import ask_loop


async def add(one: int, other: int) -> int:
    await asyncio.sleep(0)
    assert runtime.is_here
    return one + other


async def fail() -> None:
    raise LookupError("not there")


async def test_the_value_comes_back(server: Server) -> None:
    assert await asyncio.to_thread(ask_loop, add, 1, 2) == 3


async def test_a_mistake_comes_back(server: Server) -> None:
    with pytest.raises(LookupError, match="not there"):
        await asyncio.to_thread(ask_loop, fail)


async def test_a_timeout_comes_back_as_any_other_mistake(server: Server) -> None:
    async def late() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await asyncio.to_thread(ask_loop, late)


def test_without_a_server_there_is_nothing() -> None:
    assert ask_loop(add, 1, 2) is None


async def test_nothing_is_waited_for_that_is_cancelled(server: Server) -> None:
    async def cancelled() -> int:
        raise asyncio.CancelledError

    assert await asyncio.to_thread(ask_loop, cancelled) is None


async def test_nobody_waits_for_a_server_that_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    is_dropped = threading.Event()
    async with testing.serve():
        monkeypatch.setattr(runtime, "call", lambda *call: is_dropped.set())
        asking = asyncio.create_task(asyncio.to_thread(ask_loop, add, 1, 2))
        await asyncio.to_thread(is_dropped.wait, 10)
        monkeypatch.undo()
    assert await asking is None

"""The messages of one connection that wait for their callbacks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tornado_websockets.events import Callback, inside_callback
from tornado_websockets.inbox import Inbox
from tornado_websockets.runtime import runtime


@pytest_asyncio.fixture(autouse=True)
async def running() -> AsyncIterator[None]:
    runtime.start(threads=1)
    yield
    await runtime.stop(timeout_s=5)


def message() -> None: ...


CALLBACK = Callback(message)


async def test_messages_are_handled_one_after_another_inside_a_callback() -> None:
    handled: list[Any] = []
    all_handled = asyncio.Event()

    async def handle(callback: Callback, data: Any) -> None:
        assert inside_callback.get()
        handled.append(("start", data))
        await asyncio.sleep(0)
        handled.append(("end", data))
        if data == 2:
            all_handled.set()

    inbox = Inbox(handle, limit=None)
    for n in range(3):
        assert inbox.put(CALLBACK, n) is None
    await asyncio.wait_for(all_handled.wait(), 5)
    assert handled == [(step, n) for n in range(3) for step in ("start", "end")]
    assert not inside_callback.get()


async def test_a_full_inbox_tells_when_there_is_room() -> None:
    turns: asyncio.Queue[None] = asyncio.Queue()

    async def handle(callback: Callback, data: Any) -> None:
        await turns.get()

    inbox = Inbox(handle, limit=2)
    assert inbox.put(CALLBACK, 0) is None
    await asyncio.sleep(0)  # the first is being handled
    assert inbox.put(CALLBACK, 1) is None
    assert inbox.put(CALLBACK, 2) is None
    room = inbox.put(CALLBACK, 3)
    assert room is not None
    assert inbox.put(CALLBACK, 4) is room
    turns.put_nowait(None)
    await asyncio.sleep(0.01)
    assert not room.done()
    turns.put_nowait(None)
    await asyncio.wait_for(room, 5)
    for _ in range(3):
        turns.put_nowait(None)

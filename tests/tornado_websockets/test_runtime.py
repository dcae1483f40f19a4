"""The event loop and the threads of a server, and the way between them."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from django.db import connections

from tornado_websockets.runtime import Runtime


@pytest_asyncio.fixture
async def runtime() -> AsyncIterator[Runtime]:
    runtime = Runtime()
    runtime.start(threads=2)
    yield runtime
    await runtime.stop(timeout_s=5)


async def test_a_call_from_the_loop_is_made_at_once(runtime: Runtime) -> None:
    calls: list[int] = []
    runtime.call(calls.append, 1)
    assert calls == [1]


async def test_calls_of_a_thread_are_made_on_the_loop_in_order_before_its_end_is_seen(
    runtime: Runtime,
) -> None:
    calls: list[tuple[int, int]] = []

    def work() -> None:
        for n in range(1000):
            runtime.call(lambda n=n: calls.append((n, threading.get_ident())))

    await runtime.run_in_pool(work, context=contextvars.copy_context())
    assert calls == [(n, threading.get_ident()) for n in range(1000)]


async def test_a_call_that_fails_is_logged_and_the_next_one_is_made(
    runtime: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[int] = []

    def work() -> None:
        runtime.call(int, "x")
        runtime.call(calls.append, 1)

    await runtime.run_in_pool(work, context=contextvars.copy_context())
    assert calls == [1]
    assert "a call from a thread failed" in caplog.text


async def test_a_function_in_the_pool_has_the_context_of_its_caller(runtime: Runtime) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("from the loop")
    context = contextvars.copy_context()
    assert await runtime.run_in_pool(variable.get, context=context) == "from the loop"
    ident = await runtime.run_in_pool(threading.get_ident, context=context)
    assert ident != threading.get_ident()


@pytest.mark.django_db(transaction=True)
async def test_no_database_connection_outlives_a_function_when_they_have_no_age(
    runtime: Runtime,
) -> None:
    opened: list[Any] = []

    def query() -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT 1")
        opened.append(connections["default"])

    await runtime.run_in_pool(query, context=contextvars.copy_context())
    assert opened[0].connection is None


async def test_stopping_waits_for_tasks_and_cancels_those_that_do_not_end() -> None:
    runtime = Runtime()
    runtime.start(threads=1)
    ended: list[str] = []

    async def quick() -> None:
        await asyncio.sleep(0)
        ended.append("quick")

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("endless")

    runtime.keep(asyncio.create_task(quick()))
    runtime.keep(asyncio.create_task(endless()))
    assert runtime.is_running
    await runtime.stop(timeout_s=0.1)
    assert ended == ["quick", "endless"]
    assert not runtime.is_running


async def test_stopping_what_never_started_is_harmless() -> None:
    await Runtime().stop(timeout_s=1)


async def test_a_call_after_the_stop_is_dropped() -> None:
    runtime = Runtime()
    runtime.start(threads=1)
    await runtime.stop(timeout_s=1)
    calls: list[int] = []
    runtime.call(calls.append, 1)
    await asyncio.sleep(0)
    assert calls == []


async def test_a_forked_process_has_no_server(runtime: Runtime) -> None:
    """`os.fork` calls this; see `layers/redis/test_several.py` for one that does."""
    assert (runtime.is_running, runtime.is_here) == (True, True)
    runtime.forget()
    assert (runtime.is_running, runtime.is_here) == (False, False)


def test_a_call_to_a_loop_that_has_closed_is_dropped() -> None:
    runtime = Runtime()

    async def start() -> None:
        runtime.start(threads=1)

    thread = threading.Thread(target=asyncio.run, args=(start(),))
    thread.start()
    thread.join()
    runtime.call(pytest.fail, "called")


async def test_what_a_function_in_the_pool_raises_is_raised_by_its_future(
    runtime: Runtime,
) -> None:
    context = contextvars.copy_context()
    with pytest.raises(ValueError, match="invalid literal"):
        await runtime.run_in_pool(int, "x", context=context)
    with pytest.raises(SystemExit):
        await runtime.run_in_pool(sys.exit, 3, context=context)
    with pytest.raises(RuntimeError, match="raised StopIteration"):
        await runtime.run_in_pool(next, iter(()), context=context)


async def test_the_result_of_a_function_that_nobody_waits_for_any_more_is_dropped(
    runtime: Runtime,
) -> None:
    begun, go = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go.wait(20)

    future = runtime.run_in_pool(work, context=contextvars.copy_context())
    await asyncio.to_thread(begun.wait, 20)
    future.cancel()
    go.set()
    await runtime.run_in_pool(int, context=contextvars.copy_context())
    assert future.cancelled()
    assert runtime.threads.calls == 0


async def test_stopping_waits_for_a_thread_and_says_when_one_does_not_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun, go = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go.wait(20)

    runtime = Runtime()
    runtime.start(threads=1)
    runtime.keep(runtime.run_in_pool(work, context=contextvars.copy_context()))
    await asyncio.to_thread(begun.wait, 20)
    try:
        await runtime.stop(timeout_s=0, cancel_s=0.01)
    finally:
        go.set()
    assert "a callback in a thread did not end in time" in caplog.text

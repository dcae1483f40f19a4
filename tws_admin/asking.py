"""Lets other threads ask the event loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from tornado_websockets.runtime import runtime

__all__ = ["ask_loop"]

PATIENCE_S: Final = 1.0
"""Seconds after which a thread that waits looks whether there still is an event loop."""

Value = TypeVar("Value")


def ask_loop(function: Callable[..., Coroutine[Any, Any, Value]], *args: Any) -> Value | None:
    """Return what a coroutine function returns on the server's event loop; blocks.

    Not for the thread of the event loop itself.

    Returns:
        None when no server runs, or when it ends meanwhile.
    """
    answer: concurrent.futures.Future[Value | None] = concurrent.futures.Future()

    def begin() -> None:
        task = asyncio.get_running_loop().create_task(function(*args))
        runtime.keep(task)
        task.add_done_callback(settle)

    def settle(task: asyncio.Task[Value]) -> None:
        if task.cancelled():
            answer.set_result(None)
        elif (error := task.exception()) is not None:
            answer.set_exception(error)
        else:
            answer.set_result(task.result())

    runtime.call(begin)
    while runtime.is_running:  # a call is dropped when the server ends meanwhile
        ended, _others = concurrent.futures.wait([answer], PATIENCE_S)
        if ended:
            return answer.result()
    return None

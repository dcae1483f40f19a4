"""A question to several nodes, and what they have answered so far."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Mapping
from typing import Any

from tornado_websockets.layers.nodes import Answers

__all__ = ["Question"]


class Question:
    """Collects answers, on the event loop.

    Args:
        asked: the ids of the nodes that are waited for.
        stale: ids of those that may answer, and are not waited for.
    """

    def __init__(self, asked: Collection[str], stale: Collection[str] = ()) -> None:
        self._waiting = set(asked)
        self._silent = dict.fromkeys([*asked, *stale])
        self._answers: dict[str, Mapping[str, Any]] = {}
        self._is_over = asyncio.Event()

    def answer(self, node: str, data: Mapping[str, Any] | None) -> None:
        """Take a node's answer; None says that there will be none."""
        if data is not None and node in self._silent:
            del self._silent[node]
            self._answers[node] = data
        self._waiting.discard(node)
        self._look()

    def await_only(self, node: str) -> None:
        """Wait for no other node any more."""
        self._waiting.intersection_update([node])
        self._look()

    async def answers(self, timeout_s: float) -> Answers:
        """Return what there is as soon as nobody is waited for, or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._is_over.wait()
        return Answers(dict(self._answers), list(self._silent))

    def _look(self) -> None:
        if not self._waiting:
            self._is_over.set()

"""Nodes in one process, each with a layer and pages of its own, on a Redis that may go away."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence

from tests.tornado_websockets.layers.clients import Client, Page
from tornado_websockets.history import History
from tornado_websockets.layers import Audience
from tornado_websockets.layers.event import Event
from tornado_websockets.layers.redis import RedisLayer
from tornado_websockets.runtime import runtime

__all__ = ["PATHS", "Station", "stations", "wordy"]

PATHS = {"/live": None, "/h": History(events=5000), "/short": History(events=3)}


class Station:
    """One node."""

    def __init__(self, *urls: str) -> None:
        self.audience = Audience()
        for path, history in PATHS.items():
            self.audience.serve(path, history)
        self.layer = RedisLayer(self.audience, urls)

    async def visit(self, page: Page, path: str = "/h") -> Client:
        """Let a page connect, as the handshake of a connection does."""
        position = page.position
        client = page.again()
        if position is not None:
            await self.layer.reach(path, position)
        self.audience.join(path, client)
        if PATHS[path] is not None:
            self.layer.welcome(path, client, position)
        return client

    def go(self, page: Page, path: str = "/h") -> None:
        """Let the connection of a page end."""
        self.audience.leave(path, page.client)

    def say(self, *numbers: int, path: str = "/h") -> None:
        """Send events with numbers."""
        for number in numbers:
            self.layer.publish(path, Event("e", wordy(number)))


def wordy(number: int) -> bytes:
    """Return the envelope of an event with a number."""
    return b'{"event":"e","data":{"n":%d}}' % number


@contextlib.asynccontextmanager
async def stations(count: int, *urls: str) -> AsyncIterator[Sequence[Station]]:
    """Start some nodes, and end those that have not ended."""
    runtime.start(threads=1)
    found = [Station(*urls) for _ in range(count)]
    started: list[Station] = []
    try:
        for station in found:
            await station.layer.start()
            started.append(station)
        yield found
    finally:
        for station in started:
            await station.layer.stop()
        await runtime.stop(timeout_s=5)

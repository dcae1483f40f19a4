"""What reads the core, for tests that look at what it finds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tornado_websockets.testing import Server
from tws_admin.feed.lifecycle import Lifecycle
from tws_admin.feed.reading import Reader


@pytest_asyncio.fixture
async def reader(server: Server) -> AsyncIterator[Reader]:
    lifecycle = Lifecycle()
    lifecycle.connect()
    yield Reader(lifecycle)
    lifecycle.disconnect()


def row(reader: Reader, path: str) -> Any:
    return next(each for each in reader.paths() if each["path"] == path)

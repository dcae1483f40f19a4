"""Fixtures of the whole suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tornado_websockets import testing


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    """Give every test a process without WebSockets, and forget its own afterwards."""
    with testing.isolated_registry():
        yield


@pytest_asyncio.fixture
async def server() -> AsyncIterator[testing.Server]:
    """Serve the WebSockets that a test makes, callbacks in threads as in production."""
    async with testing.serve(share_thread=False) as running:
        yield running

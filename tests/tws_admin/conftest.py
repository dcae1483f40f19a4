"""A node among others, for tests of what it does then."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple, cast

import pytest_asyncio
from django.test import override_settings

from tests.tws_admin.neighbours import SETTINGS, Neighbourhood
from tornado_websockets import testing
from tornado_websockets.layers import layer
from tornado_websockets.testing import Server
from tws_admin import websockets


class Shared(NamedTuple):
    """A server whose layer is shared."""

    server: Server
    layer: Neighbourhood


@pytest_asyncio.fixture
async def shared(registry: None) -> AsyncIterator[Shared]:
    """Serve the monitor on a layer that knows other nodes."""
    with override_settings(TORNADO=SETTINGS):
        websockets.register()
        async with testing.serve(share_thread=False) as server:
            yield Shared(server, cast("Neighbourhood", layer()))

"""The layer that Redis carries keeps the contract, in one process; `test_nodes…` has several."""

from __future__ import annotations

import pytest

from tests.tornado_websockets.layers.clients import Page
from tests.tornado_websockets.layers.contract import LayerContract, until
from tornado_websockets.layers import Audience, Layer
from tornado_websockets.layers.event import Event
from tornado_websockets.layers.redis import RedisLayer
from tornado_websockets.runtime import runtime


class TestRedisLayer(LayerContract):
    @pytest.fixture(autouse=True)
    def _redis(self, url: str) -> None:
        self.url = url

    def make(self, audience: Audience) -> Layer:
        return RedisLayer(audience, (self.url,))

    async def test_nobody_can_be_reached_from_a_process_without_server(self, layer: Layer) -> None:
        """Redis can: that is what it is for."""
        client = self.connect("/x")
        await runtime.stop(timeout_s=5)
        await layer.apublish("/x", Event("news", b"{}"))
        runtime.start(threads=1)
        await until(lambda: client.got == ["news"])

    async def test_an_event_has_its_offset_and_goes_as_one_frame(self, layer: Layer) -> None:
        one, two = Page(), Page()
        await self.visit(one)
        await self.visit(two)
        await self.say(1, 2)
        await until(lambda: one.numbers == two.numbers == [1, 2])
        assert one.client.frames[1] is two.client.frames[1]
        assert list(one.client.envelopes[1]) == ["event", "data", "id", "offset"]

"""The default layer, for one process, keeps the contract, and keeps nothing else."""

from __future__ import annotations

import threading
import tracemalloc

from tests.tornado_websockets.layers.contract import LayerContract, Page, member
from tornado_websockets.layers import Audience, Layer, LocalLayer
from tornado_websockets.layers.event import Event


class TestLocalLayer(LayerContract):
    def make(self, audience: Audience) -> Layer:
        return LocalLayer(audience)

    async def test_a_message_arrives_at_once(self, layer: Layer) -> None:
        client = self.connect("/x", "r")
        layer.publish("/x", Event("all", b"{}"))
        layer.publish("/x", Event("room", b"{}", rooms=["r"]))
        assert client.got == ["all", "room"]

    async def test_what_comes_for_a_path_that_was_given_back_goes_nowhere(
        self, layer: Layer
    ) -> None:
        page = Page()
        await self.visit(page)
        event = Event("e", b'{"event":"e"}')
        sending = threading.Thread(target=layer.publish, args=("/h", event))
        sending.start()
        sending.join()  # the loop has had no turn
        self.audience.withdraw("/h")
        await self.settle("/h", page.client)
        assert page.client.got == ["recovered"]

    async def test_empty_rooms_vanish(self, layer: Layer) -> None:
        """Whether left one by one, or at the end of a connection; also those of nobody's."""
        client, other = self.connect("/x"), self.connect("/x")
        tables = vars(vars(self.audience)["_rooms"])
        for number in range(5000):
            self.audience.enter("/x", f"room {number}", client, member("ann"))
            self.audience.enter("/x", f"room {number}", other, member("bob"))
            self.audience.enter("/x", f"\x00user:{number}", other)
        assert len(tables["_rooms"]) == 10_000
        for number in range(5000):
            self.audience.exit("/x", f"room {number}", client)
        assert list(tables["_of"]) == [other]
        self.audience.leave("/x", other)
        assert (tables["_rooms"], tables["_of"], list(tables["changes"])) == ({}, {}, [])
        assert len(self.changes) == 20_000

    async def test_a_message_to_a_room_copies_nobody_from_outside(self, layer: Layer) -> None:
        """A list of the 20 000 would be 160 kB."""
        for number in range(20_000):
            self.connect("/x", "small" if number % 10_000 == 0 else "large")
        tracemalloc.start()
        try:
            layer.publish("/x", Event("news", b"{}", rooms=["small"]))
            small = tracemalloc.get_traced_memory()[1]
            tracemalloc.reset_peak()
            layer.publish("/x", Event("news", b"{}", rooms=["large"]))
            large = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert small < 20_000 < 160_000 < large

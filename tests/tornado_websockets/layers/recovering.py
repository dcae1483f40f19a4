"""The part of the contract that is about history: what a client has missed, and gets.

The promise: live delivery is at most once; inside the history window a client that comes back gets
every acknowledged event once and in order, or is told that it did not.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection
from typing import ClassVar

from tests.tornado_websockets.layers.clients import Client, Page, until
from tornado_websockets.history import UNKNOWN, History, Position
from tornado_websockets.layers import Audience, Layer
from tornado_websockets.layers.event import Event
from tornado_websockets.outgoing import Outgoing

__all__ = ["HISTORIES", "RecoveryContract"]

HISTORIES = {"/h": History(events=500), "/short": History(events=3)}
"""The paths that keep something, and what."""


class RecoveryContract:
    """What holds for the history of each layer."""

    trials: ClassVar[int] = 300
    """How often pages come back in the test that has them do so at any moment."""

    audience: Audience
    _layer: Layer

    async def visit(self, page: Page, path: str = "/h", *, takes: int | None = None) -> Client:
        """Let a page connect, as the handshake of a connection does."""
        position = page.position
        client = page.again(takes)
        await self._layer.reach(path, position)
        self.audience.join(path, client)
        self._layer.welcome(path, client, position)
        return client

    def go(self, page: Page, path: str = "/h") -> None:
        """Let the connection of a page end."""
        self.audience.leave(path, page.client)
        page.client.close()

    async def say(self, *numbers: int, path: str = "/h", without: Collection[str] = ()) -> None:
        """Send events to all clients of a path, and wait until they are acknowledged and there."""
        witness = Client()
        self.audience.join(path, witness)
        for number in numbers:
            payload = b'{"event":"e","data":{"n":%d}}' % number
            await self._layer.apublish(path, Event("e", payload, without=without))
        await until(lambda: witness.got.count("e") == len(numbers))
        self.audience.leave(path, witness)

    async def test_a_client_is_told_where_it_is(self, layer: Layer) -> None:
        page = Page()
        client = await self.visit(page)
        assert page.told == [None]
        (envelope,) = client.envelopes
        assert list(envelope) == ["event", "data"]
        assert envelope["data"].pop("epoch")
        assert envelope["data"].pop("offset")
        assert envelope["data"] == {"recovered": None, "missed": 0, "socket": client.id}

    async def test_an_event_has_its_offset_and_goes_as_one_frame(self, layer: Layer) -> None:
        one, two = Page(), Page()
        await self.visit(one)
        await self.visit(two)
        await self.say(1, 2)
        await until(lambda: one.numbers == two.numbers == [1, 2])
        assert one.client.frames[1] is two.client.frames[1]
        assert list(one.client.envelopes[1]) == ["event", "data", "offset"]

    async def test_who_comes_back_gets_what_was_missed_in_order(self, layer: Layer) -> None:
        page = Page()
        await self.visit(page)
        await self.say(1, 2)
        await until(lambda: page.numbers == [1, 2])
        self.go(page)
        await self.say(*range(3, 100))
        await self.visit(page)
        assert page.told == [None, True]
        assert page.missed == 97
        await self.say(100)
        await until(lambda: page.numbers == [*range(1, 101)])

    async def test_who_has_got_nothing_yet_gets_what_was_missed(self, layer: Layer) -> None:
        page = Page()
        await self.visit(page)
        self.go(page)
        await self.say(1, 2)
        await self.visit(page)
        assert (page.told, page.numbers) == ([None, True], [1, 2])

    async def test_who_has_missed_nothing_is_told_so(self, layer: Layer) -> None:
        page = Page()
        await self.visit(page)
        await self.say(1)
        await until(lambda: page.numbers == [1])
        self.go(page)
        await self.visit(page)
        assert (page.told, page.missed, page.numbers) == ([None, True], 0, [1])

    async def test_pages_that_missed_the_same_get_the_same_frames(self, layer: Layer) -> None:
        pages = [Page(), Page()]
        for page in pages:
            await self.visit(page)
            self.go(page)
        await self.say(1)
        for page in pages:
            await self.visit(page)
        assert pages[0].client.frames[1] is pages[1].client.frames[1]

    async def test_more_than_is_kept_cannot_be_recovered(self, layer: Layer) -> None:
        page, other = Page(), Page()
        await self.visit(page, "/short")
        self.go(page, "/short")
        await self.say(1, path="/short")
        await self.visit(other, "/short")
        self.go(other, "/short")
        await self.say(2, 3, 4, path="/short")
        await self.visit(page, "/short")
        await self.visit(other, "/short")
        assert (page.told, page.numbers) == ([None, False], [])
        assert (other.told, other.numbers) == ([None, True], [2, 3, 4])
        await self.say(5, path="/short")
        await until(lambda: page.numbers == [5])
        self.go(page, "/short")
        await self.say(6, path="/short")
        await self.visit(page, "/short")
        assert (page.told[-1], page.numbers) == (True, [5, 6])

    async def test_a_position_that_was_never_there_cannot_be_recovered(self, layer: Layer) -> None:
        page = Page()
        await self.visit(page)
        await self.say(1)
        await until(lambda: page.numbers == [1])
        real = page.position
        assert real is not None
        for position in (
            UNKNOWN,
            Position("another", real.offset, frozenset()),
            real._replace(offset=(0, 7)),
            real._replace(offset=(real.offset[0] + 10**12, 0)),
        ):
            client = Page().again()
            await layer.reach("/h", position)
            layer.welcome("/h", client, position)
            assert [each["data"]["recovered"] for each in client.envelopes] == [False]
            assert client.envelopes[0]["data"]["epoch"] == real.epoch

    async def test_who_was_excluded_does_not_get_it_later_on_whatever_connection(
        self, layer: Layer
    ) -> None:
        page, other = Page(), Page()
        first = await self.visit(page)
        await self.visit(other)
        self.go(page)
        await self.say(1, 2)
        await self.say(3, without=[first.id])
        await self.visit(page, takes=2)  # which breaks before it has got the third
        self.go(page)
        await self.visit(page)
        assert page.missed == 1
        await self.say(4, without=[first.id])
        await self.say(5)
        await until(lambda: page.numbers == [1, 2, 5])
        assert page.client.id != first.id
        await until(lambda: other.numbers == [1, 2, 3, 4, 5])

    async def test_what_goes_to_rooms_or_to_some_is_not_kept(self, layer: Layer) -> None:
        page, other = Page(), Page()
        await self.visit(page)
        self.go(page)
        client = await self.visit(other)
        self.audience.enter("/h", "r", client)
        layer.publish("/h", Event("room", b'{"event":"room"}', rooms=["r"]))
        await until(lambda: client.got[-1:] == ["room"])
        await self.visit(page)
        assert (page.told, page.missed) == ([None, True], 0)
        assert page.client.got == ["recovered"]

    async def test_threads_keep_their_order(self, layer: Layer) -> None:
        page = Page()
        await self.visit(page)

        def thread(first: int) -> None:
            for number in range(first, first + 50):
                layer.publish("/h", Event("e", b'{"event":"e","data":{"n":%d}}' % number))

        await asyncio.gather(*(asyncio.to_thread(thread, 1000 * each) for each in range(4)))
        await until(lambda: len(page.numbers) == 200)
        for each in range(4):
            mine = [number for number in page.numbers if number // 1000 == each]
            assert mine == sorted(mine)

    # Much of it.

    async def test_who_takes_little_gets_all_of_it_before_what_happens_now(
        self, layer: Layer
    ) -> None:
        """It takes a few at a time; meanwhile it is not behind for what is sent to it directly."""
        page, live = Page(), Page()
        await self.visit(page)
        await self.visit(live)
        self.go(page)
        await self.say(*range(400))
        client = await self.visit(page, takes=30)
        assert (page.told, page.missed) == ([None, True], 400)
        await self.say(400)
        await until(lambda: live.numbers[-1:] == [400])
        assert len(client.got) <= 31
        self.audience.deliver("/h", _outgoing("mine"), [client])
        assert client.got[-1] == "mine"
        for takes in (50, 70, 300):
            client.read(takes)
            await until(lambda takes=takes: len(client.got) >= takes)  # type: ignore[misc]
            await self.say(400 + takes)
        client.read()
        await until(lambda: page.numbers[-1:] == [700])
        assert page.numbers == live.numbers == [*range(401), 450, 470, 700]
        await self.say(701)
        await until(lambda: page.numbers[-1:] == live.numbers[-1:] == [701])

    async def test_who_is_behind_does_not_get_what_excludes_it(self, layer: Layer) -> None:
        """As what it has caused itself by what it sends meanwhile."""
        page = Page()
        await self.visit(page)
        self.go(page)
        await self.say(1, 2)
        client = await self.visit(page, takes=2)
        await self.say(3, without=[client.id])
        await self.say(4)
        client.read()
        await until(lambda: page.numbers[-1:] == [4])
        assert page.numbers == [1, 2, 4]

    async def test_who_takes_too_little_for_too_long_is_told(self, layer: Layer) -> None:
        page = Page()
        await self.visit(page, "/short")
        self.go(page, "/short")
        await self.say(1, 2, 3, path="/short")
        client = await self.visit(page, "/short", takes=2)
        await until(lambda: page.numbers == [1])
        await self.say(4, 5, 6, path="/short")
        client.read()
        await until(lambda: page.told == [None, True, False])
        await self.say(7, path="/short")
        await until(lambda: page.numbers == [1, 7])

    async def test_who_goes_while_it_is_behind_leaves_its_heir_in_peace(self, layer: Layer) -> None:
        """The next connection gets what happens now, while the old one is still taken for alive."""
        page = Page()
        await self.visit(page)
        self.go(page)
        await self.say(1, 2, 3)
        old = await self.visit(page, takes=2)
        assert page.numbers == [1]
        await self.visit(page)
        await self.say(4)
        await until(lambda: page.numbers == [1, 2, 3, 4])
        self.audience.leave("/h", old)
        old.close()
        await self.say(5)
        await until(lambda: page.numbers == [1, 2, 3, 4, 5])
        assert len(old.got) == 2

    async def test_no_gap_and_no_duplicate_whenever_a_page_comes_back(self, layer: Layer) -> None:
        """Some take everything at once, some a little at a time, while events are published."""
        chance = random.Random(7)
        pages = [Page() for _ in range(10)]
        for page in pages:
            await self.visit(page)
        number = 0
        for _ in range(self.trials):
            page = chance.choice(pages)
            self.go(page)
            for _ in range(chance.randrange(4)):
                number += 1
                layer.publish("/h", Event("e", b'{"event":"e","data":{"n":%d}}' % number))
            if chance.random() < 0.3:
                await asyncio.sleep(0)
            client = await self.visit(page, takes=chance.choice([None, None, 2]))
            if client.takes is not None and chance.random() < 0.7:
                client.read()
        for page in pages:
            page.client.read()
        await until(lambda: all(page.numbers[-1:] == [number] for page in pages))
        for page in pages:
            assert False not in page.told
            assert page.numbers == [*range(1, number + 1)]

    async def test_a_path_that_keeps_nothing_numbers_nothing(self, layer: Layer) -> None:
        client = Client()
        self.audience.join("/x", client)
        layer.publish("/x", Event("e", b'{"event":"e"}'))
        await until(lambda: client.got == ["e"])
        assert client.payloads == [b'{"event":"e"}']
        assert layer.log("/x") is None

    async def test_a_position_far_ahead_is_no_reason_to_wait_for_long(self, layer: Layer) -> None:
        async with asyncio.timeout(5):
            await layer.reach("/h", Position("nonsense", (10**15, 0), frozenset()))
            await layer.reach("/h", UNKNOWN)
            await layer.reach("/h", None)


def _outgoing(event: str) -> Outgoing:
    return Outgoing(event, b'{"event":"%s"}' % event.encode())

"""What is published arrives in order, in batches, once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.engines.broker import Broker
from tests.tornado_websockets.layers.clients import until
from tornado_websockets.exceptions import LayerUnavailableError
from tornado_websockets.history import History
from tornado_websockets.layers.event import Event
from tornado_websockets.layers.redis import allowance
from tornado_websockets.layers.redis import publisher as module
from tornado_websockets.layers.redis.address import Address
from tornado_websockets.layers.redis.health import Health
from tornado_websockets.layers.redis.lane import Letter
from tornado_websockets.layers.redis.link import Link
from tornado_websockets.layers.redis.parcel import unpack_events
from tornado_websockets.layers.redis.publisher import Publisher

ORIGIN = "0123456789abcdef"
KEPT = History(events=10_000)


def letter(number: int) -> Letter:
    return Letter(Event("e", b'{"n":%d}' % number))


class Office:
    """A publisher, and what it has done."""

    def __init__(self, url: str) -> None:
        self.address = Address.parse(url)
        self.health = Health("Redis")
        self.publisher = Publisher(self.address, ORIGIN, self.health)

    async def stream(self, path: str = "/h") -> list[bytes]:
        """Return what is kept of a path."""
        link = Link(self.address)
        [entries] = await link.request([("XRANGE", self.address.key("stream", path), "-", "+")])
        await link.close()
        return [next(unpack_events(fields[3])).payload for _id, fields in entries]

    async def send(self, letter: Letter, path: str = "/h") -> str | None:
        """Send a letter, and wait until it is acknowledged."""
        done: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        letter.acknowledge = done.set_result
        self.publisher.reserve(path, letter)
        self.publisher.put(path, KEPT, letter)
        return await asyncio.wait_for(done, 10)


@pytest_asyncio.fixture
async def office(url: str) -> AsyncIterator[Office]:
    office = Office(url)
    office.publisher.start()
    yield office
    await office.publisher.stop()


async def test_events_arrive_in_their_order(office: Office) -> None:
    for number in range(1000):
        office.publisher.reserve("/h", letter(number))
        office.publisher.put("/h", KEPT, letter(number))
    assert await office.send(letter(1000)) is None
    assert await office.stream() == [b'{"n":%d}' % number for number in range(1001)]


async def test_what_redis_does_not_take_holds_up_other_paths_not(
    office: Office, broker: Broker
) -> None:
    """A key of another kind is in the way on one path; what waits there goes when it is gone."""
    key = office.address.key("stream", "/bad")
    broker.run("SET", key, "of somebody else")
    broker.run("HSET", office.address.key("meta", "/bad"), "epoch", "e", "top", "1-0", "bytes", "0")
    waiting = asyncio.create_task(office.send(letter(1), "/bad"))
    begun = time.monotonic()
    for number in range(200):
        assert await office.send(letter(number)) is None
        await asyncio.sleep(0.005)  # it is tried again in between
    # Each would wait for up to a second if it waited for the other path.
    assert time.monotonic() - begun < 30
    assert not waiting.done()
    assert "WRONGTYPE" in office.health.reason
    broker.run("DEL", key)
    assert await waiting is None


async def test_what_waits_on_a_path_that_is_refused_leaves_room_for_others(
    office: Office, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowance, "MAX_EVENTS", 100)
    key = office.address.key("meta", "/bad")
    broker.run("SET", key, "of somebody else")
    waiting = [asyncio.create_task(office.send(letter(0), "/bad"))]
    await until(lambda: "WRONGTYPE" in office.health.reason)
    waiting += [asyncio.create_task(office.send(letter(number), "/bad")) for number in range(1, 10)]
    await asyncio.sleep(0)  # they have begun
    with pytest.raises(LayerUnavailableError, match=r"/bad .* 10 events .* refuses: .*WRONGTYPE"):
        await office.send(letter(10), "/bad")
    for number in range(200):
        assert await office.send(letter(number)) is None
    assert office.publisher.down_s == 0
    assert not any(task.done() for task in waiting)
    broker.run("DEL", key)
    assert await asyncio.gather(*waiting) == [None] * 10
    assert await office.send(letter(10), "/bad") is None
    assert await office.stream("/bad") == [b'{"n":%d}' % number for number in range(11)]


async def test_a_redis_that_forgot_the_script_is_told_it_again(
    office: Office, broker: Broker
) -> None:
    for number in range(3):
        broker.run("SCRIPT", "FLUSH")
        assert await office.send(letter(number)) is None
    assert len(await office.stream()) == 3


async def test_there_is_an_end_to_what_may_wait(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowance, "MAX_BYTES", 1000)
    large = Letter(Event("e", b"{" + b" " * 600 + b"}"))
    office.publisher.reserve("/h", large)
    with pytest.raises(LayerUnavailableError, match="1 events wait for Redis"):
        office.publisher.reserve("/h", large)
    office.publisher.put("/h", KEPT, large)
    async with asyncio.timeout(10):
        while not await office.stream():
            await asyncio.sleep(0.01)
    await office.send(letter(1))  # there is room again


async def test_what_waits_at_the_end_is_still_sent(url: str) -> None:
    office = Office(url)
    office.publisher.start()
    for number in range(500):
        office.publisher.reserve("/h", letter(number))
        office.publisher.put("/h", KEPT, letter(number))
    await office.publisher.stop()
    assert len(await office.stream()) == 500


async def test_what_was_reserved_and_comes_after_the_end_is_told(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A thread has sent it while the server ended."""
    office = Office(url)
    told: list[str | None] = []
    office.publisher.start()
    late = Letter(Event("e", b"{}"), told.append)
    office.publisher.reserve("/h", late)
    await office.publisher.stop()
    office.publisher.put("/h", KEPT, late)
    assert told == ["the server has stopped"]
    assert "1 events were not sent: the server has stopped" in caplog.text
    office.publisher.start()
    await office.send(letter(1))
    assert await office.stream() == [b'{"n":1}']
    await office.publisher.stop()


async def test_it_may_begin_again_on_another_event_loop(url: str) -> None:
    office = Office(url)

    async def live() -> None:
        office.publisher.start()
        await office.send(letter(1))
        await office.publisher.stop()
        with pytest.raises(LayerUnavailableError, match="the server has stopped"):
            office.publisher.reserve("/h", letter(2))

    for _ in range(2):
        await asyncio.to_thread(asyncio.run, live())
    assert len(await office.stream()) == 2


async def test_many_paths_take_turns(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than is sent together, of paths that have more than a batch each."""
    monkeypatch.setattr(module, "FLUSH_BYTES", 10_000)
    for number in range(50 * 300):
        one = letter(number)
        office.publisher.reserve(f"/{number % 50}", one)
        office.publisher.put(f"/{number % 50}", KEPT, one)
    await asyncio.gather(*(office.send(letter(-1), f"/{path}") for path in range(50)))
    for path in range(50):
        expected = [b'{"n":%d}' % number for number in [*range(path, 50 * 300, 50), -1]]
        assert await office.stream(f"/{path}") == expected

"""What clients of several nodes get while Redis goes away, and when it is back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.engines.broker import Broker
from tests.tornado_websockets.layers.clients import Client, Page
from tests.tornado_websockets.layers.redis.station import stations, wordy
from tornado_websockets.exceptions import LayerUnavailableError
from tornado_websockets.layers.event import Event
from tornado_websockets.layers.redis import allowance, layer


@pytest.fixture
def lasting() -> Iterator[Broker]:
    """A Redis that knows after a restart what it knew before."""
    with Broker(keeps=True) as broker:
        yield broker


@pytest.fixture
def forgetful() -> Iterator[Broker]:
    """A Redis that is empty after a restart."""
    with Broker() as broker:
        yield broker


async def soon(condition: Callable[[], bool], within_s: float = 20) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.01)


@contextlib.contextmanager
def lateness() -> Iterator[list[float]]:
    """Note how late a thread is that does nothing: a machine that stands still holds up both."""
    late: list[float] = []
    is_over = threading.Event()

    def wait() -> None:
        while not is_over.is_set():
            asked = time.monotonic()
            time.sleep(0.01)
            late.append(time.monotonic() - asked - 0.01)

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        yield late
    finally:
        is_over.set()
        thread.join()


def p99(times: list[float]) -> float:
    """Return the time that 99 of 100 do not exceed."""
    return sorted(times)[int(len(times) * 0.99)]


def numbers(client: Client) -> list[int]:
    """The numbers that a client got, in the order of their first coming."""
    return list(
        dict.fromkeys(each["data"]["n"] for each in client.envelopes if "n" in each["data"])
    )


async def test_nothing_is_lost_or_doubled_when_redis_is_killed_and_comes_back(
    lasting: Broker,
) -> None:
    """Whatever was published meanwhile, at both nodes, comes to all once and in one order."""
    async with stations(2, lasting.url) as (one, two):
        pages = [Page(), Page(), Page()]
        for station, page in zip((one, two, two), pages, strict=True):
            await station.visit(page)
        for number in range(0, 1200, 2):
            if number == 400:
                lasting.stop()
            if number == 800:
                lasting.start()
            one.say(number)
            two.say(number + 1)
            if number == 500:
                two.go(pages[2])
            await asyncio.sleep(0.002)
        await soon(lambda: len(pages[0].numbers) == len(pages[1].numbers) == 1200)
        await two.visit(pages[2])
        await soon(lambda: len(pages[2].numbers) == 1200)
        assert pages[0].numbers == pages[1].numbers == pages[2].numbers
        assert sorted(pages[0].numbers) == [*range(1200)]
        for parity in (0, 1):
            mine = [number for number in pages[0].numbers if number % 2 == parity]
            assert mine == sorted(mine)
        assert [page.told for page in pages] == [[None], [None], [None, True]]


async def test_the_clients_of_a_node_are_served_while_redis_is_away(
    lasting: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    """They get an event with its id, and later again under the same one, with its offset."""
    caplog.set_level(logging.WARNING)
    async with stations(2, lasting.url) as (one, two):
        here, there = Page(), Page()
        await one.visit(here)
        await two.visit(there)
        live = Page()
        await one.visit(live, "/live")
        lasting.stop()
        await soon(lambda: not one.layer.shards[0].is_up)
        one.say(1, 2)
        one.say(3, path="/live")
        assert numbers(live.client) == [3]
        await soon(lambda: numbers(here.client) == [1, 2], 3)
        one.say(4)
        await soon(lambda: numbers(here.client) == [1, 2, 4], 0.1)
        assert here.numbers == []  # none has an offset yet
        await soon(lambda: "has not answered for" in one.layer.trouble)
        lasting.start()
        await soon(lambda: there.numbers == here.numbers == [1, 2, 4])
        await soon(lambda: one.layer.trouble == "")
        await soon(lambda: all(each.layer.shards[0].health.is_well for each in (one, two)))
        early, late = here.client.envelopes[1:4], here.client.envelopes[4:]
        assert [each["id"] for each in early] == [each["id"] for each in late]
        assert ["offset" in each for each in early + late] == [False] * 3 + [True] * 3
        assert here.told == there.told == [None]
    assert caplog.text.count("Redis cannot be used") == 2
    assert caplog.text.count("Redis is back after") == 2


async def test_who_was_there_and_who_comes_back_is_told_when_redis_has_forgotten_everything(
    forgetful: Broker,
) -> None:
    async with stations(2, forgetful.url) as (one, two):
        stays, returns = Page(), Page()
        await one.visit(stays)
        await two.visit(returns)
        one.say(1, 2)
        await soon(lambda: stays.numbers == returns.numbers == [1, 2])
        two.go(returns)
        forgetful.stop()
        forgetful.start()
        begun = time.monotonic()
        await soon(lambda: stays.told == [None, False], 5)
        await soon(lambda: two.layer.log("/h").epoch == one.layer.log("/h").epoch)  # type: ignore[union-attr]
        await two.visit(returns)
        assert returns.told == [None, False]
        assert time.monotonic() - begun < 3
        one.say(3)
        await soon(lambda: stays.numbers == returns.numbers == [1, 2, 3])


async def test_nothing_is_lost_when_subscriptions_are_cut_again_and_again(
    lasting: Broker,
) -> None:
    async with stations(2, lasting.url) as (one, two):
        pages = [Page(), Page()]
        await one.visit(pages[0])
        await two.visit(pages[1])
        for number in range(1500):
            one.say(number)
            if number % 300 == 100:
                lasting.run("CLIENT", "KILL", "TYPE", "pubsub")
            await asyncio.sleep(0.001)
        await soon(lambda: len(pages[0].numbers) == len(pages[1].numbers) == 1500)
        assert pages[0].numbers == pages[1].numbers == [*range(1500)]
        assert [page.told for page in pages] == [[None], [None]]


async def test_who_comes_during_an_outage_sees_what_others_saw_in_the_same_order(
    lasting: Broker,
) -> None:
    async with stations(1, lasting.url) as (one,):
        stays, returns, new = Page(), Page(), Page()
        await one.visit(stays)
        await one.visit(returns)
        one.say(0)
        await soon(lambda: returns.numbers == [0])
        lasting.stop()
        await soon(lambda: not one.layer.shards[0].is_up)
        one.say(1, 2)
        one.go(returns)
        one.say(3)
        await soon(lambda: numbers(stays.client) == [0, 1, 2, 3])
        for page in (returns, new):
            client = await one.visit(page)
            assert numbers(client) == [1, 2, 3]
        one.say(4)
        everybody = (stays, returns, new)
        await soon(lambda: all(numbers(page.client)[-4:] == [1, 2, 3, 4] for page in everybody))
        lasting.start()
        await soon(lambda: all(page.numbers[-4:] == [1, 2, 3, 4] for page in everybody))
        one.say(5)
        await soon(lambda: all(page.numbers[-1] == 5 for page in everybody))
        assert [numbers(page.client)[-5:] for page in everybody] == [[1, 2, 3, 4, 5]] * 3
        assert [page.told for page in everybody] == [[None], [None, True], [None]]


async def test_a_redis_that_hangs_holds_up_nobody(lasting: Broker) -> None:
    """The event loop turns, local clients are served, and all of it comes once in the end.

    That is so although what was not answered was sent again: Redis finds it twice when it wakes up.
    """
    async with stations(2, lasting.url) as (one, two):
        pages, live = [Page(), Page()], Client()
        two.audience.join("/live", live)
        await one.visit(pages[0])
        await two.visit(pages[1])
        one.say(0)
        await soon(lambda: pages[0].numbers == pages[1].numbers == [0])
        lasting.pause()
        try:
            late: list[float] = []
            with lateness() as of_machine:
                for number in range(1, 400):
                    one.say(number)
                    one.say(number, path="/live")
                    asked = time.monotonic()
                    await asyncio.sleep(0.01)
                    late.append(time.monotonic() - asked - 0.01)
            await soon(lambda: numbers(pages[0].client) == [*range(400)], 3)
            assert numbers(pages[1].client) == [0]
            assert one.layer.trouble
            assert p99(late) < p99(of_machine) + 0.05
            await soon(lambda: one.layer.shards[0].publisher.down_s > 0.5)  # it has tried again
        finally:
            lasting.resume()
        await soon(lambda: len(pages[0].numbers) == len(pages[1].numbers) == 400)
        assert pages[0].numbers == pages[1].numbers == [*range(400)]
        one.say(400, path="/live")
        await soon(lambda: live.envelopes[-1:] == [{"event": "e", "data": {"n": 400}}])
        came = [envelope["data"]["n"] for envelope in live.envelopes]
        assert came == sorted(set(came))


async def test_more_than_waits_is_refused_and_reaches_the_clients_of_this_process(
    lasting: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowance, "MAX_EVENTS", 10)
    async with stations(1, lasting.url) as (one,):
        here, live = Page(), Page()
        await one.visit(here)
        await one.visit(live, "/live")
        lasting.stop()
        await soon(lambda: not one.layer.shards[0].is_up)
        one.say(*range(5))
        one.say(*range(5, 10), path="/live")
        with pytest.raises(LayerUnavailableError, match="/h does not reach other processes: 10 ev"):
            one.say(10)
        with pytest.raises(LayerUnavailableError):
            one.say(11, path="/live")
        with pytest.raises(LayerUnavailableError):
            await one.layer.apublish("/live", Event("e", wordy(12)))
        await soon(lambda: set(numbers(here.client)) == {0, 1, 2, 3, 4, 10})
        assert numbers(live.client) == [5, 6, 7, 8, 9, 11, 12]
        lasting.start()
        await soon(lambda: here.numbers == [0, 1, 2, 3, 4], 5)
        # There is room when Redis has acknowledged them, which need not be before they come.
        waiting = vars(vars(one.layer.shards[0].publisher)["_allowance"])
        await soon(lambda: waiting["_events"] == 0)
        one.say(13)
        await soon(lambda: 13 in here.numbers)


async def test_what_cannot_be_sent_at_the_end_is_counted_in_the_log(
    forgetful: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    async with stations(1, forgetful.url) as (one,):
        forgetful.stop()
        one.say(1, 2, 3)
        waiting = asyncio.create_task(one.layer.apublish("/h", Event("e", wordy(4))))
        await soon(lambda: bool(one.layer.trouble))
    assert "4 events were not sent" in caplog.text
    with pytest.raises(LayerUnavailableError, match="the server has stopped"):
        await waiting


async def test_a_server_begins_without_redis_and_finds_it_later(
    forgetful: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    forgetful.stop()
    begun = time.monotonic()
    async with stations(1, forgetful.url) as (one,):
        assert 4 < time.monotonic() - begun < 8
        assert "the server begins without Redis" in caplog.text
        page = Page()
        await one.visit(page)
        assert (page.told, page.position) == ([None], None)
        one.say(1)
        await soon(lambda: numbers(page.client) == [1])
        forgetful.start()
        await soon(lambda: page.told == [None, False])
        await soon(lambda: one.layer.trouble == "")
        one.say(2)
        await soon(lambda: page.numbers[-1:] == [2])


async def test_who_slept_while_more_came_than_is_kept_is_told(lasting: Broker) -> None:
    """As when a node was held up, and its subscription was cut: three events are kept."""
    async with stations(2, lasting.url) as (one, two):
        here, there = Page(), Page()
        await one.visit(here, "/short")
        await two.visit(there, "/short")
        shard = two.layer.shards[0]
        await shard.subscriber.stop()
        for number in range(10):
            await one.layer.apublish("/short", Event("e", wordy(number)))
        shard.subscriber.start()
        await soon(lambda: there.told == [None, False])
        await soon(lambda: here.numbers == [*range(10)])
        assert there.numbers == []
        one.say(10, path="/short")
        await soon(lambda: there.numbers == [10])


async def test_nobody_waits_for_an_acknowledgement_for_ever(
    lasting: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be delivered later, and is."""
    async with stations(2, lasting.url) as (one, two):
        page = Page()
        await two.visit(page)
        await one.layer.apublish("/h", Event("e", wordy(1)))
        monkeypatch.setattr(layer, "ACKNOWLEDGE_S", 0.3)
        lasting.pause()
        try:
            with pytest.raises(LayerUnavailableError, match="it takes too long"):
                await one.layer.apublish("/h", Event("e", wordy(2)))
        finally:
            lasting.resume()
        await soon(lambda: page.numbers == [1, 2])


async def test_a_path_that_nobody_sends_to_is_not_forgotten_while_it_is_served(
    forgetful: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layer, "TOUCH_S", 0.05)
    async with stations(1, forgetful.url) as (one,):
        page = Page()
        await one.visit(page)
        await one.layer.apublish("/h", Event("e", wordy(1)))
        for key in ("tws:stream:/h", "tws:meta:/h"):
            forgetful.run("EXPIRE", key, "100")
        await soon(
            lambda: all(
                int(forgetful.run("TTL", key)) > 100 for key in ("tws:stream:/h", "tws:meta:/h")
            )
        )


async def test_a_wrong_password_is_told_without_it(
    forgetful: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    forgetful.run("CONFIG", "SET", "requirepass", "right")
    url = forgetful.url.replace("//", "//ann:wrongwrong@")
    async with stations(1, url) as (one,):
        assert "invalid username-password pair" in caplog.text
        assert "has not answered" in one.layer.trouble
        assert "wrongwrong" not in caplog.text + one.layer.trouble + repr(vars(one.layer))
        with pytest.raises(LayerUnavailableError, match="invalid username-password"):
            one.layer.shard_of("/h").blocking.publish("/h", None, Event("e", b"{}"))

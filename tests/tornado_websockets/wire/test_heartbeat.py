"""Who is alive; `test_wire` shows it from outside."""

from __future__ import annotations

import asyncio

from tornado_websockets.wire.heartbeat import Heartbeat


class Client:
    """What a heartbeat is told about, and asks."""

    def __init__(self, interval: float = 0.02, timeout: float = 0.02) -> None:
        self.pings = 0
        self.bytes_unsent = 0
        self.is_gone = asyncio.Event()
        self.heart = Heartbeat(
            interval,
            timeout,
            ping=self.ping,
            unsent=lambda: self.bytes_unsent,
            gone=self.is_gone.set,
        )
        self.answers = False
        self.reads = False

    def ping(self) -> None:
        self.pings += 1
        self.heart.is_alive = self.answers
        if self.reads:
            self.bytes_unsent -= 1

    async def pinged(self, times: int) -> None:
        async with asyncio.timeout(10):
            while self.pings < times:
                await asyncio.sleep(0.005)


async def test_a_silent_client_is_gone() -> None:
    client = Client()
    client.heart.start()
    await asyncio.wait_for(client.is_gone.wait(), 10)
    assert client.pings == 1


async def test_a_client_that_answers_stays() -> None:
    client = Client()
    client.answers = True
    client.heart.start()
    await client.pinged(5)
    client.heart.stop()
    assert not client.is_gone.is_set()


async def test_a_client_that_reads_what_waits_for_it_stays() -> None:
    client = Client()
    client.bytes_unsent, client.reads = 1000, True
    client.heart.start()
    await client.pinged(3)
    client.reads = False
    await asyncio.wait_for(client.is_gone.wait(), 10)


async def test_nothing_is_expected_while_nothing_is_read() -> None:
    client = Client()
    client.heart.is_suspended = True
    client.heart.start()
    await client.pinged(3)
    client.heart.is_suspended = False
    await asyncio.wait_for(client.is_gone.wait(), 10)


async def test_who_asks_is_told_with_each_ping_while_no_question_is_seen() -> None:
    client = Client()
    client.answers, told = True, []
    client.heart.reassure = lambda: told.append(client.pings)
    client.heart.start()
    await client.pinged(2)
    assert told == []
    client.heart.is_suspended = True
    first = client.pings + 1
    await client.pinged(first + 2)
    client.heart.stop()
    assert told == [*range(first, client.pings + 1)]


async def test_no_timeout_waits_for_ever_and_no_interval_never_pings() -> None:
    patient, quiet = Client(timeout=0), Client(interval=0)
    patient.heart.start()
    quiet.heart.start()
    await patient.pinged(5)
    patient.heart.stop()
    quiet.heart.stop()
    assert not patient.is_gone.is_set()
    assert quiet.pings == 0

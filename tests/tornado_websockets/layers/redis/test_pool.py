"""What becomes of connections that lead to a server which another one has taken over from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.engines.broker import Broker
from tests.tornado_websockets.layers.clients import until
from tornado_websockets.layers.redis import pool as module
from tornado_websockets.layers.redis.address import Address
from tornado_websockets.layers.redis.link import FAILURES
from tornado_websockets.layers.redis.pool import Pool


@pytest.fixture
async def pool(url: str) -> AsyncIterator[Pool]:
    pool = Pool(Address.parse(f"{url}&client_name=pooled&socket_timeout=60"))
    yield pool
    await pool.close()


def connections(broker: Broker) -> set[str]:
    lines = broker.run("CLIENT", "LIST").splitlines()
    return {line.split()[0] for line in lines if "name=pooled" in line}


async def blocked(pool: Pool, broker: Broker, key: str) -> asyncio.Future[Any]:
    """Begin to wait for something that is pushed."""
    task = asyncio.ensure_future(pool.client.blpop([key], timeout=30))
    await until(lambda: "cmd=blpop" in broker.run("CLIENT", "LIST"))
    return task


async def test_a_connection_is_used_again(pool: Pool, broker: Broker) -> None:
    assert await pool.client.ping()
    [before] = connections(broker)
    assert await pool.client.ping()
    assert connections(broker) == {before}


async def test_one_that_is_idle_is_closed_and_another_one_is_opened(
    pool: Pool, broker: Broker
) -> None:
    assert await pool.client.ping()
    [before] = connections(broker)
    pool.renew()
    await until(lambda: not connections(broker))
    assert await pool.client.ping()
    assert connections(broker).isdisjoint({before})


async def test_one_that_is_in_use_has_its_time_and_does_not_come_back(
    pool: Pool, broker: Broker
) -> None:
    """It would go on reading from a replica, as long as nobody writes over it."""
    waiting = await blocked(pool, broker, "one")
    assert len(connections(broker)) == 1
    pool.renew()
    assert await pool.client.ping()
    assert len(connections(broker)) == 2
    broker.run("RPUSH", "one", "something")
    assert list(await waiting) == [b"one", b"something"]
    await until(lambda: len(connections(broker)) == 1)


async def test_the_end_closes_all(pool: Pool, broker: Broker) -> None:
    waiting = await blocked(pool, broker, "two")
    pool.renew()
    assert await pool.client.ping()
    await pool.close()
    await until(lambda: not connections(broker))
    with pytest.raises(FAILURES):
        await waiting


async def test_what_is_not_answered_in_time_never_is(
    pool: Pool, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEAVE_S", 0.1)
    waiting = await blocked(pool, broker, "three")
    pool.renew()
    with pytest.raises(FAILURES):
        await waiting
    assert not connections(broker)


async def test_nothing_is_renewed_that_has_not_begun(pool: Pool, broker: Broker) -> None:
    pool.renew()
    assert not connections(broker)

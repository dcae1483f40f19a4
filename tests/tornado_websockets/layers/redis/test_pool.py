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
    return {line.split()[0] for line in lines(broker)}


def lines(broker: Broker) -> list[str]:
    return [line for line in broker.run("CLIENT", "LIST").splitlines() if "name=pooled" in line]


async def blocked(pool: Pool, broker: Broker, key: str) -> asyncio.Future[Any]:
    """Begin to wait for something that is pushed."""
    task = asyncio.ensure_future(pool.client.blpop([key], timeout=30))
    await until(lambda: any("cmd=blpop" in line for line in lines(broker)))
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
    pool: Pool, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would go on reading from a replica, as long as nobody writes over it."""
    monkeypatch.setattr(module, "LEAVE_S", 60.0)
    waiting = await blocked(pool, broker, "one")
    [before] = connections(broker)
    pool.renew()
    broker.run("RPUSH", "one", "something")
    assert list(await waiting) == [b"one", b"something"]
    assert all(await asyncio.gather(pool.client.ping(), pool.client.ping()))
    commands = {line.split()[0]: line for line in lines(broker)}
    assert len(commands) == 3
    assert "cmd=blpop" in commands[before]
    await pool.close()
    await until(lambda: not connections(broker))


async def test_the_end_may_come_at_once(pool: Pool, broker: Broker) -> None:
    waiting = await blocked(pool, broker, "four")
    pool.renew()
    await pool.close()
    await until(lambda: not connections(broker))
    with pytest.raises(FAILURES):
        await waiting


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
    await until(lambda: not connections(broker))


async def test_nothing_is_renewed_that_has_not_begun(pool: Pool, broker: Broker) -> None:
    pool.renew()
    assert not connections(broker)

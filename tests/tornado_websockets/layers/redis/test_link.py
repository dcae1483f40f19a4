"""One connection to Redis: what it is asked, and what happens when nobody answers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from redis.exceptions import ResponseError

from tests.engines.broker import Broker, free_port
from tornado_websockets.layers.redis.address import Address
from tornado_websockets.layers.redis.link import FAILURES, Link, make_client, run_script
from tornado_websockets.layers.redis.script import Script


@pytest_asyncio.fixture
async def link(url: str) -> AsyncIterator[Link]:
    link = Link(Address.parse(url))
    yield link
    await link.close()


async def test_commands_are_answered_in_their_order_errors_among_them(link: Link) -> None:
    answers = await link.request([("ECHO", "a"), ("INCR",), ("ECHO", b"\xff"), ("ECHO", 3)])
    assert answers[::2] == [b"a", b"\xff"]
    assert isinstance(answers[1], ResponseError)
    assert answers[3] == b"3"


async def test_it_connects_again_when_the_connection_was_cut(link: Link, broker: Broker) -> None:
    [id] = await link.request([("CLIENT ID",)])
    broker.run("CLIENT", "KILL", "ID", str(id))
    with pytest.raises(FAILURES):
        await link.request([("PING",)])
    assert await link.request([("PING",)]) == [b"PONG"]


async def test_what_was_not_answered_in_time_is_not_the_answer_to_something_else() -> None:
    with Broker() as own:
        link = Link(Address.parse(own.url))
        assert await link.request([("PING",)]) == [b"PONG"]
        own.pause()
        begun = time.monotonic()
        with pytest.raises(FAILURES):
            await link.request([("ECHO", "late")], timeout_s=0.2)
        assert time.monotonic() - begun < 1
        own.resume()
        assert await link.request([("ECHO", "new")]) == [b"new"]
        await link.close()
        await link.close()


async def test_nobody_there_is_a_failure() -> None:
    link = Link(Address.parse(f"redis://127.0.0.1:{free_port()}/0"))
    for _ in range(2):
        with pytest.raises(FAILURES):
            await link.open()
        with pytest.raises(FAILURES):
            await link.request([("PING",)])


async def test_a_client_answers_in_bytes_and_runs_a_script_that_redis_does_not_know(
    url: str, broker: Broker
) -> None:
    client = make_client(Address.parse(url))
    script = Script("return {KEYS[1], ARGV[1]}")
    try:
        broker.run("SCRIPT", "FLUSH")
        for _ in range(2):
            assert await run_script(client, script, ["k"], ["a"]) == [b"k", b"a"]
    finally:
        await client.aclose()

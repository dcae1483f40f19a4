"""What a process without a server publishes has arrived when the call returns."""

from __future__ import annotations

import time

import pytest
import redis

from tests.engines.broker import Broker, free_port
from tornado_websockets.exceptions import LayerUnavailableError
from tornado_websockets.history import History
from tornado_websockets.layers.event import Event
from tornado_websockets.layers.redis.address import Address
from tornado_websockets.layers.redis.blocking import BlockingPublisher
from tornado_websockets.layers.redis.link import FAILURES

EVENT = Event("e", b'{"event":"e","data":{}}')


def test_it_is_there_when_the_call_returns(url: str, broker: Broker) -> None:
    broker.run("SCRIPT", "FLUSH")
    publisher = BlockingPublisher(Address.parse(url))
    for _ in range(3):
        publisher.publish("/h", History(events=10), EVENT)
    publisher.publish("/h", None, EVENT)
    key = Address.parse(url).key("stream", "/h")
    assert publisher.client.xlen(key) == 3
    publisher.close()
    publisher.close()


def test_a_connection_that_was_cut_meanwhile_is_no_matter() -> None:
    with Broker() as own:
        publisher = BlockingPublisher(Address.parse(own.url))
        publisher.publish("/h", History(events=10), EVENT)
        own.stop()
        own.start()
        publisher.publish("/h", History(events=10), EVENT)
        assert publisher.client.xlen("tws:stream:/h") == 1
        publisher.close()


def test_a_server_that_became_a_replica_is_asked_on_another_connection() -> None:
    """The address may lead to the new primary by then; here nobody has taken over yet."""
    with Broker() as own:
        publisher = BlockingPublisher(Address.parse(own.url))
        publisher.publish("/h", History(events=10), EVENT)
        first = own.run("CLIENT", "LIST", "TYPE", "normal").split()[0]
        own.run("REPLICAOF", "127.0.0.1", str(free_port()))
        with pytest.raises(LayerUnavailableError, match="read only replica"):
            publisher.publish("/h", History(events=10), EVENT)
        assert first not in own.run("CLIENT", "LIST").split()
        own.run("REPLICAOF", "NO", "ONE")
        publisher.publish("/h", History(events=10), EVENT)
        assert publisher.client.xlen("tws:stream:/h") == 2
        publisher.close()


def test_a_message_is_told_to_those_who_listen_to_the_primary() -> None:
    """A replica would take it as well, and tell nobody."""
    with Broker() as own:
        publisher = BlockingPublisher(Address.parse(own.url))
        publisher.tell("tws:0:mail", b"one")  # on a connection that is kept
        own.run("REPLICAOF", "127.0.0.1", str(free_port()))
        with pytest.raises(FAILURES, match="read only replica"):
            publisher.tell("tws:0:mail", b"two")
        own.stop()
        own.start()
        with redis.Redis(port=own.port) as client, client.pubsub() as listener:
            listener.subscribe("tws:0:mail")
            assert listener.get_message(timeout=10)["type"] == "subscribe"
            publisher.tell("tws:0:mail", b"three")  # the connection was cut meanwhile
            assert listener.get_message(timeout=10)["data"] == b"three"
        publisher.close()


def test_nobody_there_is_told_within_seconds() -> None:
    publisher = BlockingPublisher(Address.parse(f"redis://127.0.0.1:{free_port()}/0"))
    with pytest.raises(LayerUnavailableError, match="/h does not reach other processes: Redis: "):
        publisher.publish("/h", None, EVENT)
    publisher.close()


def test_a_redis_that_hangs_holds_up_the_caller_for_seconds_only() -> None:
    with Broker() as own:
        publisher = BlockingPublisher(Address.parse(own.url))
        own.pause()
        try:
            begun = time.monotonic()
            with pytest.raises(LayerUnavailableError):
                publisher.publish("/h", None, EVENT)
            assert time.monotonic() - begun < 6
        finally:
            own.resume()
        publisher.close()

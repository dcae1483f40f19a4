"""What Redis does in one step, asked of a real one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from tornado_websockets.history import History
from tornado_websockets.layers.redis.address import Address
from tornado_websockets.layers.redis.command import (
    events_channel,
    meta_key,
    send_command,
    stream_key,
)
from tornado_websockets.layers.redis.script import READ, SEND

ORIGIN = "0123456789abcdef"


class Store:
    """One path of one Redis, sent to and read from by the scripts."""

    def __init__(self, url: str) -> None:
        self.address = Address.parse(url)
        self.client = redis.Redis(**self.address.arguments)
        self.stream, self.meta = stream_key(self.address, "/h"), meta_key(self.address, "/h")
        self.number = 0
        self.client.script_load(SEND.text)
        self.client.script_load(READ.text)

    def send(
        self, *events: bytes, history: History | None, number: int | None = None, epoch: str = "e"
    ) -> int:
        self.number += 1
        command = send_command(
            self.address,
            "/h",
            history,
            events,
            origin=ORIGIN,
            number=self.number if number is None else number,
            epoch=epoch,
        )
        return int(self.client.evalsha(*command[1:]))  # type: ignore[arg-type]

    def read(self, after: str = "0-0", *, epoch: str = "e", count: int = 1000) -> Any:
        keys = (self.stream, self.meta)
        return self.client.evalsha(READ.sha, 2, *keys, epoch, after, str(count), "60")

    @property
    def events(self) -> list[bytes]:
        return [dict(zip(f[::2], f[1::2], strict=True))[b"e"] for _id, f in self.read()[2]]


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store(url)
    yield store
    store.client.close()


KEPT = History(events=100)


def test_the_events_of_a_batch_follow_each_other(store: Store) -> None:
    assert store.send(b"a", b"b", b"c", history=KEPT) == 1
    assert store.send(b"d", history=KEPT) == 1
    epoch, top, entries = store.read()
    assert epoch == b"e"
    (first, a), (_, b), (third, _), (fourth, d) = entries
    ms = int(first.split(b"-")[0])
    assert abs(time.time() * 1000 - ms) < 60_000
    assert [first, third] == [b"%d-0" % ms, b"%d-2" % ms]
    assert a == [b"o", ORIGIN.encode(), b"e", b"a", b"b", b"0-0", b"s", b"0"]
    assert b == [b"o", ORIGIN.encode(), b"e", b"b", b"b", first, b"s", b"1"]
    assert d[4:] == [b"b", third, b"s", b"3"]
    assert top == fourth > third


def test_what_is_published_says_where_it_is(store: Store) -> None:
    with store.client.pubsub() as heard:  # type: ignore[no-untyped-call]
        heard.subscribe(events_channel(store.address, "/h"))
        assert heard.get_message(timeout=5)
        store.send(b"a", b"b", history=KEPT)
        store.send(b"c", history=KEPT)
        store.send(b"d", b"e", history=None)
        ids = [entry[0].decode() for entry in store.read()[2]]
        for line in (
            f"H {ORIGIN} e 0-0 {ids[0]}\nab",
            f"H {ORIGIN} e {ids[1]} {ids[2]}\nc",
            f"L {ORIGIN}\nde",
        ):
            message = heard.get_message(timeout=5)
            assert message is not None
            assert message["data"].decode() == line


def test_a_batch_that_is_repeated_does_nothing(store: Store) -> None:
    with store.client.pubsub() as heard:  # type: ignore[no-untyped-call]
        heard.subscribe(events_channel(store.address, "/h"))
        assert heard.get_message(timeout=5)
        for history in (KEPT, None):
            assert store.send(b"a", history=history, number=10) == 1
            assert store.send(b"a", history=history, number=10) == 0
            assert store.send(b"late", history=history, number=9) == 0
            assert store.send(b"b", history=history, number=11) == 1
        found = [heard.get_message(timeout=1) for _ in range(5)]
        bodies = [each["data"].partition(b"\n")[2] for each in found if each is not None]
        assert bodies == [b"a", b"b"] * 2
    assert store.events == [b"a", b"b"]


def test_so_many_events_are_kept(store: Store) -> None:
    store.send(*[b"%d" % number for number in range(7)], history=History(events=3))
    assert store.events == [b"4", b"5", b"6"]
    store.send(b"7", history=History(events=3))
    assert store.events == [b"5", b"6", b"7"]


def test_events_of_such_an_age_are_kept(store: Store) -> None:
    store.send(b"old", history=KEPT)
    time.sleep(0.3)
    store.send(b"new", history=History(events=100, seconds=0.2))
    assert store.events == [b"new"]


def test_so_many_bytes_are_kept(store: Store) -> None:
    for letter in (b"a", b"b", b"c", b"d"):
        store.send(letter * 10, history=History(events=100, bytes=30))
    assert store.events == [b"b" * 10, b"c" * 10, b"d" * 10]
    store.send(b"e" * 11, history=History(events=100, bytes=30))
    assert store.events == [b"d" * 10, b"e" * 11]
    store.send(b"f" * 31, history=History(events=100, bytes=30))
    assert store.events == []
    store.send(b"g", history=History(events=100, bytes=30))
    assert store.events == [b"g"]


def test_an_epoch_begins_when_there_is_none(store: Store) -> None:
    assert store.read(epoch="first") == [b"first", b"0-0", []]
    store.send(b"a", history=KEPT, epoch="second")
    assert store.read(epoch="third")[0] == b"first"
    store.client.delete(store.meta)  # as when Redis has no memory left
    store.send(b"b", history=KEPT, epoch="fourth")
    epoch, _top, [entry] = store.read()
    assert epoch == b"fourth"
    assert entry[1][3:6] == [b"b", b"b", b"0-0"]
    store.client.delete(store.meta)
    assert store.read(epoch="fifth") == [b"fifth", b"0-0", []]


def test_a_clock_that_goes_back_gives_no_offset_twice(store: Store) -> None:
    store.read()
    store.client.hset(store.meta, "top", "9999999999999-41")
    store.send(b"a", b"b", history=KEPT)
    ids = [entry[0] for entry in store.read()[2]]
    assert ids == [b"9999999999999-42", b"9999999999999-43"]


def test_a_part_can_be_read(store: Store) -> None:
    store.send(*[b"%d" % number for number in range(5)], history=KEPT)
    _epoch, top, entries = store.read(count=2)
    assert len(entries) == 2
    assert len(store.read(entries[1][0].decode())[2]) == 3
    assert store.read(top.decode())[2] == []


def test_nothing_stays_for_ever(store: Store) -> None:
    store.send(b"a", history=KEPT)
    store.send(b"a", history=None)
    store.client.set("of another project", 1)
    # SCAN may tell a key twice.
    names = set(store.client.scan_iter(f"{store.address.prefix}:*"))
    assert len(names) == 4
    for name in names:
        assert 0 < store.client.ttl(name) <= 24 * 3600
    store.client.delete("of another project")


def test_an_entry_of_somebody_else_is_trimmed_as_any_other(store: Store) -> None:
    """It does not say how many bytes were before it."""
    store.send(b"x" * 60, history=History(events=2, bytes=100))
    store.client.xadd(store.stream, {"rubbish": "1"})
    top = store.client.xinfo_stream(store.stream)["last-generated-id"]
    store.client.hset(store.meta, "top", top)
    for letter in (b"a", b"b"):
        assert store.send(letter * 60, history=History(events=2, bytes=100)) == 1
    assert store.events == [b"b" * 60]

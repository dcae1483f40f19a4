"""Several nodes, and processes that are none, reach each other's clients."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.engines.broker import Broker
from tests.tornado_websockets.layers.clients import Client, Page, until
from tests.tornado_websockets.layers.redis.station import PATHS, stations, wordy
from tornado_websockets.layers import Audience
from tornado_websockets.layers.event import Event
from tornado_websockets.layers.redis import RedisLayer
from tornado_websockets.runtime import runtime

ROOT = Path(__file__).resolve().parents[4]

SCRIPT = """
import asyncio, sys
import django
from django.conf import settings
settings.configure(TORNADO={"layer": sys.argv[1]}, INSTALLED_APPS=["tornado_websockets"])
django.setup()
from tornado_websockets.websocket import History, WebSocket
live, kept = WebSocket("/live"), WebSocket("/h", history=History(events=5000))
live.broadcast("e", {"n": 1})
live.to("a").broadcast("e", {"n": 2})
for n in range(3):
    kept.broadcast("e", {"n": n})
asyncio.run(kept.abroadcast("e", {"n": 3}))
"""

FORKING = """
import asyncio, os, sys
import django
from django.conf import settings
settings.configure(TORNADO={"layer": sys.argv[1]}, INSTALLED_APPS=["tornado_websockets"])
django.setup()
from tornado_websockets.layers.choice import layer
from tornado_websockets.runtime import runtime
from tornado_websockets.websocket import WebSocket
live = WebSocket("/live")

async def main():
    runtime.start(threads=1)
    await layer().start()
    live.broadcast("e", {"n": 0})
    child = os.fork()
    if not child:
        try:
            live.broadcast("e", {"n": 1})
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    live.broadcast("e", {"n": 2})
    await layer().stop()
    await runtime.stop(timeout_s=5)

asyncio.run(main())
"""
"""A server, one of whose callbacks forks, as multiprocessing does."""


def sent(client: Client) -> list[int]:
    return [each["data"]["n"] for each in client.envelopes if "n" in each["data"]]


async def test_an_event_reaches_the_clients_of_every_node_once_and_in_order(url: str) -> None:
    async with stations(3, url) as nodes:
        live, kept = [Page() for _ in nodes], [Page() for _ in nodes]
        for node, page, other in zip(nodes, live, kept, strict=True):
            await node.visit(page, "/live")
            await node.visit(other)
        for number in range(300):
            nodes[number % 3].say(number)
            nodes[number % 3].say(number, path="/live")
        await until(lambda: all(len(page.numbers) == 300 for page in kept))
        await until(lambda: all(len(sent(page.client)) == 300 for page in live))
        assert kept[0].numbers == kept[1].numbers == kept[2].numbers
        for numbers in (kept[0].numbers, *(sent(page.client) for page in live)):
            assert sorted(numbers) == [*range(300)]
            for third in range(3):
                mine = [number for number in numbers if number % 3 == third]
                assert mine == sorted(mine)


async def test_rooms_and_those_left_out_are_known_to_every_node(url: str) -> None:
    async with stations(2, url) as (one, two):
        inside, outside, excluded = Client(), Client(), Client()
        for client in (inside, outside, excluded):
            two.audience.join("/h", client)
            two.audience.join("/live", client)
        two.audience.enter("/h", "a", inside)
        two.audience.enter("/h", "b", inside)
        one.layer.publish("/h", Event("room", wordy(1), rooms=["a", "b"]))
        one.layer.publish("/h", Event("nowhere", wordy(2), rooms=["c"]))
        one.layer.publish("/live", Event("but one", wordy(3), without=[excluded.id]))
        one.layer.publish("/h", Event("kept but one", wordy(4), without=[excluded.id]))
        for path in ("/live", "/h"):
            await one.layer.apublish(path, Event("last", wordy(5)))
        everybody = (inside, outside, excluded)
        await until(lambda: all(client.got.count("last") == 2 for client in everybody))
        got = [sorted(set(client.got) - {"last"}) for client in everybody]
        assert got == [["but one", "kept but one", "room"], ["but one", "kept but one"], []]


@pytest.mark.parametrize("path", ["/live", "/h"])
async def test_an_event_that_others_would_refuse_is_nobodys_and_stops_no_other(
    url: str, path: str
) -> None:
    many = [f"{number}" for number in range(10_001)]
    async with stations(2, url) as (one, two):
        here, there = Client(), Client()
        for station, client in ((one, here), (two, there)):
            station.audience.join(path, client)
            station.audience.enter(path, many[0], client)
        one.say(1, path=path)
        for event in (Event("large", wordy(0), many), Event("large", wordy(0), None, many)):
            with pytest.raises(ValueError, match="takes at most 10000 .* got 10001"):
                one.layer.publish(path, event)
            with pytest.raises(ValueError, match="takes at most 10000 .* got 10001"):
                await one.layer.apublish(path, event)
            with pytest.raises(ValueError, match="takes at most 10000 .* got 10001"):
                one.layer.shard_of(path).blocking.publish(path, PATHS[path], event)
        await one.layer.apublish(path, Event("e", wordy(2)))
        for client in (here, there):
            await until(lambda client=client: sent(client) == [1, 2])  # type: ignore[misc]
            assert "large" not in client.got


async def test_threads_send_in_their_order(url: str) -> None:
    async with stations(2, url) as (one, two):
        page, live = Page(), Client()
        await two.visit(page)
        two.audience.join("/live", live)

        def talk(first: int) -> None:
            for number in range(first, 1000, 4):
                one.say(number)
                one.say(number, path="/live")

        threads = [threading.Thread(target=talk, args=(first,)) for first in range(4)]
        for thread in threads:
            thread.start()
        await until(lambda: len(page.numbers) == len(sent(live)) == 1000)
        for numbers in (page.numbers, sent(live)):
            for first in range(4):
                mine = [number for number in numbers if number % 4 == first]
                assert mine == [*range(first, 1000, 4)]
        for thread in threads:
            thread.join()


async def test_the_acknowledgement_can_be_awaited_on_any_event_loop(url: str) -> None:
    async with stations(1, url) as (one,):
        page = Page()
        await one.visit(page)
        await one.layer.apublish("/h", Event("e", wordy(1)))
        await asyncio.to_thread(lambda: asyncio.run(one.layer.apublish("/h", Event("e", wordy(2)))))
        await until(lambda: page.numbers == [1, 2])


async def test_a_process_without_a_server_reaches_the_clients(url: str) -> None:
    async with stations(2, url) as (one, two):
        kept, live, room = Page(), Client(), Client()
        await one.visit(kept)
        two.audience.join("/live", live)
        two.audience.join("/live", room)
        two.audience.enter("/live", "a", room)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SCRIPT, url, cwd=ROOT, stderr=subprocess.PIPE
        )
        _out, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        await until(lambda: kept.numbers == [0, 1, 2, 3])
        await until(lambda: (sent(live), sent(room)) == ([1], [1, 2]))


async def test_a_child_that_a_server_has_forked_reaches_the_clients(url: str) -> None:
    """Its event loop is that of its parent: what it sends would wait for it, in silence."""
    async with stations(1, url) as (one,):
        live = Client()
        one.audience.join("/live", live)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "ignore", "-c", FORKING, url, cwd=ROOT, stderr=subprocess.PIPE
        )
        _out, errors = await process.communicate()
        assert (process.returncode, errors.decode()) == (0, "")
        await until(lambda: sorted(sent(live)) == [0, 1, 2])


async def test_paths_are_spread_over_several_servers(url: str) -> None:
    with Broker() as other:
        urls = (url, other.url)
        async with stations(2, *urls) as (one, two):
            spread = [f"/path {number}" for number in range(40)]
            pages = {path: Page() for path in spread}
            for path in spread:
                one.audience.serve(path, None)
                two.audience.serve(path, None)
                two.audience.join(path, pages[path].client)
            shards = {one.layer.shard_of(path) for path in spread}
            assert shards == set(one.layer.shards)
            for path in spread:
                mine, yours = one.layer.shard_of(path), two.layer.shard_of(path)
                assert mine.address == yours.address
            for shard in two.layer.shards:
                # Redis has answered what was sent behind each subscription.
                awaited = vars(shard.subscriber)["_awaited"]
                await until(lambda: shard.is_up and not awaited)  # noqa: B023
            await asyncio.gather(
                *(one.layer.apublish(path, Event("e", wordy(n))) for n, path in enumerate(spread))
            )
            await until(lambda: all(pages[path].client.got == ["e"] for path in spread))
            page = Page()
            await two.visit(page)
            one.say(1, 2)
            await until(lambda: page.numbers == [1, 2])


def test_few_paths_move_when_a_server_is_added() -> None:
    two, three = (
        RedisLayer(Audience(), tuple(f"redis://127.0.0.1/{db}" for db in range(count)))
        for count in (2, 3)
    )
    paths = [f"/path {number}" for number in range(1000)]
    before = [two.shard_of(path).address.database for path in paths]
    after = [three.shard_of(path).address.database for path in paths]
    moved = [new for old, new in zip(before, after, strict=True) if old != new]
    assert set(moved) == {2}
    assert 250 < len(moved) < 420
    assert 400 < sum(before) < 600


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("redis://:secret@127.0.0.1/0?prefix=", "cannot be used: "),
        ("redis://:secret@127.0.0.1/0?prefix=a:b", "cannot be used: redis://…@127.0.0.1"),
        ("redis://:secret@127.0.0.1/0?sokcet_timeout=1", "sokcet_timeout"),
    ],
)
def test_a_url_that_cannot_be_used_is_told_without_its_password(url: str, reason: str) -> None:
    if url.endswith("prefix="):  # as if it was not there
        assert RedisLayer(Audience(), (url,)).shards[0].address.prefix == "tws"
        return
    with pytest.raises(ImproperlyConfigured, match=reason) as caught:
        RedisLayer(Audience(), (url,))
    assert "secret" not in str(caught.value)


async def test_a_layer_may_serve_again_on_another_event_loop(url: str) -> None:
    """As in the tests of a project, that start one server after the other."""
    layer = RedisLayer(Audience(), (url,))
    layer.audience.serve("/h", PATHS["/h"])

    async def live(count: int) -> None:
        runtime.start(threads=1)
        await layer.start()
        assert not layer.trouble
        await layer.apublish("/h", Event("e", wordy(1)))
        log = layer.log("/h")
        assert log is not None
        await until(lambda: len(log) == count)  # Redis has it before this process hears it
        await layer.stop()
        await runtime.stop(timeout_s=5)

    for count in (1, 2):
        await asyncio.to_thread(asyncio.run, live(count))

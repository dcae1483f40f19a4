"""What clients that come back are told and get; `recovering` has what holds for every layer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.tornado_websockets.layers.clients import Client, Page, until
from tornado_websockets.history import UNKNOWN, History, Position
from tornado_websockets.layers import Audience, LocalLayer
from tornado_websockets.layers.event import Event
from tornado_websockets.layers.log import Log
from tornado_websockets.layers.replay import Early
from tornado_websockets.outgoing import Outgoing
from tornado_websockets.runtime import runtime


@pytest_asyncio.fixture
async def layer() -> AsyncIterator[LocalLayer]:
    runtime.start(threads=1)
    audience = Audience()
    audience.serve("/h", History(events=1000))
    running = LocalLayer(audience)
    await running.start()
    yield running
    await running.stop()
    await runtime.stop(timeout_s=5)
    assert asyncio.all_tasks() == {asyncio.current_task()}


def visit(layer: LocalLayer, page: Page, *, takes: int | None = None) -> Client:
    position = page.position
    client = page.again(takes)
    layer.audience.join("/h", client)
    layer.welcome("/h", client, position)
    return client


def say(layer: LocalLayer, *numbers: int) -> None:
    for number in numbers:
        layer.publish("/h", Event("e", b'{"event":"e","data":{"n":%d}}' % number))


def internals(layer: LocalLayer) -> list[Any]:
    """What a layer remembers of clients; empty when there are none."""
    return [*vars(layer)["_behind"], layer.audience.count(), len(layer.audience.succession)]


async def test_a_new_beginning_is_told_to_all_clients_at_once_and_to_those_behind_later(
    layer: LocalLayer,
) -> None:
    page, slow = Page(), Page()
    visit(layer, page)
    layer.audience.leave("/h", visit(layer, slow))
    say(layer, 1, 2, 3)
    client = visit(layer, slow, takes=2)
    layer.restart("/h", "another", (7, 0))
    assert (page.told, page.numbers) == ([None, False], [1, 2, 3])
    assert slow.told == [None, True]
    assert page.client.envelopes[-1]["data"] == {
        "recovered": False,
        "epoch": "another",
        "offset": "7-0",
        "missed": 0,
    }
    say(layer, 4)
    client.read()
    await until(lambda: slow.told == [None, True, False])
    assert page.position == ("another", (8, 0), frozenset([page.client.id]))
    say(layer, 5)
    assert page.numbers == [1, 2, 3, 4, 5]
    await until(lambda: slow.numbers == [1, 5])


async def test_the_position_of_who_cannot_go_on_is_the_top(layer: LocalLayer) -> None:
    page = Page()
    visit(layer, page)
    say(layer, 1, 2)
    client = Client()
    layer.welcome("/h", client, UNKNOWN)
    assert page.position is not None
    data = client.envelopes[0]["data"]
    assert data == {
        "recovered": False,
        "epoch": page.position.epoch,
        "offset": "2-0",
        "missed": 0,
        "socket": client.id,
    }


async def test_those_who_have_gone_leave_nothing_behind(layer: LocalLayer) -> None:
    """Neither those who were behind, nor those who had everything, nor those who were told so."""
    pages = [Page() for _ in range(30)]
    for page in pages:
        layer.audience.leave("/h", visit(layer, page))
    say(layer, *range(900))
    clients = [visit(layer, page, takes=number * 20) for number, page in enumerate(pages)]
    clients.append(visit(layer, Page()))
    say(layer, 900)
    counts = [len(client.got) for client in clients]
    for client in clients:
        layer.audience.leave("/h", client)
        client.close()
    await until(lambda: internals(layer) == [0, 0])
    assert len(asyncio.all_tasks()) == 1
    say(layer, 901)
    await asyncio.sleep(0)
    assert [len(client.got) for client in clients] == counts


async def test_the_loop_has_turns_while_much_is_sent(layer: LocalLayer) -> None:
    page = Page()
    layer.audience.leave("/h", visit(layer, page))
    say(layer, *range(1000))
    visit(layer, page)
    shares = [len(page.numbers)]
    while len(page.numbers) < 1000:
        await asyncio.sleep(0)
        if len(page.numbers) > shares[-1]:
            shares.append(len(page.numbers))
    assert shares == [200, 400, 600, 800, 1000]


async def test_who_is_behind_when_the_server_stops_is_let_go(layer: LocalLayer) -> None:
    """Whether its task has begun or not."""
    for turns in (0, 3):
        page = Page()
        layer.audience.leave("/h", visit(layer, page))
        say(layer, 1, 2, 3)
        visit(layer, page, takes=1)
        for _ in range(turns):
            await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 2
        await layer.stop()
        assert len(asyncio.all_tasks()) == 1
        assert vars(layer)["_behind"] == {}
        await layer.start()


async def test_who_takes_nothing_costs_nothing(layer: LocalLayer) -> None:
    class Asked(Client):
        times = 0

        @property
        def is_full(self) -> bool:
            self.times += 1
            return super().is_full

    page = Page()
    layer.audience.leave("/h", visit(layer, page))
    say(layer, 1, 2, 3)
    client = Asked(takes=2)
    layer.audience.join("/h", client)
    layer.welcome("/h", client, page.position)
    for _ in range(100):
        await asyncio.sleep(0)
    assert client.times < 10
    assert client.got == ["recovered", "e"]


async def test_a_client_that_cannot_be_reached_stays_alone(layer: LocalLayer) -> None:
    """While it is behind, too: its end is that of its replay."""
    page, other = Page(), Page()
    layer.audience.leave("/h", visit(layer, page))
    visit(layer, other)
    say(layer, *range(300))
    client = visit(layer, page)
    client.error = OSError("gone")
    task = next(iter(vars(layer)["_behind"]["/h"].values()))
    with pytest.raises(OSError, match="gone"):
        await task
    say(layer, 300)
    assert other.numbers == [*range(301)]
    assert vars(layer)["_behind"] == {}


async def test_a_path_that_is_served_again_begins_anew(layer: LocalLayer) -> None:
    """At once, or when the event loop hears of it from a thread."""
    page = Page()
    layer.audience.leave("/h", visit(layer, page))
    old = layer.log("/h")
    layer.audience.withdraw("/h")
    assert layer.log("/h") is None
    layer.audience.serve("/h", History(events=7))
    new = layer.log("/h")
    assert new is not None
    assert old is not None
    assert new.epoch != old.epoch

    def thread() -> None:
        layer.audience.withdraw("/h")
        layer.audience.serve("/h", History(events=7))

    await asyncio.to_thread(thread)
    await until(lambda: layer.log("/h") is not new)
    visit(layer, page)
    assert page.told == [None, False]


async def test_who_comes_to_a_path_that_was_given_back_is_told_nothing(layer: LocalLayer) -> None:
    layer.audience.withdraw("/h")
    client = Client()
    layer.audience.join("/h", client)
    layer.welcome("/h", client, None)
    assert client.got == []


async def test_a_connection_tells_only_of_itself(layer: LocalLayer) -> None:
    """Who says that it had somebody else's connection misses things, and that other one none."""
    page = Page()
    victim = visit(layer, page)
    position = page.position
    assert position is not None
    liar = Client()
    layer.audience.join("/h", liar)
    layer.welcome("/h", liar, Position(position.epoch, position.offset, frozenset([victim.id])))
    layer.publish("/h", Event("e", b'{"event":"e","data":{"n":1}}', without=[liar.id]))
    assert page.numbers == [1]
    layer.publish("/h", Event("e", b'{"event":"e","data":{"n":2}}', without=[victim.id]))
    assert page.numbers == [1]
    assert liar.got == ["recovered"]


class EarlyLayer(LocalLayer):
    """A layer with something that is in no log yet."""

    waiting: list[Early]

    def early(self, path: str) -> list[Early]:
        return self.waiting


async def test_who_comes_gets_what_others_got_before_it_is_in_the_log(layer: LocalLayer) -> None:
    """The first time, or where something is missing; and all of it before what follows."""
    early = EarlyLayer(layer.audience)
    names = ["a", "b", "c"]
    early.waiting = [Early(Outgoing(name, b'{"event":"%s"}' % name.encode()), ()) for name in names]
    for position, recovered in ((None, None), (UNKNOWN, False)):
        client = Client(takes=2)
        layer.audience.join("/h", client)
        early.welcome("/h", client, position)
        assert client.got == ["recovered", "a"]
        assert client.envelopes[0]["data"]["recovered"] is recovered
        early.deliver("/h", Outgoing("d", b'{"event":"d"}'))
        early.waiting.append(Early(Outgoing("d", b'{"event":"d"}'), ()))
        client.read()
        await until(lambda client=client: "d" in client.got)  # type: ignore[misc]
        early.deliver("/h", Outgoing("e", b'{"event":"e"}'))
        assert client.got == ["recovered", "a", "b", "c", "d", "e"]
        layer.audience.leave("/h", client)
        early.waiting.pop()


async def test_a_log_that_begins_late_is_a_new_beginning(layer: LocalLayer) -> None:
    """Who came while nobody knew what is kept is told where it is, and that it may lack some."""

    class LateLayer(LocalLayer):
        def begin(self, path: str, log: Log) -> None: ...

    late = LateLayer(layer.audience)
    client = Client()
    layer.audience.join("/h", client)
    late.welcome("/h", client, None)
    late.restart("/h", "e", (7, 0))
    told = [each["data"] for each in client.envelopes]
    assert [(each["recovered"], each["epoch"], each["offset"]) for each in told] == [
        (None, "", "0-0"),
        (False, "e", "7-0"),
    ]

"""The contract that every layer keeps, as a class that the tests of each layer inherit.

What a layer delivers may take a while, so everything here waits for it with a deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from tests.tornado_websockets.layers.clients import Client, Page, member, until
from tests.tornado_websockets.layers.recovering import HISTORIES, RecoveryContract
from tornado_websockets.exceptions import (
    LayerUnavailableError,
    ServerNotRunningError,
    TooManyRoomsError,
)
from tornado_websockets.layers import Audience, Layer, Member, PresenceChange
from tornado_websockets.layers.event import Event
from tornado_websockets.outgoing import Outgoing
from tornado_websockets.runtime import runtime

__all__ = ["Client", "LayerContract", "Page", "member", "until"]

LAST = "the last event"


class LayerContract(RecoveryContract):
    """What holds for each layer; a subclass says which.

    A layer may be made for one test after the other, and knows nothing of the one before.
    """

    def make(self, audience: Audience) -> Layer:
        raise NotImplementedError

    @pytest_asyncio.fixture(autouse=True)
    async def layer(self) -> AsyncIterator[Layer]:
        runtime.start(threads=1)
        self.changes: list[PresenceChange] = []
        self.joined: list[tuple[str, Client]] = []
        self.audience = Audience()
        self.audience.presence_changed = self.changes.append
        for path in ("/x", "/y"):
            self.audience.serve(path, None)
        for path, history in HISTORIES.items():
            self.audience.serve(path, history)
        self._layer = self.make(self.audience)
        await self._layer.start()
        yield self._layer
        await self._layer.stop()
        await runtime.stop(timeout_s=5)

    def connect(self, path: str, *rooms: str) -> Client:
        """Return a client that has joined a path, and is an anonymous member of rooms."""
        client = Client()
        self.audience.join(path, client)
        self.joined.append((path, client))
        for room in rooms:
            name = Member(f"{id(client):x}", None, "", datetime.now(UTC))
            assert self.audience.enter(path, room, client, name)
        return client

    async def settle(self, path: str, *clients: Client) -> None:
        """Wait until everything that was sent before has arrived."""
        self._layer.publish(path, Event(LAST, b"{}"))
        await until(lambda: all(client.got[-1:] == [LAST] for client in clients))
        for client in clients:
            client.got.pop()

    @property
    def told(self) -> list[tuple[str, str, bool]]:
        """The changes of presence that were told so far: room, name, whether it came."""
        return [(each.room, each.member.name, each.is_there) for each in self.changes]

    # Paths.

    async def test_who_waits_for_each_event_lets_others_have_their_turn(self, layer: Layer) -> None:
        turns: list[int] = []
        for number in range(10):
            asyncio.get_running_loop().call_soon(turns.append, number)
            await layer.apublish("/x", Event("e", b"{}"))
        assert turns == [*range(10)]

    async def test_connections_come_and_go_by_path(self, layer: Layer) -> None:
        a, b, c = self.connect("/x"), self.connect("/x"), self.connect("/y")
        assert self.audience.connections("/x") == [a, b]
        assert self.audience.connections(None) == [a, b, c]
        counts = (
            self.audience.count("/x"),
            self.audience.count("/y"),
            self.audience.count("/z"),
            self.audience.count(),
        )
        assert counts == (2, 1, 0, 3)
        for path in ("/x", "/x", "/z"):
            assert self.audience.leave(path, a) == frozenset()
        assert self.audience.connections("/x") == [b]
        assert self.audience.count() == 2

    async def test_a_message_reaches_every_client_of_its_path_as_one_frame(
        self, layer: Layer
    ) -> None:
        a, b, other = self.connect("/x"), self.connect("/x"), self.connect("/y")
        layer.publish("/x", Event("news", b"{}"))
        await until(lambda: a.got == b.got == ["news"])
        assert a.frames[0] is b.frames[0]
        await self.settle("/y", other)
        assert other.got == []

    async def test_a_message_reaches_those_who_are_named_and_not_those_who_are_excluded(
        self, layer: Layer
    ) -> None:
        a, b, c = (self.connect("/x") for _ in range(3))
        self.audience.send("/x", Outgoing("some", b"{}"), [a, b], without=[b.id])
        layer.publish("/x", Event("others", b"{}", without=[c.id]))
        await self.settle("/x", a, b, c)
        assert (a.got, b.got, c.got) == (["some", "others"], ["others"], [])

    async def test_a_client_that_cannot_be_reached_never_stops_the_others(
        self, layer: Layer, caplog: pytest.LogCaptureFixture
    ) -> None:
        dead, alive = self.connect("/x", "r"), self.connect("/x", "r")
        dead.error = OSError("gone")
        layer.publish("/x", Event("all", b"{}"))
        layer.publish("/x", Event("room", b"{}", rooms=["r"]))
        await until(lambda: alive.got == ["all", "room"])
        assert caplog.text.count("could not send to a client of /x") == 2

    async def test_some_clients_are_closed_or_all(self, layer: Layer) -> None:
        a, b, other = self.connect("/x"), self.connect("/x"), self.connect("/y")
        self.audience.close_each([a, b], 4501, "session ended")
        assert a.closed == b.closed == [(4501, "session ended")]
        assert other.closed == []
        assert self.audience.count() == 3  # each leaves when its connection has ended
        self.audience.close_all(1001, "bye")
        assert [each.closed[-1] for each in (a, b, other)] == [(1001, "bye")] * 3

    async def test_nobody_can_be_reached_from_a_process_without_server(self, layer: Layer) -> None:
        await runtime.stop(timeout_s=5)
        with pytest.raises(ServerNotRunningError):
            layer.publish("/x", Event("news", b"{}"))
        with pytest.raises(ServerNotRunningError):
            layer.publish("/x", Event("news", b"{}", rooms=["r"]))
        runtime.start(threads=1)

    # Rooms.

    async def test_a_message_to_rooms_reaches_each_of_their_clients_once(
        self, layer: Layer
    ) -> None:
        both, one, none = self.connect("/x", "a", "b"), self.connect("/x", "b"), self.connect("/x")
        elsewhere = self.connect("/y", "a", "b")
        layer.publish("/x", Event("both", b"{}", rooms=["a", "b"]))
        layer.publish("/x", Event("a", b"{}", rooms=["a"]))
        layer.publish("/x", Event("empty", b"{}", rooms=["c"]))
        layer.publish("/x", Event("nowhere", b"{}", rooms=[]))
        layer.publish("/x", Event("not one", b"{}", rooms=["b", "a"], without=[one.id]))
        await self.settle("/x", both, one, none)
        await self.settle("/y", elsewhere)
        assert both.got == ["both", "a", "not one"]
        assert one.got == ["both"]
        assert none.got == elsewhere.got == []

    async def test_a_room_is_entered_and_left_once(self, layer: Layer) -> None:
        client = self.connect("/x", "a", "b")
        assert self.audience.enter("/x", "a", client, member("ann"))
        assert self.audience.rooms(client) == {"a", "b"}
        self.audience.exit("/x", "a", client)
        self.audience.exit("/x", "a", client)
        self.audience.exit("/x", "never", client)
        assert self.audience.rooms(client) == {"b"}
        assert self.audience.leave("/x", client) == {"b"}
        assert self.audience.rooms(client) == frozenset()

    async def test_who_has_not_joined_the_path_or_has_left_it_enters_no_room(
        self, layer: Layer
    ) -> None:
        stranger, gone = Client(), self.connect("/x")
        self.audience.leave("/x", gone)
        for client in (stranger, gone):
            assert not self.audience.enter("/x", "a", client, member("ann"))
        assert layer.presence("/x", "a") == []
        assert self.changes == []

    async def test_a_connection_is_in_no_more_rooms_than_it_may(self, layer: Layer) -> None:
        client = self.connect("/x", "a")
        assert self.audience.enter("/x", "of its user", client)
        assert self.audience.enter("/x", "b", client, member("ann"), limit=3)
        with pytest.raises(TooManyRoomsError, match=r"cannot join 'c': limits\['rooms'\] is 2"):
            self.audience.enter("/x", "c", client, member("ann"), limit=2)
        assert self.audience.enter("/x", "b", client, member("ann"), limit=2)
        self.audience.exit("/x", "a", client)
        assert self.audience.enter("/x", "c", client, member("ann"), limit=3)

    async def test_a_thread_sends_in_the_order_of_its_joining_and_leaving(
        self, layer: Layer
    ) -> None:
        client = self.connect("/x")

        def thread() -> None:
            for number in range(100):
                self.audience.enter("/x", "r", client, member("ann"))
                layer.publish("/x", Event(f"in {number}", b"{}", rooms=["r"]))
                self.audience.exit("/x", "r", client)
                layer.publish("/x", Event(f"out {number}", b"{}", rooms=["r"]))

        await asyncio.to_thread(thread)
        await self.settle("/x", client)
        assert client.got == [f"in {number}" for number in range(100)]

    # Presence.

    async def test_a_member_is_present_once_however_many_connections(self, layer: Layer) -> None:
        first, second, other = (self.connect("/x") for _ in range(3))
        ann, bob = member("ann"), member("bob")
        self.audience.enter("/x", "r", first, ann)
        self.audience.enter("/x", "r", other, bob)
        self.audience.enter("/x", "r", second, member("ann"))
        assert layer.presence("/x", "r") == [ann, bob]  # since the first of hers
        self.audience.exit("/x", "r", first)
        assert layer.presence("/x", "r") == [ann, bob]
        self.audience.leave("/x", second)
        assert layer.presence("/x", "r") == [bob]
        assert layer.presence("/y", "r") == layer.presence("/x", "s") == []
        await until(lambda: len(self.changes) == 3)
        assert self.told == [("r", "ann", True), ("r", "bob", True), ("r", "ann", False)]
        assert [each.connection for each in self.changes] == [first, other, second]
        assert self.changes[-1].member == ann

    async def test_who_comes_back_is_there_since_then(self, layer: Layer) -> None:
        client = self.connect("/x")
        self.audience.enter("/x", "r", client, member("ann"))
        self.audience.exit("/x", "r", client)
        again = member("ann")
        self.audience.enter("/x", "r", client, again)
        assert layer.presence("/x", "r") == [again]
        await until(lambda: len(self.changes) == 3)

    async def test_a_room_without_members_has_no_presence(self, layer: Layer) -> None:
        client = self.connect("/x", "named")
        self.audience.enter("/x", "\x00user:1", client)
        layer.publish("/x", Event("to the user", b"{}", rooms=["\x00user:1"]))
        await self.settle("/x", client)
        assert client.got == ["to the user"]
        assert layer.presence("/x", "\x00user:1") == []
        assert self.audience.rooms(client) == self.audience.leave("/x", client) == {"named"}

    async def test_changes_are_told_on_the_event_loop_in_their_order(self, layer: Layer) -> None:
        """Also when a thread and the loop take turns, and the thread's calls wait for the loop."""
        client = self.connect("/x")
        here = threading.get_ident()
        threads: list[int] = []

        def told(change: PresenceChange) -> None:
            threads.append(threading.get_ident())
            self.changes.append(change)

        self.audience.presence_changed = told
        entering = threading.Thread(
            target=self.audience.enter, args=("/x", "r", client, member("ann"))
        )
        entering.start()
        entering.join()  # the loop has had no turn
        self.audience.exit("/x", "r", client)
        await until(lambda: len(self.changes) == 2)
        assert self.told == [("r", "ann", True), ("r", "ann", False)]
        assert threads == [here, here]

    async def test_what_is_told_may_lead_to_more(self, layer: Layer) -> None:
        client = self.connect("/x")

        def told(change: PresenceChange) -> None:
            self.changes.append(change)
            if change.room == "a":
                self.audience.enter("/x", "b", client, member("ann"))

        self.audience.presence_changed = told
        self.audience.enter("/x", "a", client, member("ann"))
        await until(lambda: len(self.changes) == 2)
        assert self.told == [("a", "ann", True), ("b", "ann", True)]

    async def test_nothing_has_to_listen(self, layer: Layer) -> None:
        self.audience.presence_changed = None
        client = self.connect("/x", "r")
        self.audience.leave("/x", client)
        assert layer.presence("/x", "r") == []

    # Much of it.

    async def test_a_message_to_a_room_costs_nothing_to_those_outside(self, layer: Layer) -> None:
        """Of 5000 clients nobody is looked at but the ten of the room."""
        crowd = [self.connect("/x", f"room {number % 500}") for number in range(5000)]
        for client in crowd:
            client.looked_at = 0
        layer.publish("/x", Event("news", b"{}", rooms=["room 7"]))
        inside = crowd[7::500]
        await until(lambda: all(client.got == ["news"] for client in inside))
        assert [client.looked_at for client in inside] == [1] * 10  # it was sent to
        assert sum(client.looked_at for client in crowd) == 10

    async def test_threads_and_the_loop_leave_nothing_behind(self, layer: Layer) -> None:
        """One client after the other goes, while threads let it enter and leave the same rooms."""
        clients = [self.connect("/x") for _ in range(50)]
        current = clients[0]
        is_over = False
        errors: list[BaseException] = []

        def wander() -> None:
            try:
                while not is_over:
                    for room in ("a", "b"):
                        client = current
                        self.audience.enter("/x", room, client, member(f"{id(client)}"), limit=50)
                        with contextlib.suppress(LayerUnavailableError):  # more than it takes
                            layer.publish("/x", Event("news", b"{}", rooms=[room]))
                        layer.presence("/x", room)
                        self.audience.rooms(client)
                        self.audience.exit("/x", room, client)
                    turn = threading.Event()  # or the loop would be ever further behind
                    runtime.call(turn.set)
                    turn.wait(10)
            except BaseException as error:  # noqa: BLE001  told by the test
                errors.append(error)

        threads = [threading.Thread(target=wander) for _ in range(4)]
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)  # threads take turns anywhere
        try:
            for thread in threads:
                thread.start()
            for current in clients:
                await asyncio.sleep(0.02)
                self.audience.leave("/x", current)
            is_over = True
            async with asyncio.timeout(60):
                while any(thread.is_alive() for thread in threads):
                    await asyncio.sleep(0.01)
        finally:
            is_over = True
            sys.setswitchinterval(interval)
        assert errors == []
        assert self.audience.connections(None) == []
        assert [client for client in clients if self.audience.rooms(client)] == []
        assert layer.presence("/x", "a") == layer.presence("/x", "b") == []
        await until(lambda: len(self.changes) % 2 == 0)
        assert len(self.changes) > len(clients)
        assert _are_balanced(self.changes)


def _are_balanced(changes: list[PresenceChange]) -> bool:
    """Return whether each member came and went in turns, and is gone."""
    there: set[tuple[str, str]] = set()
    for change in changes:
        key = (change.room, change.member.id)
        if (key in there) is change.is_there:
            return False
        (there.add if change.is_there else there.remove)(key)
    return not there

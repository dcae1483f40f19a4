"""What every module has in common."""

from __future__ import annotations

from typing import Any

import pytest

from tornado_websockets.exceptions import (
    InvalidInstanceError,
    ModuleNotBoundError,
    NotCallableError,
)
from tornado_websockets.layers import audience
from tornado_websockets.message import Data, encode
from tornado_websockets.modules import Module
from tornado_websockets.testing import Server
from tornado_websockets.websocket import WebSocket


class Counter(Module):
    kind = "counter"

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self.opened = 0
        self.events: list[tuple[str, Data]] = []

    def heard(self, event: str, data: Data) -> None:
        if event == "bad":
            raise ValueError("a module that fails")
        self.events.append((event, data))

    def initialize(self) -> None:
        async def open() -> None:
            self.opened += 1

        self.on(open)


def test_a_module_is_abstract() -> None:
    with pytest.raises(TypeError, match="initialize"):
        Module()  # type: ignore[abstract]


@pytest.mark.parametrize(
    ("name", "prefix"),
    [("", "module_counter_"), (" ", "module_counter_"), ("foo", "module_counter_foo_")],
)
def test_the_prefix_has_no_double_underscore(name: str, prefix: str) -> None:
    assert Counter(name).prefix == prefix


def test_a_name_is_a_string() -> None:
    with pytest.raises(InvalidInstanceError, match="a name for the module"):
        Counter(1)  # type: ignore[arg-type]


def test_callbacks_may_be_registered_before_the_module_is_bound() -> None:
    ws, counter = WebSocket("/count"), Counter("foo")

    @counter.on
    def reset() -> None: ...

    with pytest.raises(NotCallableError):

        @counter.on
        def wrong(unknown: Any) -> None: ...

    ws.bind(counter)

    @counter.on
    def start() -> None: ...

    assert list(ws.events) == ["module_counter_foo_reset", "module_counter_foo_start"]


def test_a_module_belongs_to_one_websocket() -> None:
    counter = Counter()
    WebSocket("/a").bind(counter)
    with pytest.raises(InvalidInstanceError, match="not bound to /a"):
        WebSocket("/b").bind(counter)


def test_a_module_that_is_not_bound_cannot_send() -> None:
    with pytest.raises(ModuleNotBoundError, match="bind"):
        Counter("foo").emit("news")


async def test_hooks_run_in_addition_to_the_users_open(server: Server) -> None:
    ws, counter, other = WebSocket("/count"), Counter(), Counter("other")
    ws.bind(counter)
    ws.bind(other)

    @ws.on
    async def open(socket: Any) -> None:
        socket.emit("opened", {"counts": [counter.opened, other.opened]})

    client = await server.connect("/count")
    assert await client.receive() == ("opened", {"counts": [1, 1]})


async def test_events_of_a_module_travel_behind_its_prefix(server: Server) -> None:
    ws, counter = WebSocket("/count"), Counter("foo")
    ws.bind(counter)

    @counter.on
    async def start(data: Any) -> None:
        counter.emit("started", data)

    client = await server.connect("/count")
    client.emit("module_counter_foo_start", {"n": 1})
    assert await client.receive() == ("module_counter_foo_started", {"n": 1})


def from_another_process(path: str, event: str, data: Any = None) -> None:
    """Hear what a shared layer has brought."""
    audience.heard(path, event, encode(event, data))


def test_a_module_hears_what_it_sent_in_another_process() -> None:
    ws, other = WebSocket("/chat"), WebSocket("/other")
    named, unnamed, elsewhere = Counter("foo"), Counter(), Counter("foo")
    ws.bind(named)
    ws.bind(unnamed)
    other.bind(elsewhere)
    from_another_process("/chat", "module_counter_foo_up", {"by": {"n": 2}})
    from_another_process("/chat", "module_counter_down")
    from_another_process("/chat", "module_other_up")
    from_another_process("/nowhere", "module_counter_up")
    [(event, data)] = named.events
    assert (event, data.by.n) == ("up", 2)
    # The name of one may look like another's.
    assert [event for event, _ in unnamed.events] == ["foo_up", "down"]
    assert elsewhere.events == []


def test_a_module_that_cannot_hear_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    ws = WebSocket("/chat")
    counter = ws.bind(Counter())
    from_another_process("/chat", "module_counter_bad")
    audience.heard("/chat", "module_counter_up", b"no JSON")
    from_another_process("/chat", "module_counter_up")
    assert [event for event, _ in counter.events] == ["up"]
    assert len([record for record in caplog.records if record.exc_info]) == 2


def test_a_module_hears_nothing_when_its_path_is_given_back() -> None:
    ws = WebSocket("/chat")
    counter = ws.bind(Counter())
    ws.unregister()
    WebSocket("/chat")
    from_another_process("/chat", "module_counter_up")
    assert counter.events == []

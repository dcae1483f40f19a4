"""What is read of one path."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tws_admin.feed.conftest import row
from tornado_websockets.modules import ProgressBar
from tornado_websockets.testing import Server
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin.feed.paths import PathReader
from tws_admin.feed.reading import Reader


async def may(user: Any, request: Any) -> bool:
    return False


class Rule:
    """A permission that is an object."""

    def __call__(self, user: Any, request: Any) -> bool:
        return False


async def test_a_path_tells_of_its_events_and_where_they_were_written(reader: Reader) -> None:
    chat = WebSocket("/chat")

    @chat.on
    async def say() -> None: ...

    @chat.on
    def store() -> None: ...

    reader.measure()
    found = row(reader, "/chat")
    line = say.__code__.co_firstlineno
    assert found["declared"] == chat.place
    assert found["events"] == [
        {
            "event": name,
            "calls": 0,
            "errors": 0,
            "p50_ms": None,
            "p95_ms": None,
            "p99_ms": None,
            "callback": f"{__name__}:{line + 3 * index}",
            "is_async": name == "say",
        }
        for index, name in enumerate(["say", "store"])
    ]


async def test_the_hook_of_a_module_is_shown_where_there_is_no_callback(reader: Reader) -> None:
    path = WebSocket("/work")
    path.bind(ProgressBar("upload"))
    reader.measure()
    [event] = row(reader, "/work")["events"]
    assert event["event"] == "open"
    assert event["callback"].startswith("tornado_websockets.modules.progressbar:")
    assert row(reader, "/work")["modules"] == [{"kind": "progressbar", "name": "upload"}]


async def test_events_and_modules_may_be_added_later(reader: Reader) -> None:
    path = WebSocket("/work")
    reader.measure()
    assert row(reader, "/work")["modules"] == []

    @path.on
    async def say() -> None: ...

    path.bind(ProgressBar())
    path.stats.events["nobody"].latency.add(5)
    reader.measure()
    found = row(reader, "/work")
    assert found["modules"] == [{"kind": "progressbar", "name": ""}]
    assert [event["event"] for event in found["events"]] == ["say", "open", "nobody"]
    assert found["events"][-1]["callback"] is None


@pytest.mark.parametrize(
    ("options", "rules"),
    [
        ({}, {"login_required": False, "permission": None, "require_origin": None}),
        ({"login_required": True}, {"login_required": True, "require_origin": True}),
        ({"permission": "auth.add_user"}, {"permission": "auth.add_user"}),
        ({"permission": may}, {"permission": f"{__name__}.may"}),
        ({"permission": Rule()}, {"permission": f"{__name__}.Rule"}),
        ({"allowed_origins": ["https://a.example"]}, {"origins": ["https://a.example"]}),
        ({"require_origin": True}, {"require_origin": True}),
    ],
)
async def test_a_path_tells_who_may_connect(
    reader: Reader, options: dict[str, Any], rules: dict[str, Any]
) -> None:
    WebSocket("/chat", **options)
    reader.measure()
    assert row(reader, "/chat")["rules"].items() >= rules.items()


async def test_what_has_not_changed_is_the_same_object(server: Server, reader: Reader) -> None:
    """So that a path on which nothing happens costs next to nothing."""
    WebSocket("/busy")
    WebSocket("/idle")
    reader.measure()
    busy, idle = row(reader, "/busy"), row(reader, "/idle")
    await server.connect("/busy")
    reader.measure()
    assert row(reader, "/idle") is idle
    assert row(reader, "/busy") is not busy


async def test_rates_are_of_the_time_between_two_readings(server: Server) -> None:
    chat = WebSocket("/chat")

    @chat.on
    async def say(socket: WebSocketHandler) -> None:
        socket.emit("said")
        socket.emit("said")

    client = await server.connect("/chat")
    reader = PathReader(chat, is_new=True)
    reader.read(1.0)
    assert reader.rates == {}
    for _ in range(6):
        client.emit("say")
        await client.receive()
        await client.receive()
    reader.read(2.0)
    assert reader.rates == {"events_in": 3.0, "events_out": 6.0}
    reader.read(1.0)
    assert reader.rates == {"events_in": 0.0, "events_out": 0.0}

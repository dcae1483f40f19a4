"""The opening handshake, RFC 6455 section 4.2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.rawclient import text
from tests.tornado_websockets.wire.conftest import Serve
from tornado_websockets.tornadowrapper import TornadoWrapper
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler

GOOD = "dGhlIHNhbXBsZSBub25jZQ=="


class Choosing(WebSocketHandler):
    """A handler that speaks a subprotocol, as Tornado documents it."""

    def prepare(self) -> None:
        super().prepare()
        self.set_header("X-Served-By", "a test")

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return "chat.v2" if "chat.v2" in subprotocols else None


@pytest.fixture
def choosing() -> None:
    websocket = WebSocket("/plain")
    TornadoWrapper.add_handler((r"/ws/choosing", Choosing, {"websocket": websocket}))


@pytest.mark.parametrize(
    "key", ["", "short", "dGhlIHNhbXBsZSBub25jZQ=", "!" * 24, f"{GOOD},{GOOD}"]
)
async def test_a_key_that_is_none_is_refused(key: str, choosing: None, serve: Serve) -> None:
    async with serve() as connect, connect("/plain", Sec_WebSocket_Key=key) as client:
        assert client.head.startswith("HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("Upgrade", "h2c", 400),
        ("Connection", "close", 400),
        ("Sec_WebSocket_Version", "8", 426),
        ("Sec_WebSocket_Version", "13, 8", 426),
        ("Connection", "keep-alive, Upgrade", 101),
        ("Upgrade", "WebSocket", 101),
    ],
)
async def test_the_headers_of_a_handshake(
    name: str, value: str, status: int, choosing: None, serve: Serve
) -> None:
    async with serve() as connect, connect("/plain", **{name: value}) as client:
        assert client.head.startswith(f"HTTP/1.1 {status} ")
        assert ("Sec-Websocket-Version: 13" in client.head) == (status == 426)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [("chat.v1, chat.v2", "chat.v2"), ("chat.v1", None), ("", None), (" chat.v2 ,,", "chat.v2")],
)
async def test_a_handler_chooses_among_the_subprotocols_that_are_offered(
    offered: str, chosen: str | None, choosing: None, serve: Serve
) -> None:
    async with (
        serve() as connect,
        connect("/choosing", Sec_WebSocket_Protocol=offered) as client,
    ):
        assert client.head.startswith("HTTP/1.1 101 ")
        assert "X-Served-By: a test" in client.head
        assert (f"Sec-WebSocket-Protocol: {chosen}" in client.head) == (chosen is not None)
        client.send(text("{}"))
        assert b"missing_event" in (await client.receive()).payload


async def test_a_subprotocol_that_was_not_offered_is_an_error_of_the_server(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, choosing: None
) -> None:
    always: Callable[[Any, list[str]], str] = lambda self, offered: "chat.v9"  # noqa: E731
    monkeypatch.setattr(Choosing, "select_subprotocol", always)
    async with (
        serve() as connect,
        connect("/choosing", Sec_WebSocket_Protocol="chat.v1") as client,
    ):
        assert client.head.startswith("HTTP/1.1 500 ")

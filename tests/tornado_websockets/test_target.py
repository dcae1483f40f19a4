"""Some of the clients of a path, whoever that is when something is sent.

How each way of sending reaches them is in `test_broadcaster`.
"""

from __future__ import annotations

import dataclasses

import pytest

from tests.tornado_websockets.test_broadcaster import crowd, got
from tornado_websockets.testing import Server
from tornado_websockets.websocket import WebSocket


async def test_a_target_keeps_who_is_there_when_something_is_sent(server: Server) -> None:
    ws = WebSocket("/chat")
    target = ws.to("r")
    late, early = await crowd(server, ws, "", "r")
    target.broadcast("first")
    ws[0].join("r")
    ws[1].leave("r")
    target.broadcast("second")
    assert await got(ws, late, early) == [["second"], ["first"]]
    assert target == ws.to("r")
    with pytest.raises(dataclasses.FrozenInstanceError):
        target.rooms = ()  # type: ignore[misc]

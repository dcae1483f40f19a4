"""Paths, events and bars with hostile names."""

from __future__ import annotations

from tests.browser.hostile import CORPUS
from tornado_websockets.message import Data
from tornado_websockets.modules import ProgressBar
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler


async def say(socket: WebSocketHandler, data: Data) -> None:
    socket.emit(data["text"], {data["text"]: data["text"]})


for hostile in CORPUS:
    websocket = WebSocket(f"/{hostile}")
    bar = ProgressBar(hostile)
    bar.on(say)  # a module's name is in the name of its event
    websocket.bind(bar)

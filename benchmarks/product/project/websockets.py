"""The WebSocket that is measured: callbacks on the event loop, and one in a thread."""

from __future__ import annotations

import os

from tornado_websockets.message import Data
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler

history = os.environ.get("BENCH_HISTORY")
bench = WebSocket("/bench", history=int(history) if history else None)


@bench.on
async def message(socket: WebSocketHandler, data: Data) -> None:
    """Answer with what came."""
    socket.emit("message", data)


@bench.on
def threaded(socket: WebSocketHandler, data: Data) -> None:
    """Answer with what came, from a thread."""
    socket.emit("threaded", data)


@bench.on
async def shout(data: Data) -> None:
    """Send what came to every client."""
    bench.emit("shout", data)

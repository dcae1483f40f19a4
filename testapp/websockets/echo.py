"""An echo: what a client sends comes back to it."""

from tornado_websockets.message import Data
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler

ws = WebSocket("/echo")


@ws.on
async def message(socket: WebSocketHandler, data: Data) -> None:
    socket.emit("message", data)

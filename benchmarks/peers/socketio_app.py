"""python-socketio as an ASGI application, events in order, no polling."""

from __future__ import annotations

from typing import Any

import orjson
import socketio


class Json:
    """What python-socketio asks of a JSON module."""

    loads = staticmethod(orjson.loads)

    @staticmethod
    def dumps(value: Any, **options: Any) -> str:
        return orjson.dumps(value).decode()


server = socketio.AsyncServer(
    async_mode="asgi", transports=["websocket"], json=Json, async_handlers=False
)


@server.on("message")
async def message(sid: str, data: Any) -> None:
    await server.emit("message", data, to=sid)


@server.on("shout")
async def shout(_sid: str, data: Any) -> None:
    await server.emit("shout", data)


application = socketio.ASGIApp(server)

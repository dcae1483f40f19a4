"""python-socketio as an ASGI application, events in order, no polling.

BENCH_REDIS is the URL that its manager has; without, it has none.
"""

from __future__ import annotations

import os
from typing import Any

import orjson
import socketio


class Json:
    """What python-socketio asks of a JSON module."""

    loads = staticmethod(orjson.loads)

    @staticmethod
    def dumps(value: Any, **options: Any) -> str:
        return orjson.dumps(value).decode()


url = os.environ.get("BENCH_REDIS")
server = socketio.AsyncServer(
    async_mode="asgi",
    client_manager=socketio.AsyncRedisManager(url) if url else None,
    transports=["websocket"],
    json=Json,
    async_handlers=False,
)


@server.on("message")
async def message(sid: str, data: Any) -> None:
    await server.emit("message", data, to=sid)


@server.on("shout")
async def shout(_sid: str, data: Any) -> None:
    await server.emit("shout", data)


application = socketio.ASGIApp(server)

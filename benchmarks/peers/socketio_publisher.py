"""Emits to the clients of python-socketio from a process that serves nobody."""

from __future__ import annotations

import os

import socketio
import uvloop
from publishing import EVENT, events
from socketio_app import Json


async def main() -> None:
    manager = socketio.AsyncRedisManager(os.environ["BENCH_REDIS"], write_only=True, json=Json)
    for data in events():
        await manager.emit(EVENT, data)


if __name__ == "__main__":
    uvloop.run(main())

"""Tornado with uvloop and orjson, a broadcast framed once and written to each client's stream."""

from __future__ import annotations

import asyncio
import sys

import orjson
import uvloop
from tornado.web import Application
from tornado.websocket import WebSocketHandler

clients: set[Bench] = set()


class Bench(WebSocketHandler):
    def open(self, *args: str, **kwargs: str) -> None:
        clients.add(self)

    def on_close(self) -> None:
        clients.discard(self)

    def on_message(self, message: str | bytes) -> None:
        envelope = orjson.loads(message)
        reply = orjson.dumps({"event": envelope["event"], "data": envelope["data"]})
        if envelope["event"] == "shout":
            frame = text_frame(reply)
            for client in clients:
                client.ws_connection.stream.write(frame)  # type: ignore[union-attr]
        else:
            self.write_message(reply.decode())


def text_frame(payload: bytes) -> bytes:
    if len(payload) < 126:
        return bytes((0x81, len(payload))) + payload
    return b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload


async def main(port: int) -> None:
    Application([("/ws/bench", Bench)]).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))

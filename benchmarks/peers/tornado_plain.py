"""Tornado as everybody writes it: json, write_message to each client, the standard loop."""

from __future__ import annotations

import asyncio
import json
import sys

from tornado.web import Application
from tornado.websocket import WebSocketHandler

clients: set[Bench] = set()


class Bench(WebSocketHandler):
    def open(self, *args: str, **kwargs: str) -> None:
        clients.add(self)

    def on_close(self) -> None:
        clients.discard(self)

    def on_message(self, message: str | bytes) -> None:
        envelope = json.loads(message)
        reply = json.dumps({"event": envelope["event"], "data": envelope["data"]})
        if envelope["event"] == "shout":
            for client in clients:
                client.write_message(reply)
        else:
            self.write_message(reply)


async def main(port: int) -> None:
    Application([("/ws/bench", Bench)]).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))

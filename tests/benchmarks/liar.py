"""A Tornado peer that cheats as its second argument says: alters or repeats replies, or closes."""

from __future__ import annotations

import asyncio
import sys

from tornado.web import Application
from tornado.websocket import WebSocketHandler


class Bench(WebSocketHandler):
    count = 0

    def on_message(self, message: str | bytes) -> None:
        Bench.count += 1
        if Bench.count < 5:
            self.write_message(message)
        elif sys.argv[2] == "alters":
            self.write_message('{"event":"message","data":{}}')
        elif sys.argv[2] == "repeats":
            text = message if isinstance(message, bytes) else message.encode()
            frame = bytes((0x81, len(text))) + text
            self.ws_connection.stream.write(frame * 2)  # type: ignore[union-attr]
        elif sys.argv[2] == "closes":
            self.close(1011)
        else:
            raise SystemExit(f"expected a way to cheat, got {sys.argv[2]!r}")


async def main(port: int) -> None:
    Application([("/ws/bench", Bench)]).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))

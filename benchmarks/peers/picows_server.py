"""picows, its low-level interface, with uvloop and orjson."""

from __future__ import annotations

import sys

import orjson
import uvloop
from picows import (
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    ws_create_server,
)

clients: set[WSTransport] = set()


class Bench(WSListener):
    def on_ws_connected(self, transport: WSTransport) -> None:
        clients.add(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        clients.discard(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type != WSMsgType.TEXT:
            transport.disconnect()
            return
        envelope = orjson.loads(frame.get_payload_as_memoryview())
        reply = orjson.dumps({"event": envelope["event"], "data": envelope["data"]})
        if envelope["event"] == "shout":
            for client in clients:
                client.send(WSMsgType.TEXT, reply)
        else:
            transport.send(WSMsgType.TEXT, reply)


def listener(_request: WSUpgradeRequest) -> WSListener:
    return Bench()


async def main(port: int) -> None:
    server = await ws_create_server(listener, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))

"""websockets, its asyncio server. Arguments: port, then any of: stdlib, deflate."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

options = sys.argv[2:]
clients: set[ServerConnection] = set()
loads: Any
dumps: Any
decode: bool | None
if "stdlib" in options:
    loads, dumps, decode = json.loads, json.dumps, None
else:
    import orjson

    # Text in bytes goes between the socket and orjson without being a str.
    loads, dumps, decode = orjson.loads, orjson.dumps, False


async def bench(connection: ServerConnection) -> None:
    clients.add(connection)
    try:
        while True:
            envelope = loads(await connection.recv(decode=decode))
            reply = dumps({"event": envelope["event"], "data": envelope["data"]})
            if envelope["event"] == "shout":
                broadcast(clients, reply, text=True)
            else:
                await connection.send(reply, text=True)
    except ConnectionClosed:
        pass
    finally:
        clients.discard(connection)


async def main(port: int) -> None:
    compression = "deflate" if "deflate" in options else None
    async with serve(bench, "127.0.0.1", port, compression=compression) as server:
        await server.serve_forever()


if __name__ == "__main__":
    if "stdlib" in options:
        run: Any = asyncio.run
    else:
        import uvloop

        run = uvloop.run
    run(main(int(sys.argv[1])))

"""Sends to the group of Channels from a process that serves nobody."""

from __future__ import annotations

import channels_site  # noqa: F401  the settings
import orjson
import uvloop
from channels.layers import get_channel_layer
from publishing import EVENT, events


async def main() -> None:
    layer = get_channel_layer()
    for data in events():
        text = orjson.dumps({"event": EVENT, "data": data}).decode()
        await layer.group_send("bench", {"type": "deliver", "text": text})


if __name__ == "__main__":
    uvloop.run(main())

"""Channels: a consumer of JSON in a group, origins checked.

BENCH_REDIS is the URL of its layer; without, it is the one in memory.
"""

from __future__ import annotations

import os
from typing import Any

import django
import orjson
from django.conf import settings

layer: dict[str, Any] = {"BACKEND": "channels.layers.InMemoryChannelLayer"}
if url := os.environ.get("BENCH_REDIS"):
    layer = {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [url]},
    }
settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    CHANNEL_LAYERS={"default": layer},
    INSTALLED_APPS=["channels"],
    SECRET_KEY="only for the benchmark",  # noqa: S106
)
django.setup()

from channels.generic.websocket import AsyncJsonWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.urls import path  # noqa: E402


class Bench(AsyncJsonWebsocketConsumer):
    groups = ["bench"]

    async def receive_json(self, content: dict[str, Any], **kwargs: Any) -> None:
        envelope = {"event": content["event"], "data": content["data"]}
        if content["event"] == "shout":
            text = await self.encode_json(envelope)  # once, not in each consumer
            await self.channel_layer.group_send("bench", {"type": "deliver", "text": text})
        else:
            await self.send_json(envelope)

    async def deliver(self, message: dict[str, Any]) -> None:
        await self.send(text_data=message["text"])

    @classmethod
    async def decode_json(cls, text_data: str) -> Any:
        return orjson.loads(text_data)

    @classmethod
    async def encode_json(cls, content: Any) -> str:
        return orjson.dumps(content).decode()


application = ProtocolTypeRouter(
    {"websocket": AllowedHostsOriginValidator(URLRouter([path("ws/bench", Bench.as_asgi())]))}
)

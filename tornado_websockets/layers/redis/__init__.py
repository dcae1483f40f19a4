"""The layer of several processes: Redis, or Valkey, carries what they send each other."""

from __future__ import annotations

from tornado_websockets.layers.redis.layer import RedisLayer

__all__ = ["RedisLayer"]

"""The other nodes: who they are, what they tell and ask each other, who is in their rooms."""

from __future__ import annotations

from tornado_websockets.layers.redis.peers.peers import Peers

__all__ = ["Peers"]

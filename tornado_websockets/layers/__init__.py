"""Layers carry an event to every client of a path: the only loops over connections."""

from __future__ import annotations

from typing import Final

from tornado_websockets.layers.base import Connection, Layer, Member, PresenceChange
from tornado_websockets.layers.local import LocalLayer

__all__ = ["Connection", "Layer", "LocalLayer", "Member", "PresenceChange", "layer"]

layer: Final[Layer] = LocalLayer()
"""The layer of this process."""

"""Layers carry an event to every client of a path, in this process and in others."""

from __future__ import annotations

from tornado_websockets.layers.audience import Audience
from tornado_websockets.layers.base import Layer
from tornado_websockets.layers.choice import audience, layer
from tornado_websockets.layers.connection import Connection, Member, PresenceChange
from tornado_websockets.layers.event import Event
from tornado_websockets.layers.local import LocalLayer
from tornado_websockets.layers.nodes import Answers, Node, NodeState

__all__ = [
    "Answers",
    "Audience",
    "Connection",
    "Event",
    "Layer",
    "LocalLayer",
    "Member",
    "Node",
    "NodeState",
    "PresenceChange",
    "audience",
    "layer",
]

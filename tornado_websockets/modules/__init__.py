"""Modules: events with a meaning of their own, bound to a WebSocket."""

from tornado_websockets.modules.module import Module
from tornado_websockets.modules.progressbar import ProgressBar

__all__ = ["Module", "ProgressBar"]

"""The event loop that serves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

uvloop: Any
try:
    import uvloop
except ImportError:  # the extra [speedups] is not installed
    uvloop = None

__all__ = ["loop_factory"]


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes uvloop's event loops, None for asyncio's own where it is not installed."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    if uvloop is not None:
        factory = uvloop.new_event_loop
    return factory

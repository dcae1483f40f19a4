"""How the server ends: what happens in which order, and how long each part may take."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Final

from tornado_websockets.layers import audience, layer
from tornado_websockets.layers.farewell import farewell
from tornado_websockets.runtime import runtime
from tornado_websockets.wire.server import Server
from tornado_websockets.wsgi import DjangoRouter

__all__ = ["Window", "shut_down"]

logger = logging.getLogger("tornado_websockets")

CLIENTS_LEAVE: Final = 1 / 3
"""Share of the time over which clients may be sent away."""

CLIENTS_WAIT: Final = 1 / 2
"""Share after which also those are sent away whose callbacks still run."""

REQUESTS: Final = 0.8
"""Share after which HTTP requests are cut, and clients that did not answer."""

REQUESTS_CUT: Final = 0.85
"""Share after which views are left behind that did not notice."""

CALLBACKS: Final = 0.9
"""Share after which callbacks are cancelled."""

CALLBACKS_CANCELLED: Final = 0.95
"""Share after which those are left behind that clean up; the rest is for Python's own end."""


class Window:
    """The time that the server has to end.

    Args:
        seconds: from now on.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._start = time.monotonic()

    def left(self, share: float) -> float:
        """Return the seconds until a share of the time has passed, 0 when it has."""
        return max(0.0, self._start + share * self._seconds - time.monotonic())


async def shut_down(server: Server, routers: Sequence[DjangoRouter], window: Window) -> None:
    """End a server that accepts no more connections.

    Clients, requests and callbacks have as long as the window says; nobody waits for its end when
    all are done earlier. What takes longer is cut, and told in the log.
    """
    runtime.is_stopping = True
    await asyncio.gather(_end_connections(window), _end_requests(server, routers, window))
    await _end_connections(window)  # those whose handshake was under way
    await runtime.stop(
        timeout_s=window.left(CALLBACKS),
        cancel_s=window.left(CALLBACKS_CANCELLED),
        last=layer().stop,  # it sends what callbacks say at the very end
    )


async def _end_connections(window: Window) -> None:
    given_up = await farewell(
        audience,
        leave_s=window.left(CLIENTS_LEAVE),
        wait_s=window.left(CLIENTS_WAIT),
        end_s=window.left(REQUESTS),
    )
    if given_up:
        logger.warning("%d clients did not answer the close in time", given_up)


async def _end_requests(server: Server, routers: Sequence[DjangoRouter], window: Window) -> None:
    unanswered = await server.finish_requests(window.left(REQUESTS))
    if unanswered:
        logger.warning("%d HTTP requests took too long and are cut", unanswered)
    for router in routers:  # it waits for requests that the loop has to finish
        await asyncio.to_thread(
            router.stop, grace_s=window.left(REQUESTS), cut_s=window.left(REQUESTS_CUT)
        )
    await server.close_all_connections()

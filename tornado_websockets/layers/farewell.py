"""How a crowd is sent away: not all at once, and not to come back all at once."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from typing import Final

from tornado_websockets.layers.audience import Audience
from tornado_websockets.layers.connection import Connection

__all__ = ["GOING_AWAY", "farewell"]

logger = logging.getLogger("tornado_websockets")

GOING_AWAY: Final = 1001
"""Close code, RFC 6455 section 7.4.1."""

LEAVING_PER_S: Final = 500
"""Clients that are sent away in a second, when the time allows."""

RETURNING_PER_S: Final = 125
"""Clients that come back in a second, when the time allows."""

RETURN_S: Final = 15.0
"""Seconds over which the return of any crowd is spread."""

RESTART_S: Final = 2.0
"""Seconds that a crowd is kept away for, so that a server can start in the place of this one."""

TICK_S: Final = 0.01
LOOKED_AT_PER_S: Final = 100_000
"""Connections that are looked at in a second, to see who is still there."""


async def farewell(audience: Audience, *, leave_s: float, wait_s: float, end_s: float) -> int:
    """Close every connection of this process with 1001, each behind its callbacks.

    The reason says when to come back, as "retry in 1234 ms": a moment of its own for each client,
    after the last one has left.

    Args:
        audience: has the connections.
        leave_s: seconds over which they may be spread; fewer clients take less.
        wait_s: seconds after which also those are closed whose callbacks still run.
        end_s: seconds after which those are given up that do not answer.

    Returns:
        How many were given up.
    """
    start = time.monotonic()
    told: set[Connection] = set()
    crowd = audience.count()
    leave_s = min(crowd / LEAVING_PER_S, leave_s)
    while audience.count():  # again for those whose handshake ends meanwhile
        connections = [each for each in audience.connections(None) if each not in told]
        for number, connection in enumerate(connections):
            passed_s = time.monotonic() - start
            due_s = leave_s * number / crowd if crowd else 0.0
            if due_s - passed_s > TICK_S:
                await asyncio.sleep(due_s - passed_s)
            _send_away(connection, _reason(crowd, max(0.0, leave_s - due_s)))
        told.update(connections)
        if time.monotonic() - start >= wait_s:
            break
        await asyncio.sleep(max(TICK_S, audience.count() / LOOKED_AT_PER_S))
    audience.close_all(GOING_AWAY, _reason(crowd, 0.0))
    while audience.count() and time.monotonic() - start < end_s:  # noqa: ASYNC110
        await asyncio.sleep(TICK_S)
    return audience.count()


def _send_away(connection: Connection, reason: str) -> None:
    try:
        connection.dismiss(GOING_AWAY, reason)
    except Exception:
        # One dead client never keeps the others.
        logger.exception("could not close %r", connection)


def _reason(crowd: int, leave_s: float) -> str:
    """Return the reason of a close, at most 123 bytes.

    Args:
        crowd: how many clients are sent away.
        leave_s: seconds until the last of them is.
    """
    restart_s = min(RESTART_S, 0.2 + crowd / 100)
    return_s = min(RETURN_S, crowd / RETURNING_PER_S)
    delay_s = leave_s + restart_s + random.random() * return_s  # noqa: S311  no secret
    return f"The server is going away: retry in {delay_s * 1000:.0f} ms."

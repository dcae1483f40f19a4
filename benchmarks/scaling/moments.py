"""How long it takes until all have what they wait for: formulas."""

from __future__ import annotations

import math
from typing import Final

from benchmarks.scaling.costs import Costs
from tornado_websockets.layers import farewell
from tornado_websockets.layers.redis.peers import roll

__all__ = [
    "FIRST_DELAY_S",
    "LEAVE_S",
    "NETWORK_S",
    "all_are_back_s",
    "all_have_it_s",
    "away",
    "beats_us",
    "ended_s",
    "noticed_s",
    "period_s",
    "wait_s",
]

NETWORK_S: Final = 0.0005
"""From one machine of a data centre to another one."""

FIRST_DELAY_S: Final = 0.5
"""The most that client.js waits before it tries again for the first time."""

LEAVE_S: Final = 10.0
"""The most over which a server sends its clients away: a third of ``shutdown_timeout``."""


def all_have_it_s(costs: Costs, nodes: int, connections: int) -> float:
    """Return when the last client of all has an event that goes to everybody.

    Args:
        nodes: how many servers there are.
        connections: of each of them.
    """
    redis_us = costs.redis_us(nodes)
    return (redis_us + costs.receive_us + connections * costs.delivery_us) / 1e6 + 2 * NETWORK_S


def wait_s(load: float, service_s: float) -> float:
    """Return how long an event waits on average for those before it: Pollaczek and Khinchine.

    Args:
        load: the share of its core that a server uses.
        service_s: how long each event takes it, always the same.
    """
    return load * service_s / (2 * (1 - load))


def all_are_back_s(crowd: int, nodes: int, each_us: float) -> float:
    """Return when the last of a crowd is back, that was cut off at one moment.

    Args:
        crowd: how many clients.
        nodes: how many servers they come back to, each to any of them.
        each_us: what one costs its server.
    """
    mean = crowd / nodes
    # Chance gives some server more than the others: the greatest of so many Poisson numbers.
    most = mean + math.sqrt(2 * mean * math.log(nodes)) if nodes > 1 else mean
    return max(FIRST_DELAY_S, most * each_us / 1e6)


def ended_s(crowd: int, nodes: int, each_us: float) -> float:
    """Return when the last client is back, of a server that is ended in good order.

    Args:
        crowd: its clients.
        nodes: how many servers they come back to, each to any of them.
        each_us: what one costs its server.
    """
    away_s, return_s = away(crowd)
    return away_s + max(return_s, all_are_back_s(crowd, nodes, each_us))


def away(crowd: int) -> tuple[float, float]:
    """Return how long a server keeps its clients away, and over how long they come back after it.

    In seconds, from when it begins to send them away.
    """
    leave_s = min(crowd / farewell.LEAVING_PER_S, LEAVE_S)
    restart_s = min(farewell.RESTART_S, 0.2 + crowd / 100)
    return leave_s + restart_s, min(farewell.RETURN_S, crowd / farewell.RETURNING_PER_S)


def period_s(nodes: int) -> float:
    """Return how often a server looks who is there, in seconds."""
    return roll.PERIOD_S * max(1.0, (nodes - 1) / roll.READERS)


def noticed_s(nodes: int) -> float:
    """Return how long after its death a server takes another one for gone, on average.

    It looks once in a period, sees the last beat half a period later, and asks for some silence of
    whole periods.
    """
    every_s = period_s(nodes)
    silence_s = roll.GONE_S + every_s - roll.PERIOD_S
    return math.ceil(silence_s / every_s) * every_s + (every_s - roll.PERIOD_S) / 2


def beats_us(costs: Costs, nodes: int) -> float:
    """Return the processor time of Redis in a second for servers that say that they are there."""
    looks_s = nodes / period_s(nodes)
    look_us = costs.read_us + nodes * costs.read_each_us
    return nodes * costs.beat_us / roll.PERIOD_S + looks_s * look_us

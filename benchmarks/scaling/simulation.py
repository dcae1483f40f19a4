"""The same as the formulas say, event by event: each simulation is a few queues, and chance."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from benchmarks.scaling.costs import Costs
from benchmarks.scaling.load import LIFETIME_S, Application
from benchmarks.scaling.moments import FIRST_DELAY_S, NETWORK_S, away, period_s
from tornado_websockets.layers.nodes import Node
from tornado_websockets.layers.redis.peers import roll

__all__ = [
    "all_are_back",
    "all_have_it",
    "beats",
    "busy",
    "ended",
    "noticed",
    "percentile",
    "waits",
]

JITTER: Final = 0.3
"""How much the time of each piece of work varies: its standard deviation, as a share of it."""

LATE_S: Final = 0.0001
"""How late a timer is, in seconds."""


def all_have_it(costs: Costs, nodes: int, connections: int, chance: random.Random) -> float:
    """Return when the last client of all has an event that goes to everybody, in seconds."""
    written_s, last_s = costs.redis_event_us / 1e6, 0.0
    for _ in range(nodes):
        written_s += _varied(costs.redis_subscriber_us / 1e6, chance)
        now_s = written_s + 2 * NETWORK_S + _varied(costs.receive_us / 1e6, chance)
        each_s = costs.delivery_us / 1e6
        spread_s = each_s * JITTER
        for _ in range(connections):
            now_s += max(0.0, chance.gauss(each_s, spread_s))
        last_s = max(last_s, now_s)
    return last_s


def waits(load: float, service_s: float, count: int, chance: random.Random) -> list[float]:
    """Return how long each of many events waits for those before it, in seconds."""
    waited, now_s, free_s = [], 0.0, 0.0
    for _ in range(count):
        now_s += chance.expovariate(load / service_s)
        waited.append(max(0.0, free_s - now_s))
        free_s = max(free_s, now_s) + service_s
    return waited


def all_are_back(crowd: int, nodes: int, each_us: float, chance: random.Random) -> float:
    """Return when the last of a crowd is back, that was cut off at one moment, in seconds."""
    return _last_back(crowd, 0.0, FIRST_DELAY_S, nodes, each_us, chance)


def ended(crowd: int, nodes: int, each_us: float, chance: random.Random) -> float:
    """Return when the last client of a server is back that is ended in good order, in seconds."""
    away_s, return_s = away(crowd)
    return _last_back(crowd, away_s, return_s, nodes, each_us, chance)


def busy(
    app: Application,
    costs: Costs,
    nodes: int,
    connections: int,
    seconds: float,
    chance: random.Random,
) -> float:
    """Return the share of its core that one of many servers uses for an application.

    What any client sends or is sent, and handshakes, come at random moments. Each event has its own
    audience, of which this server has a part by chance.
    """
    total = nodes * connections
    receive_s = (costs.receive_kept_us if app.kept else costs.receive_us) / 1e6
    delivery_s = costs.delivery_us / 1e6
    used_s = 0.0
    for _ in _moments(connections / LIFETIME_S, seconds, chance):
        used_s += costs.handshake_us / 1e6
    for _ in _moments(total * app.changes / LIFETIME_S, seconds, chance):
        used_s += receive_s
    for _ in range(int(app.fixed_s * seconds)):
        used_s += receive_s + _varied(delivery_s, chance, connections)
    for _ in _moments(total * (app.said_s + app.told_s), seconds, chance):
        is_own = chance.random() * nodes < 1
        if is_own and app.said_s:
            used_s += costs.send_us / 1e6 * app.said_s / (app.said_s + app.told_s)
        here = _share(app.audience or total, nodes, chance)
        used_s += receive_s + _varied(delivery_s, chance, here)
    return used_s / seconds


def beats(costs: Costs, nodes: int, seconds: float, chance: random.Random) -> float:
    """Return the share of its core that Redis uses for servers that say that they are there."""
    beat_s = costs.beat_us / 1e6
    look_s = (costs.read_us + nodes * costs.read_each_us) / 1e6
    every_s = period_s(nodes)
    used_s = 0.0
    for _ in range(nodes):
        beat_at = looked_at = chance.uniform(-roll.PERIOD_S, 0.0)
        looked_at -= chance.uniform(0.0, every_s)
        while beat_at < seconds:
            if beat_at >= 0:
                used_s += beat_s
            # A server looks with one of its beats.
            if beat_at - looked_at > every_s - roll.PERIOD_S / 2:
                looked_at = beat_at
                used_s += look_s * (beat_at >= 0)
            beat_at += roll.PERIOD_S
    return used_s / seconds


def noticed(nodes: int, trials: int, chance: random.Random) -> float:
    """Return how long after its death a server takes another one for gone: the mean, in seconds.

    With the code that a server has for it.
    """
    return sum(_notices(nodes, chance) for _ in range(trials)) / trials


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of all is."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class _Reader(roll.Roll):
    """What one server knows of another one, among so many."""

    def __init__(self, clock: Callable[[], float], nodes: int) -> None:
        super().__init__(clock)
        self._every_s = period_s(nodes)

    @property
    def period_s(self) -> float:
        return self._every_s


def _notices(nodes: int, chance: random.Random) -> float:
    every_s = period_s(nodes)
    clock = [-2 * every_s - chance.uniform(0.0, every_s)]
    known = _Reader(lambda: clock[0], nodes)
    node = Node("dead", "host", 1, "1", 0.0)
    last_s = -chance.uniform(0.0, roll.PERIOD_S)
    while True:
        number = math.floor((min(clock[0], last_s) - last_s) / roll.PERIOD_S)
        found = {node.id: roll.beat(node, number)}
        for id in known.read(found):
            known.add(id, found[id])
        if node.id in known.overdue():
            return clock[0]
        clock[0] += every_s + LATE_S


def _last_back(
    crowd: int, after_s: float, within_s: float, nodes: int, each_us: float, chance: random.Random
) -> float:
    """Return when the last of a crowd is served, each of which comes at random to any server."""
    free_s = [0.0] * nodes
    each_s = each_us / 1e6
    for at_s in sorted(after_s + chance.uniform(0, within_s) for _ in range(crowd)):
        node = chance.randrange(nodes)
        free_s[node] = max(free_s[node], at_s) + each_s
    return max(free_s)


def _moments(rate: float, seconds: float, chance: random.Random) -> Iterator[None]:
    """Yield as often as something happens, that happens at random."""
    now_s = chance.expovariate(rate) if rate else math.inf
    while now_s < seconds:
        yield
        now_s += chance.expovariate(rate)


def _share(audience: int, nodes: int, chance: random.Random) -> int:
    """Return how many of an audience one server has."""
    mean = audience / nodes
    if mean > 10:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    return _poisson(mean, chance)


def _poisson(mean: float, chance: random.Random) -> int:
    """Return a number of events that are rare, as Knuth draws it."""
    left, count = chance.random(), 0
    least = math.exp(-mean)
    while left > least:
        left *= chance.random()
        count += 1
    return count


def _varied(mean: float, chance: random.Random, count: int = 1) -> float:
    """Return what so many pieces of work take together, each of which varies for itself."""
    return max(0.0, chance.gauss(count * mean, math.sqrt(count) * mean * JITTER))

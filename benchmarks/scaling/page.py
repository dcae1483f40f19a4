"""The tables of docs/scaling.md."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.scaling import moments, simulation
from benchmarks.scaling.costs import Costs
from benchmarks.scaling.load import (
    APPLICATIONS,
    BUDGET,
    Application,
    Carried,
    carry,
    node_us,
)

__all__ = ["PAGE", "checks", "fill", "tables", "write"]

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "scaling.md"
SEED: Final = 1
MILLION: Final = 1_000_000
GROUP: Final = 10
WAITING: Final = 500_000
"""Events whose waits are looked at."""

NODES: Final = (1, 10, 100, 1000)

Row = Sequence[str]
Check = tuple[str, float, float, str]
"""What, what the formula says, what the simulation says, how to write both."""


def tables(costs: Costs) -> dict[str, str]:
    """Return all tables in Markdown, by name; they take some seconds."""
    return {
        "costs": _costs(costs),
        **{app.title.lower(): _carried(app, costs) for app in APPLICATIONS},
        "million": _million(costs),
        "redis": _redis(costs),
        "moments": _moments(costs),
        "simulation": _simulation(checks(costs)),
    }


def fill(text: str, made: Mapping[str, str]) -> str:
    """Return a page with its tables as they are now.

    Raises:
        ValueError: the page has no place for one of them.
    """
    for name, table in made.items():
        begin, end = f"<!-- {name} -->\n", "<!-- end -->\n"
        text, count = re.subn(
            re.escape(begin) + ".*?" + re.escape(end),
            lambda _match, new=begin + table + end: new,  # type: ignore[misc]
            text,
            flags=re.DOTALL,
        )
        if count != 1:
            raise ValueError(f"expected one place {begin.strip()!r} in the page, got {count}")
    return text


def write(costs: Costs, path: Path) -> None:
    """Fill in the tables of the page."""
    path.write_text(fill(path.read_text(), tables(costs)))


def checks(costs: Costs) -> Iterator[Check]:
    """Yield what formulas and simulations say of the same."""
    chance = random.Random(SEED)  # noqa: S311  no secret
    for nodes in (10, 1000):
        each = MILLION // nodes
        yield (
            f"an event to a million, {_number(nodes)} servers: the last has it, s",
            moments.all_have_it_s(costs, nodes, each),
            simulation.all_have_it(costs, nodes, each, chance),
            ".3g",
        )
    for nodes in (10, 100):
        yield (
            f"a million cut off at once, {nodes} servers: the last is back, s",
            moments.all_are_back_s(MILLION, nodes, costs.handshake_us),
            simulation.all_are_back(MILLION, nodes, costs.handshake_us, chance),
            ".3g",
        )
    for nodes in (3, 10):
        each = MILLION // 10
        yield (
            f"a server of {_number(each)} is ended, of {nodes}: the last is back, s",
            moments.ended_s(each, nodes - 1, costs.handshake_us),
            simulation.ended(each, nodes - 1, costs.handshake_us, chance),
            ".3g",
        )
    for app in APPLICATIONS:
        found = carry(app, costs, GROUP)
        each_us, fixed_us = node_us(app, costs, GROUP)
        seconds = max(1.0, min(100.0, 100_000 / found.events_s))
        yield (
            f"{app.title}, {_number(found.total)} on {GROUP} servers: use of a core, %",
            (each_us * found.connections + fixed_us) / 1e4,
            simulation.busy(app, costs, GROUP, found.connections, seconds, chance) * 100,
            ".3g",
        )
    for load in (BUDGET, 0.9):
        service_s = 100 * costs.delivery_us / 1e6
        waited = simulation.waits(load, service_s, WAITING, chance)
        yield (
            f"an event to 100 clients of a server at {load:.0%}: it waits, ms",
            moments.wait_s(load, service_s) * 1e3,
            sum(waited) / len(waited) * 1e3,
            ".3g",
        )
    for nodes in (10, 1000):
        yield (
            f"{_number(nodes)} servers say that they are there: use of Redis's core, %",
            moments.beats_us(costs, nodes) / 1e4,
            simulation.beats(costs, nodes, 60.0, chance) * 100,
            ".3g",
        )
        yield (
            f"one of {_number(nodes)} servers dies: another one takes it for gone, s",
            moments.noticed_s(nodes),
            simulation.noticed(nodes, 2000, chance),
            ".3g",
        )


def _costs(costs: Costs) -> str:
    rows: list[Row] = [
        ("a connection that does nothing: memory", f"{costs.connection_kib:.1f} KiB"),
        ("a handshake", _us(costs.handshake_us)),
        ("… and 50 events that were missed", _us(costs.recover_us)),
        ("an event of a client that is answered", _us(costs.echo_us)),
        ("a delivery of an event that many get", _us(costs.delivery_us)),
        ("an event of a client that goes to others through Redis: its server", _us(costs.send_us)),
        ("such an event: each server, all of which hear it", _us(costs.receive_us)),
        ("… on a path with a history", _us(costs.receive_kept_us)),
        ("… when fifty come at once: both of two servers together", _us(costs.together_us)),
        ("such an event: Redis, when there are two servers", _us(costs.redis_event_us)),
        ("… on a path with a history", _us(costs.redis_kept_event_us)),
        ("… when fifty come at once", _us(costs.redis_together_us)),
        ("… for each further server", _us(costs.redis_subscriber_us)),
    ]
    return f"Processor time, on: {costs.machine}.\n\n" + _table(("", "Cost"), rows)


def _carried(app: Application, costs: Costs) -> str:
    found = [carry(app, costs, nodes) for nodes in NODES]
    rows = [(name, *map(form, found)) for name, form in ROWS]
    return _table(("Servers", *map(_number, NODES)), rows)


ROWS: Final[Sequence[tuple[str, Callable[[Carried], str]]]] = (
    ("connections of each", lambda each: _number(each.connections)),
    ("connections in all", lambda each: _number(each.total)),
    ("which is the end of", lambda each: each.limit),
    ("events/s through Redis", lambda each: _number(each.events_s)),
    ("deliveries/s", lambda each: _number(each.deliveries_s)),
    ("Redis servers", lambda each: _number(each.brokers) if each.nodes > 1 else "none"),
)


def _million(costs: Costs) -> str:
    rows = []
    for app in APPLICATIONS:
        one = _needed(app, costs)
        group = carry(app, costs, GROUP)
        groups = -(-MILLION // group.total)
        rows.append(
            (
                app.title,
                "cannot be" if one is None else _number(one.nodes),
                "–" if one is None else _number(one.brokers),
                _number(groups * GROUP),
                _number(groups * group.brokers),
            )
        )
    heads = ("A million connections", "servers, all together", "Redis", "in groups of ten", "Redis")
    return _table(heads, rows)


def _needed(app: Application, costs: Costs) -> Carried | None:
    """Return the fewest servers that carry a million together."""
    for nodes in range(1, 5001):
        found = carry(app, costs, nodes)
        if found.total >= MILLION:
            return found
    return None


def _redis(costs: Costs) -> str:
    rows = []
    for nodes in (2, 10, 100, 1000):
        plain, kept = costs.redis_us(nodes), costs.redis_us(nodes, kept=True)
        rows.append(
            (
                _number(nodes),
                _number(BUDGET * 1e6 / plain),
                _number(BUDGET * 1e6 / kept),
                _number(BUDGET * 1e6 / costs.receive_us),
                f"{moments.beats_us(costs, nodes) / 1e4:.2g} %",
            )
        )
    heads = ("Servers", "events/s", "… with a history", "events/s that a server hears", "beats")
    return _table(heads, rows)


def _moments(costs: Costs) -> str:
    rows = []
    for nodes in (10, 100, 1000):
        each = MILLION // nodes
        rows.append(
            (
                _number(nodes),
                _number(each),
                f"{moments.all_have_it_s(costs, nodes, each):.2g} s",
                f"{moments.all_are_back_s(each, nodes - 1, costs.recover_us):.2g} s",
                f"{moments.ended_s(each, nodes - 1, costs.recover_us):.2g} s",
                f"{moments.all_are_back_s(MILLION, nodes, costs.recover_us):.2g} s",
                f"{moments.noticed_s(nodes):.2g} s",
            )
        )
    heads = (
        "Servers", "connections of each", "an event to all", "a server dies: its clients are back",
        "a server is ended: its clients are back", "all are cut off, and are back",
        "a dead server is dropped",
    )  # fmt: skip
    return _table(heads, rows)


def _simulation(found: Iterator[Check]) -> str:
    rows = [
        (what, format(said, form), format(seen, form), f"{(seen / said - 1) * 100:+.1f} %")
        for what, said, seen, form in found
    ]
    return _table(("", "formula", "simulation", ""), rows)


def _table(headings: Row, rows: Sequence[Row]) -> str:
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _us(value: float) -> str:
    return f"{value:.3g} µs"


def _number(value: float) -> str:
    """Return a number as it is read, three digits of it."""
    if value >= 1000:
        value = float(f"{value:.3g}")
    return f"{value:,.0f}".replace(",", " ")

"""The results as a page of the documentation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from benchmarks import machine, picture
from benchmarks.catalogue import PEERS, PRODUCT
from benchmarks.results import Results

__all__ = ["render", "write"]

Column = tuple[str, str, str, str]
"""Heading, measure, name of the number, format."""

COST: Final[Sequence[Column]] = (
    ("echo, 50 clients", "echo-50", "cpu_us", ".1f"),
    ("echo, 1 000 clients", "echo-1000", "cpu_us", ".1f"),
    ("fan-out to 500", "fanout-500", "cpu_us", ".2f"),
    ("fan-out to 5 000", "fanout-5000", "cpu_us", ".2f"),
    ("fan-out to 9 000", "crowd-9000", "cpu_us", ".2f"),
    ("handshake", "idle-2000", "cpu_us", ".0f"),
    ("idle connection, KiB", "idle-2000", "kib", ".1f"),
)
SPEED: Final[Sequence[Column]] = (
    ("echoes/s", "echo-50", "rate", ",.0f"),
    ("p50 ms", "echo-50", "p50_ms", ".2f"),
    ("p99 ms", "echo-50", "p99_ms", ".2f"),
    ("at 1 000/s: p50 ms", "latency-50", "p50_ms", ".3f"),
    ("p99 ms", "latency-50", "p99_ms", ".3f"),
    ("deliveries/s, 500 clients", "fanout-500", "rate", ",.0f"),
    ("9 000 have it: median ms", "crowd-9000", "p50_ms", ".0f"),
    ("handshakes/s", "idle-2000", "rate", ",.0f"),
)
DEFLATE: Final[Sequence[Column]] = (
    ("JSON, bytes", "deflate-500", "original", ".0f"),
    ("on the wire, bytes", "deflate-500", "size", ".0f"),
    ("compressed, µs", "deflate-500", "cpu_us", ".2f"),
    ("as many bytes uncompressed, µs", "deflate-500", "plain_cpu_us", ".2f"),
    ("ratio", "deflate-500", "ratio", ".2f"),
)
HTTP: Final[Sequence[Column]] = (
    ("requests/s", "http-16", "rate", ",.0f"),
    ("CPU, µs", "http-16", "cpu_us", ".0f"),
    ("p50 ms", "http-16", "p50_ms", ".2f"),
    ("p99 ms", "http-16", "p99_ms", ".2f"),
)
REFERENCES: Final = ("picows", "node-ws", "channels-uvicorn", "tornado")

INTRODUCTION: Final = """\
# Benchmarks

Written by `make bench`. Each number is the median of {rounds} round{s} of {work_s:g} s. Rounds are
interleaved: servers take turns measure by measure, each started afresh.

- Machine: {machine}. {pinned}
- Versions: {versions}.

Compare the numbers of one run with each other; another machine has others.

"""
PINNED: Final = "Servers had one core of it, the load generator another."
NOT_PINNED: Final = "**Servers and the load generator shared one core: trust only CPU times.**"

COST_TEXT: Final = """\
## What a message costs

Processor time of the server, user and system, in microseconds per message, delivery or handshake.
All do the same work: they decode `{"event": …, "data": {"text": 64 bytes}}`, look at the event, and
encode it again, for its sender (echo) or once for all clients (fan-out). Nothing is compressed.
The memory is what 2 000 idle connections add, each. Work that a server has left when its clients
have everything counts as well. Channels broadcasts through its in-memory layer, which looks at all
members of all groups for each delivery; its broadcast to 9 000 clients takes minutes, and is left
out.

![Processor time per message](img/benchmarks.svg)

"""
SPEED_TEXT: Final = """\
## Throughput and latency

Echo with 50 clients that send as soon as their message is back, so latency shows the queue of all
50; where a server is faster than the load generator, its rate is the generator's. At a steady 1 000
messages a second a server is not saturated, and latency counts from when a message was due.

"""
RATIO_TEXT: Final = """\
## Ratios

The cost of django-tornado-websockets, as a multiple of another's in the same run; below 1 is less.

"""
DEFLATE_TEXT: Final = """\
## Compressed broadcasts

A broadcast of JSON to 500 clients with permessage-deflate, without context takeover: processor time
per delivery, beside a broadcast of as many bytes on the wire that are not compressed.

"""
HTTP_TEXT: Final = """\
## Django over HTTP

A view that says hello, no middleware, 16 connections that are kept alive, one process.

"""


def render(results: Results, *, rounds: int, work_s: float, pinned: bool) -> str:
    """Return the page in Markdown."""
    listed = ", ".join(f"{name} {version}" for name, version in machine.versions().items())
    parts = [
        INTRODUCTION.format(
            rounds=rounds,
            s="s" * (rounds != 1),
            work_s=work_s,
            machine=machine.describe(),
            pinned=PINNED if pinned else NOT_PINNED,
            versions=listed,
        ),
        _section(COST_TEXT, results, COST),
        _section(SPEED_TEXT, results, SPEED),
        _ratios(results),
        _section(DEFLATE_TEXT, results, DEFLATE),
        _section(HTTP_TEXT, results, HTTP),
        _failures(results),
    ]
    return "".join(parts).rstrip() + "\n"


def write(text: str, results: Results, docs: Path) -> None:
    """Write the page and its picture."""
    (docs / "img").mkdir(parents=True, exist_ok=True)
    (docs / "benchmarks.md").write_text(text)
    (docs / "img" / "benchmarks.svg").write_text(picture.draw(results))


def _section(text: str, results: Results, columns: Sequence[Column]) -> str:
    tried = [column for column in columns if any(results.has(peer, column[1]) for peer in PEERS)]
    rows = [
        [peer.title, *(_cell(results, peer.name, *column[1:]) for column in tried)]
        for peer in PEERS.values()
        if any(results.has(peer.name, column[1]) for column in tried)
    ]
    return text + _table(["", *(column[0] for column in tried)], rows) if rows else ""


def _ratios(results: Results) -> str:
    references = [
        name for name in REFERENCES if any(results.has(name, column[1]) for column in COST)
    ]
    rows = []
    for product, suffix in ((PRODUCT, ""), ("product-thread", ", plain `def`")):
        for heading, measure, number, _ in COST:
            if results.has(product, measure):
                ratio = _ratio_to(results, product, measure, number)
                rows.append([heading + suffix, *map(ratio, references)])
    headings = ["", *(PEERS[name].title for name in references)]
    return RATIO_TEXT + _table(headings, rows) if rows and references else ""


def _ratio_to(results: Results, product: str, measure: str, number: str) -> Callable[[str], str]:
    own = results.median(product, measure, number)

    def ratio(reference: str) -> str:
        other = results.median(reference, measure, number)
        return "–" if not own or not other else f"{own / other:.2f}"

    return ratio


def _cell(results: Results, peer: str, measure: str, number: str, form: str) -> str:
    if not results.has(peer, measure):
        return "–"
    value = results.median(peer, measure, number)
    return "**failed**" if value is None else format(value, form).replace(",", " ")


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"


def _failures(results: Results) -> str:
    lines = [
        f"- {PEERS[peer].title} (`{peer}`), `{measure}`: {reason.splitlines()[0][:300]}\n"
        for peer, measure, reason in results.failures()
    ]
    return "## Failed\n\n" + "".join(lines) if lines else ""

"""The results as a page of the documentation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from benchmarks import machine, picture, tables
from benchmarks.catalogue import PEERS, PRODUCT, UNCOUNTED
from benchmarks.results import Results
from benchmarks.tables import Column

__all__ = ["render", "write"]

SHARED_REFERENCES: Final = ("channels-uvicorn", "socketio")
SHARED_PRODUCTS: Final = ((PRODUCT, ""), ("product-history", ", with `history=`"))
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
        _section(tables.COST_TEXT, results, tables.COST),
        _section(tables.SPEED_TEXT, results, tables.SPEED),
        _ratios(results),
        _counting(results),
        _section(tables.SHARED_TEXT, results, tables.SHARED),
        _section(tables.SHARED_EVENT_TEXT, results, tables.SHARED_EVENT),
        _shared_ratios(results),
        _section(tables.RECOVERY_TEXT, results, tables.RECOVERY),
        _section(tables.STALLED_TEXT, results, tables.STALLED),
        _section(tables.DEFLATE_TEXT, results, tables.DEFLATE),
        _section(tables.HTTP_TEXT, results, tables.HTTP),
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
        if not peer.is_apart and any(results.has(peer.name, column[1]) for column in tried)
    ]
    return text + _table(["", *(column[0] for column in tried)], rows) if rows else ""


def _ratios(results: Results) -> str:
    products = (PRODUCT, ""), ("product-thread", ", plain `def`")
    return _ratio_table(tables.RATIO_TEXT, results, tables.COST, products, REFERENCES)


def _shared_ratios(results: Results) -> str:
    return _ratio_table(
        tables.SHARED_RATIO_TEXT, results, tables.SHARED_RATIOS, SHARED_PRODUCTS, SHARED_REFERENCES
    )


def _ratio_table(
    text: str,
    results: Results,
    columns: Sequence[Column],
    products: Sequence[tuple[str, str]],
    references: Sequence[str],
) -> str:
    """Return the ratios to some peers, each with what stands behind the heading for it."""
    there = [name for name in references if any(results.has(name, each[1]) for each in columns)]
    rows = []
    for product, suffix in products:
        for heading, measure, number, _ in columns:
            if results.has(product, measure):
                ratio = _ratio_to(results, product, measure, number)
                rows.append([heading + suffix, *map(ratio, there)])
    headings = ["", *(PEERS[name].title for name in there)]
    return text + _table(headings, rows) if rows and there else ""


def _ratio_to(results: Results, product: str, measure: str, number: str) -> Callable[[str], str]:
    own = results.median(product, measure, number)

    def ratio(reference: str) -> str:
        other = results.median(reference, measure, number)
        if not own or not other:
            return "–"
        # Two digits, however small.
        return f"{own / other:.2f}" if own / other >= 0.1 else f"{own / other:.2g}"

    return ratio


def _counting(results: Results) -> str:
    rows, costs = [], []
    for heading, measure, number, form in tables.COST:
        if results.has(PRODUCT, measure) and results.has(UNCOUNTED, measure):
            ratio = results.ratio(PRODUCT, UNCOUNTED, measure, number)
            cells = (_cell(results, name, measure, number, form) for name in (UNCOUNTED, PRODUCT))
            rows.append([heading, *cells, "–" if ratio is None else f"{ratio:.3f}"])
            costs += [] if ratio is None else [f"{(ratio - 1) * 100:.1f} % to {heading}"]
    said = f"Counting adds {'; '.join(costs)}.\n\n" if costs else ""
    headings = ["", "… with the counters stubbed out", "counted", "ratio"]
    return tables.COUNTING_TEXT + _table(headings, rows) + said if rows else ""


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

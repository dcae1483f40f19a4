"""The results as bars, in SVG."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.sax.saxutils import escape

from benchmarks.catalogue import PEERS, PRODUCT
from benchmarks.results import Results

__all__ = ["draw"]

PANELS: Final = (
    ("Echo, 50 clients: µs of CPU per message", "echo-50"),
    ("Fan-out to 500 clients: µs of CPU per delivery", "fanout-500"),
)
LABELS: Final = 400
BARS: Final = 300
NUMBERS: Final = 60
ROW: Final = 22
PANEL_GAP: Final = 46
STYLE: Final = (
    "text{font:13px system-ui,sans-serif;fill:#1f2328}.h{font-weight:600}.n{fill:#59636e}"
    "rect{fill:#9aa4b2}.own{fill:#1a7f5a}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.n{fill:#9198a1}"
    "rect{fill:#5b6675}.own{fill:#3fb98a}}"
)


def draw(results: Results) -> str:
    """Return the picture: processor time per message of all peers, the least first."""
    shapes = list(_panels(results))
    height = max((y for y, _ in shapes), default=0) + ROW
    width = LABELS + BARS + NUMBERS
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
        f' aria-label="Processor time per message">\n<style>{STYLE}</style>\n'
        + "".join(shape for _, shape in shapes)
        + "</svg>\n"
    )


def _panels(results: Results) -> Iterator[tuple[int, str]]:
    y = ROW
    for title, measure in PANELS:
        rows = sorted(
            (value, peer.name, peer.title)
            for peer in PEERS.values()
            if not peer.is_apart and (value := results.median(peer.name, measure, "cpu_us"))
        )
        if not rows:
            continue
        yield y, f'<text class="h" x="0" y="{y}">{escape(title)}</text>\n'
        for value, name, label in rows:
            y += ROW
            yield y, _bar(y, value, value / rows[-1][0], name, label)
        y += PANEL_GAP


def _bar(y: int, value: float, share: float, name: str, label: str) -> str:
    own = name.partition("-")[0] == PRODUCT
    # Markdown's code marks and the ellipsis of a variant mean nothing here.
    label = label.replace("`", "").replace("…", "django-tornado-websockets,")
    width = max(BARS * share, 1)
    return (
        f'<text x="{LABELS - 8}" y="{y}" text-anchor="end">{escape(label)}</text>'
        f'<rect{" class=" + chr(34) + "own" + chr(34) if own else ""} x="{LABELS}" y="{y - 11}"'
        f' width="{width:.1f}" height="14" rx="2"/>'
        f'<text class="n" x="{LABELS + width + 6:.1f}" y="{y}">{value:.3g}</text>\n'
    )

"""Covers of books: an SVG that follows from the words on it, the same at every drawing."""

from __future__ import annotations

import hashlib
import textwrap

from django.utils.html import format_html, format_html_join

__all__ = ["draw"]

WIDTH, HEIGHT = 200, 300
LINE_LENGTH, LINES = 14, 5
PALETTES = (
    ("#0b6b58", "#f2c14e", "#f7f3e8"),
    ("#1d3557", "#e63946", "#f1faee"),
    ("#3d2645", "#f0a202", "#f0eff4"),
    ("#22577a", "#80ed99", "#f4fff8"),
    ("#6f1d1b", "#ffe6a7", "#fffaf0"),
    ("#283618", "#dda15e", "#fefae0"),
)
CIRCLE = '<circle cx="{}" cy="{}" r="{}" fill="{}" fill-opacity="0.{}"/>'


def draw(title: str, author: str) -> str:
    """Return the cover of a book as SVG, which is XML whatever the words are."""
    numbers = hashlib.sha256(f"{title} {author}".encode(errors="replace")).digest()
    ground, shape, ink = PALETTES[numbers[0] % len(PALETTES)]
    circles = format_html_join(
        "",
        CIRCLE,
        (
            (x * WIDTH // 255, y * HEIGHT // 255, 12 + r % 60, shape, 1 + opacity % 5)
            for x, y, r, opacity in zip(*[iter(numbers[1:25])] * 4, strict=True)
        ),
    )
    lines = textwrap.wrap(_printable(title), LINE_LENGTH, max_lines=LINES, placeholder="…")
    return format_html(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}">'
        '<rect width="100%" height="100%" fill="{}"/>{}'
        '<g fill="{}" font-family="Georgia, serif" text-anchor="middle">{}{}</g></svg>',
        WIDTH,
        HEIGHT,
        ground,
        circles,
        ink,
        format_html_join("", *_texts(lines, first=70, step=30, size=24)),
        format_html_join(
            "", *_texts([_printable(author)[:28]], first=HEIGHT - 24, step=0, size=13)
        ),
    )


def _texts(
    lines: list[str], *, first: int, step: int, size: int
) -> tuple[str, list[tuple[int, int, int, str]]]:
    text = '<text x="{}" y="{}" font-size="{}">{}</text>'
    return text, [(WIDTH // 2, first + n * step, size, line) for n, line in enumerate(lines)]


def _printable(text: str) -> str:
    """Leave out what XML cannot have."""
    return "".join(character for character in text if character.isprintable())

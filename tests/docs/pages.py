"""The pages of the documentation: their headings, links, tables and blocks of code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

BLOCK = re.compile(
    r"^(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<language>\w*)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
TABLE = re.compile(r"^\|.*\|\n\|[-| ]+\|\n(?:\|.*\|\n?)+", re.MULTILINE)
LINK = re.compile(r"\[[^\]]+\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^(?P<level>#+) (?P<text>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of code.

    Attributes:
        place: where it stands, like ``client.md:12``.
        file: the file of an example project that it is, None for a fragment.
    """

    place: str
    language: str
    code: str
    file: str | None


@dataclass(frozen=True)
class Page:
    """One page."""

    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def prose(self) -> str:
        """The text without its blocks of code."""
        return BLOCK.sub("", self.text)

    @cached_property
    def blocks(self) -> list[Block]:
        return [
            Block(
                f"{self.path.name}:{self.text.count(chr(10), 0, match.start('code'))}",
                match["language"],
                match["code"],
                match["file"],
            )
            for match in BLOCK.finditer(self.text)
        ]

    @cached_property
    def anchors(self) -> set[str]:
        """The fragments that headings can be linked by, as GitHub makes them."""
        return {
            re.sub(r"[^\w\- ]", "", match["text"].lower()).replace(" ", "-")
            for match in HEADING.finditer(self.prose)
        }

    @cached_property
    def links(self) -> list[str]:
        return [match["target"] for match in LINK.finditer(self.prose)]

    def table(self, *header: str) -> list[list[str]]:
        """Return the rows of every table with this header, cell by cell.

        Raises:
            LookupError: there is none.
        """
        rows = []
        for match in TABLE.finditer(self.text):
            first, _rule, *others = match[0].strip().splitlines()
            if _cells(first) == list(header):
                rows += [_cells(line) for line in others]
        if not rows:
            raise LookupError(f"{self.path.name} has no table with the columns {header}")
        return rows


def page(name: str) -> Page:
    """Return one page, by the name of its file."""
    return Page(DOCS / name)


def pages() -> list[Page]:
    """Return every page."""
    return [Page(path) for path in sorted(DOCS.glob("*.md"))]


def blocks(*languages: str) -> list[Block]:
    """Return the blocks of all pages that are in one of the languages."""
    return [block for each in pages() for block in each.blocks if block.language in languages]


def code(cell: str) -> list[str]:
    """Return what stands in backquotes in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]

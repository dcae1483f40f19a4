"""Covers of books: the same at every drawing, and XML whatever the words are."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from testapp.covers import draw

SVG = "{http://www.w3.org/2000/svg}"


def words(cover: str) -> list[str | None]:
    return [text.text for text in ElementTree.fromstring(cover).iter(f"{SVG}text")]


def test_a_cover_has_the_title_in_lines_and_the_author() -> None:
    cover = draw("The Silent Harbour of Göteborg", "Ada Lund")
    assert words(cover) == ["The Silent", "Harbour of", "Göteborg", "Ada Lund"]


def test_a_cover_is_the_same_at_every_drawing_and_another_for_another_book() -> None:
    assert draw("A", "B") == draw("A", "B")
    assert len({draw("A", "B"), draw("A", "C"), draw("B", "B")}) == 3


def test_a_long_title_is_cut() -> None:
    lines = words(draw("word " * 100, "x" * 100))
    assert len(lines) == 6
    assert lines[-2:] == ["word word…", "x" * 28]


@pytest.mark.parametrize(
    "text",
    [
        '<script>alert("1")</script>',
        "]]> & &amp; <!--",
        "{} %s {0}",
        "a\0b\x0bc\ufffe\ud800",
        "",
        "' onload='x",
    ],
)
def test_words_are_only_words(text: str) -> None:
    root = ElementTree.fromstring(draw(text, text))
    tags = {SVG + tag for tag in ("svg", "rect", "circle", "g", "text")}
    assert {element.tag for element in root.iter()} == tags
    allowed = {"viewBox", "width", "height", "fill", "fill-opacity", "cx", "cy", "r", "x", "y"}
    allowed |= {"font-family", "font-size", "text-anchor"}
    assert {name for element in root.iter() for name in element.attrib} <= allowed


def test_every_circle_can_be_drawn() -> None:
    for number in range(200):
        for circle in ElementTree.fromstring(draw(str(number), "x")).iter(f"{SVG}circle"):
            assert 0 < float(circle.attrib["fill-opacity"]) < 0.6
            assert 0 <= int(circle.attrib["cx"]) <= 200

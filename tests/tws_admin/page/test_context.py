"""What the server writes into the page: from a snapshot of the feed to texts."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from tests.tws_admin.snapshots import bar, path, snapshot
from tws_admin.page.context import CHARTS, TILES, Figure, describe, figure, page, rules, words
from tws_admin.page.definitions import DEFINITIONS


def figures_of(found: dict[str, Any]) -> dict[str, Figure]:
    """Return the figures of the tiles by their places."""
    return {each.place: each for _name, figures in found["tiles"] for each in figures}


def test_a_figure_has_its_number_its_unit_and_its_definition() -> None:
    found = figure("rates.bytes_in", 1_250_000)
    known = DEFINITIONS["bytes_in_per_s"]
    assert found.text == "1.25 MB/s"
    assert (found.place, found.style, found.name) == ("rates.bytes_in", "byte_rate", known.name)
    assert str(found.title) == f"{known.text} Unit: {known.unit}."


def test_a_counter_and_its_rate_are_two_things() -> None:
    assert figure("totals.events_in").title != figure("rates.events_in").title
    assert figure("rates.connections").name == figure("totals.connections").name


def test_tiles_show_totals_and_the_newest_points_of_the_series() -> None:
    found = figures_of(page(snapshot(), []))
    assert found["totals.connections"].text == "1,234"
    assert found["totals.peak"].text == "2,000"
    assert found["rates.events_in"].text == "12.5/s"
    assert found["server.rss_bytes"].text == "83 MB"
    assert found["totals.errors"].text == "3"


def test_every_tile_and_chart_has_figures_with_definitions() -> None:
    found = page(snapshot(), [])
    assert [name for name, _figures in found["tiles"]] == list(TILES)
    assert [name for name, _title, _figures in found["charts"]] == list(CHARTS)
    for _name, _title, figures in found["charts"]:
        assert all(each.text == "–" or each.text[0].isdigit() for each in figures)


@pytest.mark.parametrize("known", [{}, {"history": {"series": {"events_in": []}}}])
def test_what_is_not_known_yet_is_a_dash(known: dict[str, Any]) -> None:
    found = page(known, [])
    assert {each.text for each in figures_of(found).values()} == {"–"}
    assert found["paths"] == found["bars"] == found["log"] == found["connections"] == []


def test_a_path_has_its_numbers_in_the_order_of_the_columns() -> None:
    chat = path(connections=3, errors=2, p95_ms=1.25, rates={"events_in": 7.5})
    found = page(snapshot(paths=[chat]), [])
    texts = {each.place: each.text for each in found["paths"][0]["figures"]}
    assert texts == {
        "connections": "3",
        "rates.events_in": "7.5/s",
        "rates.events_out": "–",
        "errors": "2",
        "p95_ms": "1.25 ms",
    }
    assert list(texts) == [column.place for column in found["columns"]]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, []),
        ({"login_required": True}, ["login"]),
        ({"login_required": True, "permission": "shop.see"}, ["permission shop.see"]),
        ({"origins": ["https://a.example", "*"]}, ["pages of https://a.example, *"]),
        ({"require_origin": True}, ["browsers only"]),
    ],
)
def test_rules_are_told_in_words(given: dict[str, Any], said: list[str]) -> None:
    assert rules(given) == said


@pytest.mark.parametrize(
    ("more", "at", "of", "text", "is_open"),
    [
        ({}, "40", "100", "40 of 100", False),
        ({"min": 30, "max": 50}, "10", "20", "40 of 50", False),
        ({"value": 1234, "max": 5000}, "1234", "5000", "1,234 of 5,000", False),
        ({"indeterminate": True}, "1", "1", "under way", True),
        ({"value": 0, "max": 0}, "1", "1", "0 of 0", True),
        ({"indeterminate": True, "done": True}, "1", "1", "done", False),
        ({"value": 100, "done": True}, "100", "100", "done", False),
    ],
)
def test_a_bar_is_drawn_between_its_ends(
    more: dict[str, Any], at: str, of: str, text: str, is_open: bool
) -> None:
    """Its attributes are of HTML: no separator of thousands, whatever the language."""
    with translation.override("en"):
        [found] = page(snapshot(bars=[bar(**more)]), [])["bars"]
    assert (found["at"], found["of"], found["text"]) == (at, of, text)
    assert found["is_open"] is is_open


def test_a_bar_has_a_key_of_its_own() -> None:
    bars = [bar(name=""), bar(name="import"), bar(path="/other")]
    keys = [each["key"] for each in page(snapshot(bars=bars), [])["bars"]]
    assert len(set(keys)) == 3


def test_the_log_begins_with_the_newest() -> None:
    log = [{"n": n, "time": 60.0 * n, "kind": "server_started", "path": None} for n in (1, 2)]
    found = page(snapshot(lifecycle=log), [])["log"]
    assert [each["key"] for each in found] == ["2", "1"]
    assert found[0]["clock"] == "00:02:00"
    assert found[0]["iso"] == "1970-01-01T00:02:00+00:00"
    assert str(found[0]["name"]) == "Server started"


def test_a_kind_that_is_new_is_shown_by_its_name() -> None:
    [found] = page(snapshot(lifecycle=[{"n": 1, "time": 0.0, "kind": "eclipse"}]), [])["log"]
    assert found["name"] == "eclipse"


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({"kind": "server_started"}, ""),
        ({"id": "a1", "ip": "10.0.0.1", "user": None}, "10.0.0.1"),
        ({"id": "a1", "ip": "10.0.0.1", "user": "ann"}, "ann"),
        (
            {"ip": "::1", "user": None, "code": 1000, "reason": "bye", "duration_s": 65.0},
            "::1, 1000, bye, 1 min 5 s",
        ),
        ({"ip": "::1", "code": 1006, "reason": "", "duration_s": 0.2}, "::1, 1006, 0 s"),
        ({"ip": "", "reason": "origin"}, "origin"),
        ({"id": "a1", "user": "ann", "event": "say", "error": "KeyError"}, "ann, say, KeyError"),
        ({"id": "a1", "user": None, "code": "invalid_json"}, "a1, invalid_json"),
        ({"name": "import", "label": "rows"}, "import, rows"),
        ({"by": "root", "what": "disconnect", "count": 0}, "root, disconnect, 0"),
    ],
)
def test_the_log_says_who_what_and_how(entry: dict[str, Any], text: str) -> None:
    assert describe(entry) == text


def test_the_scripts_get_the_definitions_in_the_language_of_the_page() -> None:
    found = words()
    assert found["numbers"].keys() == DEFINITIONS.keys()
    assert found["numbers"]["peak"]["name"] == "Peak"
    assert found["kinds"]["warning"] == "Warning"

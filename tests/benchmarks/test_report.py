from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from benchmarks import report
from benchmarks.results import Results


def results() -> Results:
    made = Results()
    for value in (5.0, 9.0, 7.0):
        made.add("product", "echo-50", {"cpu_us": value, "rate": 1e5, "p50_ms": 1, "p99_ms": 2})
        made.add("picows", "echo-50", {"cpu_us": 14, "rate": 5e4, "p50_ms": 1, "p99_ms": 2})
    made.add("node-ws", "echo-50", {"cpu_us": 10, "rate": 5e4, "p50_ms": 1, "p99_ms": 2})
    made.add("node-ws", "echo-50", "it broke\nin its log")
    return made


def rendered() -> str:
    return report.render(results(), rounds=3, work_s=3, pinned=True)


def test_the_median_of_the_rounds_is_shown() -> None:
    assert "| django-tornado-websockets | 7.0 |" in rendered()
    assert "| django-tornado-websockets | 100 000 |" in rendered()


def test_ratios_are_the_products_cost_over_anothers() -> None:
    assert "| echo, 50 clients | 0.50 | – |" in rendered()


def test_one_failed_round_is_a_failure_that_is_told() -> None:
    assert "| Node.js ws | **failed** |" in rendered()
    assert "(`node-ws`), `echo-50`: it broke\n" in rendered()
    assert "in its log" not in rendered()


def test_measures_that_were_not_asked_for_have_no_table() -> None:
    assert "fan-out to 500" not in rendered()
    assert "Django over HTTP" not in rendered()


def test_what_counting_costs_has_a_table_of_its_own(tmp_path: Path) -> None:
    made = results()
    for value in (5.0, 8.0, 7.0):  # the median of 1, 1.125 and 1 is not the ratio of medians
        made.add(
            "product-uncounted", "echo-50", {"cpu_us": value, "rate": 1, "p50_ms": 1, "p99_ms": 2}
        )
    page = report.render(made, rounds=3, work_s=3, pinned=True)
    assert "| echo, 50 clients | 7.0 | 7.0 | 1.000 |" in page
    assert "Counting adds 0.0 % to echo, 50 clients.\n" in page
    assert page.count("stubbed out |") == 1
    assert "| … with the counters stubbed out |" not in page.partition("## What counting")[0]
    report.write(page, made, tmp_path)
    assert "stubbed out" not in (tmp_path / "img" / "benchmarks.svg").read_text()


def test_a_failed_round_gives_no_ratio() -> None:
    made = results()
    for outcome in ({"cpu_us": 5.0}, "it broke", {"cpu_us": 5.0}):
        made.add("product-uncounted", "echo-50", outcome)
    page = report.render(made, rounds=3, work_s=3, pinned=True)
    assert "| echo, 50 clients | **failed** | 7.0 | – |" in page
    assert "Counting adds" not in page


def test_a_client_that_stops_reading_has_a_table() -> None:
    made = Results()
    numbers = {"p99_ms": 2.0, "stalled_p99_ms": 2.2, "ratio": 1.1, "grown_mib": 1.25}
    made.add("product", "stalled-100", numbers)
    page = report.render(made, rounds=1, work_s=3, pinned=True)
    assert "| django-tornado-websockets | 2.00 | 2.20 | 1.10 | 1.2 |" in page


def test_page_and_picture_are_written(tmp_path: Path) -> None:
    report.write(rendered(), results(), tmp_path)
    assert (tmp_path / "benchmarks.md").read_text() == rendered()
    picture = ElementTree.parse(tmp_path / "img" / "benchmarks.svg")
    texts = "".join(picture.getroot().itertext())
    assert "django-tornado-websockets" in texts
    assert "Node.js" not in texts

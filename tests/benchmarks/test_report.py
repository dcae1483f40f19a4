from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from benchmarks import report, tables
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


def test_several_processes_have_tables_and_ratios() -> None:
    made = Results()
    numbers = {"cpu_us": 8.0, "busy_cpu_us": 7.0, "p50_ms": 3, "p99_ms": 10, "rate": 1e5}
    made.add("product", "redis-250", numbers)
    made.add("product-history", "redis-250", {**numbers, "cpu_us": 10.0})
    made.add("channels-uvicorn", "redis-250", {**numbers, "cpu_us": 200.0, "p99_ms": 50})
    page = report.render(made, rounds=1, work_s=3, pinned=True)
    assert "| django-tornado-websockets | 8.00 | 3.00 | 10.00 | 7.00 | 100 000 |" in page
    assert "| 2 × 250: CPU for each delivery | 0.04 |" in page
    assert "| 2 × 250: CPU for each delivery, with `history=` | 0.05 |" in page
    assert "| 2 × 250: p99 | 0.20 |" in page
    assert "python-socketio" not in page.partition("## Several processes")[2].partition("| 2 ×")[2]


def test_what_comes_back_and_what_one_event_costs_have_tables() -> None:
    made = Results()
    back = {"ms": 900, "cpu_us": 800, "bare_ms": 400, "bare_cpu_us": 400, "share": 0.5}
    made.add("product-history", "recovery-1000", back)
    numbers = {number: 60 for _, _, number, _ in tables.SHARED_EVENT}
    made.add("product", "event-1", {**numbers, "node_us": 61})
    page = report.render(made, rounds=1, work_s=3, pinned=True)
    assert "| … with `history=100` | 900 | 800 | 400 | 400 | 50% |" in page
    assert "| django-tornado-websockets | 61 | 60 |" in page


def test_page_and_picture_are_written(tmp_path: Path) -> None:
    report.write(rendered(), results(), tmp_path)
    assert (tmp_path / "benchmarks.md").read_text() == rendered()
    picture = ElementTree.parse(tmp_path / "img" / "benchmarks.svg")
    texts = "".join(picture.getroot().itertext())
    assert "django-tornado-websockets" in texts
    assert "Node.js" not in texts

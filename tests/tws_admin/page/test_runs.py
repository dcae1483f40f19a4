"""The table of progress tasks on the page of the monitor."""

from __future__ import annotations

from typing import Any

import pytest
from django.template.loader import render_to_string

from tests.tws_admin.operators import XSS
from tests.tws_admin.snapshots import snapshot
from tws_admin.page.context import page
from tws_admin.page.runs import runs

NOW = 1_700_000_000.0


def row(state: str = "running", **more: Any) -> dict[str, Any]:
    return {
        "id": "1", "state": state, "wish": "", "title": "Rebuild", "done": 4, "total": 10,
        "label": "page 4", "rate": 2.5, "eta_s": 2.4, "errors": 0, "created": NOW, "started": NOW,
        "progressed": NOW, "wished": None, "ended": None, "username": "ann", "url": "/there/",
        **more,
    }  # fmt: skip


def test_a_run_is_written_for_people() -> None:
    [found] = runs([row(errors=1200)], NOW)
    assert (found["words"], found["count"], found["notice"]) == ("running", "4 of 10", "")
    assert found["figures"] == [("rate", "2.5/s"), ("eta_s", "2 s"), ("errors", "1,200")]
    assert (found["bar"].value, found["bar"].max) == ("4", "10")


def test_what_is_over_has_no_rate() -> None:
    [found] = runs([row("failed", ended=NOW, eta_s=None)], NOW)
    assert found["figures"] == [("rate", "–"), ("eta_s", "–"), ("errors", "0")]


def test_it_goes_by_the_clock_of_the_snapshot() -> None:
    [found] = runs([row()], NOW + 90)
    assert found["notice"].startswith("stalled since ")


def test_what_is_at_work_comes_first_and_the_newest_of_it() -> None:
    given = [
        row("succeeded", id="new and over", created=NOW, ended=NOW),
        row("lost", id="old and over", created=NOW - 9, ended=NOW),
        row(id="old", created=NOW - 5),
        row("queued", id="new", created=NOW - 1),
    ]
    assert [run["id"] for run in runs(given, NOW)] == ["new", "old", "new and over", "old and over"]


@pytest.mark.parametrize("text", XSS)
def test_the_page_shows_it_and_nobody_s_text_is_markup(text: str) -> None:
    run = row(title=text, label=text, username=text, total=None)
    shown = render_to_string("tws_admin/progress.html", {"tws": page(snapshot(tasks=[run]), [])})
    assert '<a href="/there/">' in shown
    assert '<span class="tws-badge tws-state-running">running</span>' in shown
    if "<" in text or '"' in text:
        assert text not in shown


def test_without_any_the_page_says_how_to_have_some() -> None:
    shown = render_to_string("tws_admin/progress.html", {"tws": page(snapshot(), [])})
    assert "<code>@progress_action</code>" in shown
    assert 'data-tws-empty="tasks">' in shown

"""What the templates get of a run."""

from __future__ import annotations

import pytest

from tests.tws_admin.progress.runs import make_run, staff
from tws_admin.progress.pages import cards
from tws_admin.progress.rows import as_row
from tws_admin.progress.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.tws_admin.progress.runs")]


def test_a_line_is_written_for_people() -> None:
    row = as_row(make_run(done=4, total=10, rate=2.5, error_count=3))
    found = cards.line(row)
    assert (found["state"], found["count"], found["errors"]) == ("running", "4 of 10", "3 errors")
    assert (found["rate"], found["eta"]) == ("2.5/s", "2 s")
    assert found["is_active"]


def test_what_is_over_has_no_rate() -> None:
    found = cards.line(as_row(make_run(State.CANCELLED, done=4, total=10, rate=2.5)))
    assert (found["rate"], found["eta"]) == ("", "")
    assert not found["is_active"]


def test_a_line_goes_by_the_clock_that_it_is_given() -> None:
    row = as_row(make_run())
    assert cards.line(row, row["progressed"] + 10)["notice"] == ""
    assert "stalled" in cards.line(row, row["progressed"] + 61)["notice"]


@pytest.mark.parametrize(
    ("codenames", "shown"),
    [([], []), (["view_progresstask"], []), (["change_progresstask"], ["pause", "cancel"])],
)
def test_buttons_are_for_who_may(codenames: list[str], shown: list[str]) -> None:
    found = cards.card(make_run(user=staff("otto")), staff("olga", *codenames), "office")
    assert [button.verb for button in found["buttons"] if button.is_shown] == shown
    assert found["may_change"] == bool(shown)


def test_its_urls_are_of_the_site_of_the_page() -> None:
    run = make_run(site="office")
    found = cards.card(run, staff("olga"), "admin")
    assert found["url"] == f"/admin/tws_admin/progresstask/{run.pk}/change/"
    assert found["control_url"] == f"/admin/tws_admin/progresstask/{run.pk}/control/"
    assert found["state_url"] == f"/admin/tws_admin/progresstask/{run.pk}/state/"


def test_the_empty_card_shows_nothing(django_assert_num_queries: object) -> None:
    found = cards.blank("office")
    assert found["row"]["id"] == str(cards.BLANK)
    assert not any((found["rate"], found["eta"], found["errors"], found["notice"]))
    assert found["may_change"]

"""A run as pages see it."""

from __future__ import annotations

import datetime

import pytest

from tests.tws_admin.progress.works import staff
from tornado_websockets.encoding import encode
from tws_admin.models import ProgressTask
from tws_admin.progress.rows import HEAVY, as_row, eta_s, url

pytestmark = pytest.mark.django_db

START = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)


def test_a_row_has_what_pages_show_in_the_types_of_json() -> None:
    run = ProgressTask.objects.create(
        user=staff(), site="admin", model="testapp.Book", action="draw", title="Draw",
        engine="thread", state="running", done=30, total=100, rate=7.0, label="x", error_count=2,
        started_at=START, attempt=1,
    )  # fmt: skip
    row = as_row(run)
    assert encode("task", row)
    assert row["id"] == str(run.pk)
    assert (row["user"], row["username"]) == (str(run.user_id), "olga")
    assert (row["done"], row["total"], row["errors"], row["eta_s"]) == (30, 100, 2, 10.0)
    assert (row["started"], row["ended"]) == (START.timestamp(), None)
    assert row["url"] == f"/admin/tws_admin/progresstask/{run.pk}/change/"
    assert not set(HEAVY) - {"errors"} & set(row)


def test_a_row_of_the_program_itself_has_no_user() -> None:
    row = as_row(ProgressTask(site="admin"))
    assert (row["user"], row["username"], row["created"]) == (None, None, None)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"rate": None, "total": 10}, None),
        ({"rate": 0.0, "total": 10}, None),
        ({"rate": 2.0, "total": None}, None),
        ({"rate": 2.0, "total": 10, "done": 4}, 3.0),
        ({"rate": 2.0, "total": 10, "done": 12}, 0.0),
        ({"rate": 2.0, "total": 10, "ended_at": START}, None),
    ],
)
def test_what_is_left_is_told_where_it_can_be(fields: dict[str, object], expected: object) -> None:
    assert eta_s(ProgressTask(**fields)) == expected


@pytest.mark.urls("django.contrib.auth.urls")
def test_without_an_admin_there_is_no_page() -> None:
    assert url(ProgressTask(site="admin")) == ""

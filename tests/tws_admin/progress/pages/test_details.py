"""What the page of a run shows besides its card."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import timezone

from tests.tws_admin.progress.runs import make_run, office, staff
from tws_admin.models import ProgressTask, TaskFile, TaskNote
from tws_admin.progress.pages.details import MAX_TEXT, as_text, details
from tws_admin.progress.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.tws_admin.progress.runs")]

ERROR = {"pk": 7, "text": "group 7", "class": "ValueError", "message": "too late"}


def request_of(user: User) -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = user
    return request


def found(run: ProgressTask, *codenames: str) -> dict[str, Any]:
    """Return what somebody with these permissions sees of a run."""
    return details(office, request_of(staff("olga", *codenames)), run)


def test_an_error_leads_to_its_object_for_who_may_see_that() -> None:
    run = make_run(State.PARTIAL, errors=[ERROR])
    [error] = found(run, "view_group")["errors"]
    assert error["url"] == "/office/auth/group/7/change/"
    assert (error["pk"], error["text"], error["name"], error["message"]) == (
        7, "group 7", "ValueError", "too late",
    )  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"model": "auth.Permission"},  # not on this site
        {"model": "gone.Model"},
        {"model": "nonsense"},
        {"errors": [{"text": "the work itself"}]},
        {"errors": [{**ERROR, "pk": None}]},
    ],
)
def test_an_error_that_leads_nowhere(fields: dict[str, Any]) -> None:
    permitted = ("view_group",) if fields else ()
    run = make_run(State.PARTIAL, **{"errors": [ERROR], **fields})
    assert [error["url"] for error in found(run, *permitted)["errors"]] == [""]


def test_a_model_whose_objects_have_no_page() -> None:
    """Its ModelAdmin has other URLs than Django's."""
    run = make_run(State.PARTIAL, model="tornado_websockets.Dashboard", errors=[ERROR])
    olga = request_of(staff("olga", "view_dashboard"))
    assert details(admin.site, olga, run)["errors"][0]["url"] == ""


def test_a_key_is_quoted_as_the_admin_quotes_it() -> None:
    run = make_run(State.PARTIAL, errors=[{**ERROR, "pk": "a/b_c?d"}])
    [error] = found(run, "view_group")["errors"]
    assert error["url"] == "/office/auth/group/a_2Fb_5Fc_3Fd/change/"


def test_states_are_the_timeline_and_lines_the_log() -> None:
    olga = staff("otto")
    run = make_run(State.RUNNING, user=olga)
    TaskNote.objects.create(task=run, time=timezone.now(), text="hello")
    TaskNote.objects.create(task=run, time=timezone.now(), state="failed", text="ValueError: no")
    shown = found(run)
    assert [note.text for note in shown["log"]] == ["hello"]
    assert [(note["state"], note["by"], note["text"]) for note in shown["timeline"]] == [
        ("running", olga, ""),
        ("failed", None, "ValueError: no"),
    ]
    assert str(shown["timeline"][0]["name"]) == "running"


def test_parameters_are_shown_without_secrets() -> None:
    params = {"times": ["7"], "way": ["up", "down"], "api_token": ["abc"], "count": 7, "empty": []}
    assert found(make_run(params=params))["params"] == [
        ("times", "7"),
        ("way", "up, down"),
        ("api_token", "***"),
        ("count", "7"),
        ("empty", ""),
    ]
    assert found_params([1]) == []


def found_params(params: Any) -> Any:
    return details(office, request_of(staff("otto")), make_run(params=params))["params"]


def test_a_result_is_laid_out() -> None:
    assert found(make_run(result={"é": [1]}))["result"] == '{\n  "é": [\n    1\n  ]\n}'


@pytest.mark.parametrize(("result", "text"), [(None, ""), (0, "0"), ("", '""'), ([], "[]")])
def test_no_result_is_none(result: Any, text: str) -> None:
    assert found(make_run(result=result))["result"] == text


def test_a_long_text_is_cut() -> None:
    assert len(as_text("x" * 2 * MAX_TEXT)) == MAX_TEXT


def test_files_have_their_size_and_where_they_are() -> None:
    run = make_run()
    TaskFile.objects.create(task=run, name="a b.csv", size=1234, content=b"a")
    [file] = found(run)["files"]
    assert (file["name"], file["size"]) == ("a b.csv", "1.23 kB")
    assert file["url"] == f"/office/tws_admin/progresstask/{run.pk}/files/a%20b.csv"


def test_what_was_tried_again_is_linked_for_who_may_see_it() -> None:
    olga = staff("olga")
    first = make_run(State.PARTIAL, user=olga)
    second = make_run(user=olga, retry_of=first)
    make_run(retry_of=first)
    assert details(office, request_of(olga), second)["retry_of"]["url"].endswith(
        f"{first.pk}/change/"
    )
    [link] = details(office, request_of(olga), first)["retries"]
    assert link["url"].endswith(f"{second.pk}/change/")
    stranger = request_of(staff("otto"))
    assert details(office, stranger, second)["retry_of"] is None
    assert details(office, stranger, first)["retries"] == []


def test_its_size_does_not_matter_to_the_database(django_assert_num_queries: Any) -> None:
    run = make_run(State.PARTIAL, errors=[ERROR] * 100)
    olga = staff("olga", "view_group", "view_progresstask")
    request = request_of(olga)
    details(office, request, run)
    for number in range(10):
        TaskNote.objects.create(task=run, time=timezone.now(), text=str(number), by=olga)
        TaskFile.objects.create(task=run, name=str(number))
        make_run(retry_of=run, user=olga)
    with django_assert_num_queries(3):  # notes, retries, files
        details(office, request, run)

"""The list of runs, and the page of each."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.tornado_websockets.visitors import logged_in
from tests.tws_admin.operators import XSS
from tests.tws_admin.progress.runs import ago, make_run, staff
from tws_admin.models import ProgressTask, TaskFile, TaskNote
from tws_admin.progress.states import ENDED, State

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.tws_admin.progress.runs")]

LIST = "/office/tws_admin/progresstask/"


@pytest.fixture
def olga() -> User:
    return staff("olga")


@pytest.fixture
def client(olga: User) -> Client:
    return logged_in(olga)


@pytest.fixture
def viewer() -> Client:
    return logged_in(staff("vera", "view_progresstask"))


def text_of(client: Client, url: str = LIST) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return str(response.content.decode())


def listed(page: str) -> list[str]:
    return re.findall(r'<span data-tws-task="([^"]+)"', page)


def page_of(run: ProgressTask, name: str = "change") -> str:
    return f"{LIST}{run.pk}/{name}/"


def cell(page: str, name: str) -> str:
    """Return the tags and text of a column, in the first row."""
    [found, *_others] = re.findall(rf'<t[dh] class="field-{name}[^"]*">(.*?)</t[dh]>', page)
    return str(found)


# The list.


def test_a_row_says_how_far_it_is(client: Client, olga: User) -> None:
    run = make_run(user=olga, done=4, total=10, error_count=2, started_at=ago(65))
    page = text_of(client)
    assert listed(page) == [str(run.pk)]
    assert f'<a href="{page_of(run)}">' in cell(page, "name")
    assert f'data-tws-state-url="{page_of(run, "state")}"' in cell(page, "name")
    assert 'class="tws-badge tws-state-running" data-tws-part="state">running<' in cell(
        page, "state_badge"
    )
    assert 'max="10" value="4"' in cell(page, "progress")
    assert 'data-tws-part="count">4 of 10<' in cell(page, "progress")
    assert 'data-tws-part="errors">2 errors<' in cell(page, "failures")
    assert cell(page, "user") == "olga"
    assert cell(page, "duration").startswith("1 min")


def test_what_is_not_known_is_left_out(client: Client, olga: User) -> None:
    make_run(State.QUEUED, user=olga, total=None)
    page = text_of(client)
    assert 'data-tws-part="errors" hidden><' in cell(page, "failures")
    assert cell(page, "duration") == "–"
    assert 'data-tws-part="count">0<' in cell(page, "progress")


def test_nobody_sees_a_run_of_others(client: Client, olga: User) -> None:
    own = make_run(user=olga)
    make_run(user=staff("otto"), title="Secret plan", error_count=1)
    make_run(user=None)
    page = text_of(client)
    assert listed(page) == [str(own.pk)]
    assert "otto" not in page
    assert "Secret plan" not in page


def test_filters_do_not_tell_either(client: Client, olga: User) -> None:
    for name in ("otto", "zelda"):
        make_run(user=staff(name), title=f"Plan of {name}")
    make_run(user=olga)
    page = text_of(client)
    assert not re.search("otto|zelda", page[page.index('id="changelist-filter"') :])
    otto = User.objects.get(username="otto").pk
    for query in (f"?user__id__exact={otto}", "?title=Plan+of+otto", "?q=Plan"):
        assert listed(text_of(client, LIST + query)) == []


def test_who_may_see_all_sees_all_and_filters_by_user(viewer: Client, olga: User) -> None:
    own, other = make_run(user=olga), make_run(user=staff("otto"))
    make_run(user=None)
    page = text_of(viewer)
    assert len(listed(page)) == 3
    assert "otto" in page[page.index('id="changelist-filter"') :]
    assert listed(text_of(viewer, f"{LIST}?user__id__exact={olga.pk}")) == [str(own.pk)]
    assert str(other.pk) in page


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("?state__exact=failed", 1),
        ("?title=Rebuild", 1),
        ("?q=rebu", 1),
        ("?q=page+seven", 1),
        ("?q=nothing", 0),
        ("?o=2.-4", 2),
    ],
)
def test_it_is_filtered_and_searched(client: Client, olga: User, query: str, count: int) -> None:
    make_run(State.FAILED, user=olga, label="page seven")
    make_run(user=olga, title="Rebuild")
    page = text_of(client, LIST + query)
    assert len(listed(page)) == count


def test_a_field_that_is_nobody_s_business_filters_nothing(client: Client, olga: User) -> None:
    """Otherwise a password could be found out letter by letter."""
    make_run(user=olga)
    answer = client.get(f"{LIST}?user__password__startswith=a")
    assert answer.status_code in (302, 400)


def test_as_many_queries_for_a_hundred_as_for_one(viewer: Client, olga: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            page = text_of(viewer)
        assert len(listed(page)) == ProgressTask.objects.count()
        return len(found)

    make_run(user=olga)
    make_run(user=staff("otto"))
    few = queries()
    for _number in range(98):
        make_run(user=olga, errors=[{"text": "x" * 100}] * 10)
    assert queries() == few <= 13


def test_nothing_can_be_added_or_changed() -> None:
    root = logged_in(staff("root", is_superuser=True))
    run = make_run()
    assert root.get(f"{LIST}add/").status_code == 403
    assert root.post(page_of(run), {"title": "mine"}).status_code == 403
    assert "addlink" not in text_of(root).partition('id="content"')[2].partition("</main>")[0]


def test_the_index_has_an_entry_for_all_staff(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert f'href="{LIST}"' in text_of(client, "/office/")
    monkeypatch.setattr("tws_admin.progress.actions._made", [])
    assert f'href="{LIST}"' not in text_of(client, "/office/")


@pytest.mark.parametrize("text", XSS)
def test_nobody_s_text_is_markup_in_the_list(client: Client, olga: User, text: str) -> None:
    User.objects.filter(pk=olga.pk).update(username=text)
    make_run(user=olga, title=text, label=text)
    page = text_of(client)
    assert len(listed(page)) == 1
    if "<" in text or '"' in text:
        assert text not in page


# Deleting.


@pytest.fixture
def deleter() -> Client:
    return logged_in(staff("dora", "view_progresstask", "delete_progresstask"))


@pytest.mark.parametrize("state", State)
def test_only_what_is_over_is_deleted(deleter: Client, state: State) -> None:
    run = make_run(state)
    page = text_of(deleter, page_of(run))
    assert ("deletelink" in page) == (state in ENDED)
    answer = deleter.post(page_of(run, "delete"), {"post": "yes"})
    assert answer.status_code == (302 if state in ENDED else 403)
    assert ProgressTask.objects.filter(pk=run.pk).exists() == (state not in ENDED)


def test_by_the_action_too(deleter: Client) -> None:
    ended, active = make_run(State.LOST), make_run(title="Still at work")
    data = {
        "action": "delete_selected", "post": "yes", "_selected_action": [ended.pk, active.pk],
    }  # fmt: skip
    page = deleter.post(LIST, data).content.decode()
    assert "Still at work is not over: cancel it first" in page
    assert ProgressTask.objects.count() == 2
    data["_selected_action"] = [ended.pk]
    assert deleter.post(LIST, data).status_code == 302
    assert ProgressTask.objects.get() == active


def test_what_was_tried_again_meanwhile_stays(
    deleter: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at its state and the deletion of the row."""
    run = make_run(State.LOST)
    monkeypatch.setattr(ProgressTask, "is_active", property(lambda self: False))
    ProgressTask.objects.update(state="queued")
    deleter.post(page_of(run, "delete"), {"post": "yes"})
    assert ProgressTask.objects.get().state == "queued"


def test_who_may_not_delete_cannot(client: Client, olga: User) -> None:
    run = make_run(State.LOST, user=olga)
    assert "deletelink" not in text_of(client, page_of(run))
    assert client.post(page_of(run, "delete"), {"post": "yes"}).status_code == 403
    assert "delete_selected" not in text_of(client)


def test_who_may_delete_but_not_see_deletes_nothing() -> None:
    run = make_run(State.LOST)
    client = logged_in(staff("dora", "delete_progresstask"))
    client.post(page_of(run, "delete"), {"post": "yes"})
    assert ProgressTask.objects.count() == 1


def test_its_notes_and_files_go_with_it(deleter: Client) -> None:
    run = make_run(State.LOST)
    TaskFile.objects.create(task=run, name="a", content=b"a")
    deleter.post(page_of(run, "delete"), {"post": "yes"})
    assert not TaskNote.objects.exists()
    assert not TaskFile.objects.exists()


# The page of a run.


def test_it_has_all_that_there_is_to_say(client: Client, olga: User) -> None:
    first = make_run(State.PARTIAL, user=olga)
    error = {"pk": 7, "text": "group 7", "class": "ValueError", "message": "too late"}
    run = make_run(
        State.FAILED,
        user=olga,
        retry_of=first,
        failure="OSError: the disk is full",
        errors=[error],
        error_count=250,
        params={"times": ["7"], "password": ["hunter-2"]},
        result={"rebuilt": 42},
        engine="celery",
        worker="web1:77",
    )
    TaskNote.objects.create(task=run, time=timezone.now(), text="half of it")
    TaskFile.objects.create(task=run, name="books.csv", size=12, content=b"a")
    page = text_of(client, page_of(run))
    for text in (
        "OSError: the disk is full", "The first 1 of 250.", "group 7", "too late", "half of it",
        "&quot;rebuilt&quot;: 42", "***", "celery", "web1:77", "books.csv", "12 byte",
        "Takes up the failures of", page_of(first),
    ):  # fmt: skip
        assert text in page, text
    assert "hunter-2" not in page  # as no id and no token can be: those are random
    assert page.count("<article") == 1
    assert 'http-equiv="refresh"' not in page


@pytest.mark.parametrize("state", State)
def test_each_state_has_a_page(client: Client, olga: User, state: State) -> None:
    page = text_of(client, page_of(make_run(state, user=olga)))
    assert (
        '<noscript><meta http-equiv="refresh" content="5"></noscript>'
        in page.partition("</head>")[0]
    ) == (state not in ENDED)
    assert f"tws-state-{state}" in page


def test_scripts_replace_what_only_the_server_writes(client: Client, olga: User) -> None:
    page = text_of(client, page_of(make_run(user=olga)))
    sections = re.findall(r'data-tws-refresh="(\w+)"', page)
    assert sections == ["failure", "result", "errors", "log", "timeline", "facts"]
    assert 'data-tws-page="task"' in page
    assert 'data-tws-socket="/tornado_websockets/tasks"' in page


def test_a_run_of_somebody_else_is_followed_on_the_socket_of_all(
    viewer: Client, olga: User
) -> None:
    page = text_of(viewer, page_of(make_run(user=olga)))
    assert 'data-tws-socket="/tornado_websockets/tasks/all"' in page
    assert "<form" not in page[page.index("<article") : page.index("</article>")]


@pytest.mark.parametrize("pk", ["1", "x", "00000000-0000-0000-0000-000000000000", "a_2Fb"])
def test_one_that_there_is_not(client: Client, pk: str) -> None:
    assert client.get(f"{LIST}{pk}/change/").status_code == 404


def test_its_history_is_that_of_the_admin(client: Client, olga: User) -> None:
    run = make_run(user=olga)
    client.post(page_of(run, "control"), {"verb": "cancel"})
    assert "Cancelled." in text_of(client, page_of(run, "history"))
    other = make_run(user=None)
    assert client.get(page_of(other, "history")).status_code in (302, 403)


@pytest.mark.parametrize("text", XSS)
def test_nobody_s_text_is_markup(client: Client, olga: User, text: str) -> None:
    User.objects.filter(pk=olga.pk).update(username=text)
    error = {"pk": text, "text": text, "class": text, "message": text}
    run = make_run(
        State.FAILED, user=olga, title=text[:200], label=text, failure=text, errors=[error],
        error_count=1, params={text: [text]}, result={text: text}, worker=text, engine=text,
    )  # fmt: skip
    TaskNote.objects.create(task=run, time=timezone.now(), text=text, by=olga)
    TaskNote.objects.create(task=run, time=timezone.now(), text=text, by=olga, state="failed")
    if "/" not in text:
        TaskFile.objects.create(task=run, name=text, content=b"a")
    page = text_of(client, page_of(run))
    if "<" in text or '"' in text:
        assert text not in page
    assert not re.search(r'href="javascript:', page)


def test_it_is_put_together_for_everybody(client: Client, olga: User) -> None:
    error = {"pk": 7, "text": "group 7", "class": "ValueError", "message": "too late"}
    run = make_run(State.PARTIAL, user=olga, errors=[error], error_count=1)
    page = text_of(client, page_of(run))
    body = page[page.index('id="tws-tasks-root"') :]
    assert body.count("<table") == body.count("<caption")
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(set(ids)) == len(ids)
    for name in re.findall(r'aria-labelledby="([^"]+)"', body):
        assert name in ids
    assert not re.search(r"<[^>]*\s(style|on\w+)\s*=|<style", body.partition("</main>")[0])
    levels = [int(level) for level in re.findall(r"<h([1-6])", page[page.index('id="content"') :])]
    assert levels[0] == 1
    assert set(levels) <= {1, 2, 3}


def test_it_is_in_the_language_of_the_visitor(client: Client, olga: User) -> None:
    run = make_run(user=olga)
    with override_settings(LANGUAGE_CODE="fr"):
        page = text_of(client, page_of(run))
        assert "Progression" in text_of(client)
    assert "À propos de cette tâche" in page
    assert "en cours" in page


def test_every_site_has_pages_of_its_own(client: Client, olga: User) -> None:
    run = make_run(user=olga)
    for site in ("admin", "office"):
        page = text_of(client, reverse(f"{site}:tws_admin_progresstask_change", args=[run.pk]))
        assert f'data-tws-control-url="/{site}/tws_admin/progresstask/{run.pk}/control/"' in page
        assert f'src="/{site}/tws_admin/progresstask/jsi18n/"' in page


def test_a_page_reads_the_database_a_fixed_number_of_times(client: Client, olga: User) -> None:
    def queries(run: ProgressTask) -> int:
        with CaptureQueriesContext(connection) as found:
            text_of(client, page_of(run))
        return len(found)

    run = make_run(State.PARTIAL, user=olga)
    few = queries(run)
    for number in range(20):
        TaskNote.objects.create(task=run, time=timezone.now(), text=str(number), by=olga)
        TaskFile.objects.create(task=run, name=str(number))
        make_run(user=olga, retry_of=run)
    assert queries(run) == few

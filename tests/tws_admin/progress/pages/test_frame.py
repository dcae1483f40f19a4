"""What the pages of the admin show of progress tasks, and what they leave alone."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.template import Template
from django.template.response import TemplateResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import reverse

from tests.tornado_websockets.visitors import logged_in
from tests.tws_admin.operators import XSS
from tests.tws_admin.progress.runs import MODEL, ago, make_run, office, staff
from tws_admin.progress.pages import frame
from tws_admin.progress.states import ENDED, State

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.tws_admin.progress.runs")]

CHANGELIST = "/office/auth/group/"
OTHER = "/office/auth/user/"


@pytest.fixture
def olga() -> User:
    return staff("olga", "view_group", "change_group", "view_user")


@pytest.fixture
def client(olga: User) -> Client:
    return logged_in(olga)


def text_of(client: Client, url: str = CHANGELIST) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return str(response.content.decode())


def shown(page: str) -> list[str]:
    """Return the ids of the runs whose cards are on a page, the empty one left out."""
    ids = re.findall(r'<article class="tws-task" data-tws-task="([^"]+)"', page)
    return [found for found in ids if not found.startswith("00000000-")]


def known(page: str) -> list[str]:
    """Return the ids of the runs that the scripts of a page know at first."""
    [found] = re.findall(r'<script id="tws-tasks" type="application/json">(.*?)</script>', page)
    return [row["id"] for row in json.loads(found)["tasks"]]


def root(page: str) -> dict[str, str]:
    """Return the attributes of the root, by their names without ``data-tws-``."""
    [found] = re.findall(r'<[^>]*id="tws-tasks-root"[^>]*>', page)
    return dict(re.findall(r'data-tws-([\w-]+)="([^"]*)"', found))


def test_a_changelist_has_the_cards_of_its_model_above_the_results(
    client: Client, olga: User
) -> None:
    run = make_run(user=olga)
    page = text_of(client)
    assert shown(page) == known(page) == [str(run.pk)]
    before = page[: page.index('<form id="changelist-form"')]
    assert shown(before) == [str(run.pk)]
    assert "tws_admin/tasks/tasks.js" in page.partition("</head>")[0]


def test_which_runs_have_a_card(client: Client, olga: User) -> None:
    """What is at work, and what the visitor has seen end."""
    other = staff("otto")
    own = [make_run(state, user=olga, created_s=10) for state in (State.QUEUED, State.PAUSED)]
    just_ended = make_run(State.FAILED, user=olga, ended_at=ago(590), created_s=20)
    make_run(State.SUCCEEDED, user=olga, ended_at=ago(610))
    make_run(user=olga, model="auth.User")
    make_run(user=olga, site="admin")
    make_run(user=other)
    make_run(user=None)
    expected = {str(run.pk) for run in (*own, just_ended)}
    page = text_of(client)
    assert set(shown(page)) == expected
    assert shown(page)[-1] == str(just_ended.pk)


def test_who_may_see_all_runs_sees_those_of_others_while_they_are_at_work() -> None:
    client = logged_in(staff("vera", "view_group", "change_group", "view_progresstask"))
    otto = staff("otto")
    run = make_run(user=otto)
    make_run(State.SUCCEEDED, user=otto)
    page = text_of(client)
    assert shown(page) == [str(run.pk)]
    assert 'data-tws-may=""' in page
    found = root(page)
    assert found["socket"] == "/tornado_websockets/tasks/all"
    assert found["states-url"] == "/office/tws_admin/progresstask/states/?all=1"


def test_the_newest_five_have_a_card(client: Client, olga: User) -> None:
    # Far enough apart: making one may take a while.
    runs = [make_run(user=olga, created_s=60 * age) for age in range(8)]
    assert shown(text_of(client)) == [str(run.pk) for run in runs[:5]]


def test_the_root_tells_the_scripts_all_that_they_need(client: Client, olga: User) -> None:
    assert root(text_of(client, f"{CHANGELIST}?q=a&o=1")) == {
        "page": "changelist",
        "socket": "/tornado_websockets/tasks",
        "states-url": "/office/tws_admin/progresstask/states/",
        "login-url": "/office/login/?next=%2Foffice%2Fauth%2Fgroup%2F%3Fq%3Da%26o%3D1",
        "site": "office",
        "model": MODEL,
        "user": str(olga.pk),
        "may": "",
        "toasts": "yes",
    }


def test_who_may_control_all_runs_is_known_to_the_scripts() -> None:
    client = logged_in(staff("carl", "view_group", "view_progresstask", "change_progresstask"))
    make_run(user=staff("otto"))
    page = text_of(client)
    assert root(page)["may"] == "change"
    assert page.count('data-tws-may="change"') == 3  # the root, the card, the empty card


def test_a_changelist_without_runs_is_ready_for_one(client: Client) -> None:
    page = text_of(client)
    assert shown(page) == []
    template = page[page.index('<template id="tws-task-template">') :].partition("</template>")[0]
    assert "/office/tws_admin/progresstask/00000000-0000-0000-0000-000000000000/control/" in page
    for verb in ("pause", "resume", "cancel", "retry", "retry_failed"):
        assert f'value="{verb}"' in template
    assert "csrfmiddlewaretoken" in template
    assert re.search(r"<p [^>]*data-tws-more hidden>", page)
    assert 'http-equiv="refresh"' not in page


@pytest.mark.parametrize("state", State)
def test_it_reloads_without_scripts_while_something_is_at_work(
    client: Client, olga: User, state: State
) -> None:
    make_run(state, user=olga)
    refresh = '<noscript><meta http-equiv="refresh" content="5"></noscript>'
    assert (refresh in text_of(client)) == (state not in ENDED)


def test_a_card_has_a_button_for_each_thing_that_can_be_asked(client: Client, olga: User) -> None:
    make_run(State.RUNNING, user=olga)
    page = text_of(client)
    card = page[page.index("<article") : page.index("</article>")]
    buttons = re.findall(r'<button [^>]*value="(\w+)"[^>]*?( hidden)?>', card)
    assert [verb for verb, hidden in buttons if not hidden] == ["pause", "cancel"]
    assert f'name="next" value="{CHANGELIST}"' in card


def test_other_pages_tell_of_own_runs_that_are_at_work_or_have_just_ended(
    client: Client, olga: User
) -> None:
    make_run(State.SUCCEEDED, user=olga, ended_at=ago(61))
    make_run(user=staff("otto"))
    assert "tws-" not in text_of(client, OTHER)
    runs = [make_run(user=olga), make_run(State.FAILED, user=olga, created_s=5, ended_at=ago(50))]
    for url in (OTHER, "/office/", f"{OTHER}{olga.pk}/change/", "/office/auth/"):
        page = text_of(client, url)
        assert known(page) == [str(run.pk) for run in runs]
        assert root(page)["page"] == "other"
        assert shown(page) == []
        assert "tws-tasks-root" in page.partition("</head>")[0]
        assert 'http-equiv="refresh"' not in page


def test_a_page_of_another_site_tells_too(client: Client, olga: User) -> None:
    make_run(user=olga)
    assert root(text_of(client, "/admin/"))["states-url"].startswith("/admin/")


def test_without_toasts_other_pages_are_left_alone(client: Client, olga: User) -> None:
    make_run(user=olga)
    with override_settings(TWS_ADMIN={"toasts": False}):
        assert "tws-" not in text_of(client, OTHER)
        assert root(text_of(client))["toasts"] == "no"


def test_the_list_of_runs_is_live(client: Client, olga: User) -> None:
    url = reverse("office:tws_admin_progresstask_changelist")
    run = make_run(State.SUCCEEDED, user=olga)
    page = text_of(client, url)
    assert root(page)["page"] == "list"
    assert f'data-tws-task="{run.pk}"' in page
    assert 'http-equiv="refresh"' not in page
    make_run(user=olga)
    assert 'http-equiv="refresh" content="5"' in text_of(client, url)


@pytest.mark.parametrize("url", [CHANGELIST, OTHER])
def test_a_popup_is_left_alone(client: Client, olga: User, url: str) -> None:
    make_run(user=olga)
    assert "tws-" not in text_of(client, f"{url}?_popup=1")


def test_what_is_no_page_is_left_alone(client: Client, olga: User) -> None:
    make_run(user=olga)
    for url in ("/office/jsi18n/", "/office/tws_admin/progresstask/jsi18n/"):
        assert "tws-tasks" not in text_of(client, url)
    fields = "term=a&app_label=auth&model_name=user&field_name=groups"
    answer = client.get(f"/office/autocomplete/?{fields}")
    assert answer["Content-Type"] == "application/json"
    assert "tws-tasks" not in Client().get("/office/login/").content.decode()


def test_who_is_no_staff_gets_pages_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a site that lets others in."""
    monkeypatch.setattr(office, "has_permission", lambda request: request.user.is_active)
    user = staff("customer", is_staff=False, is_superuser=True)
    make_run(user=user)
    page = text_of(logged_in(user))
    assert "Select group" in page
    assert "tws-" not in page


def test_a_site_without_the_pages_of_runs_is_left_alone(
    client: Client, olga: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run(user=olga)
    monkeypatch.setattr(office, "is_registered", lambda model: False)
    assert "tws-tasks" not in text_of(client, OTHER)


def test_a_page_does_without_runs_that_cannot_be_read(
    client: Client, olga: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Before the migration, say."""

    def fail(user: Any) -> None:
        raise DatabaseError("no such table")

    monkeypatch.setattr(frame, "newest", fail)
    assert "Select group" in text_of(client)
    assert "no such table" in caplog.text


def test_a_page_costs_one_query_more(
    client: Client, olga: User, django_assert_num_queries: Any
) -> None:
    for _number in range(7):
        make_run(user=olga)
    with override_settings(TWS_ADMIN={"toasts": False}):
        text_of(client, OTHER)
        before = queries_of(client, OTHER)
    assert queries_of(client, OTHER) == before + 1


def queries_of(client: Client, url: str) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as found:
        text_of(client, url)
    return len(found)


def test_as_many_queries_for_five_cards_as_for_one(client: Client, olga: User) -> None:
    make_run(user=olga)
    text_of(client)
    one = queries_of(client, CHANGELIST)
    for _number in range(6):
        make_run(user=olga)
    assert queries_of(client, CHANGELIST) == one


@pytest.mark.parametrize("text", XSS)
def test_nobody_s_text_is_markup(client: Client, olga: User, text: str) -> None:
    User.objects.filter(pk=olga.pk).update(username=text)
    make_run(user=olga, title=text, label=text)
    page = text_of(client)
    assert len(shown(page)) == 1
    if "<" in text or '"' in text:
        assert text not in page
    assert not re.search(r"<(img|svg)[^>]*onerror|<svg/onload|<script>alert", page)


def test_nothing_is_inline(client: Client, olga: User) -> None:
    """A strict Content-Security-Policy forbids scripts, styles and handlers in the page."""
    make_run(user=olga)
    page = text_of(client)
    ours = page[page.index('id="tws-tasks-root"') : page.index('<form id="changelist-form"')]
    assert not re.search(r"<[^>]*\s(style|on\w+)\s*=|<style", ours)
    head = page.partition("</head>")[0]
    tags = re.findall(r"<script\b([^>]*)>", head)
    assert all("src=" in tag or 'type="application/json"' in tag for tag in tags)


def test_ids_are_unique(client: Client, olga: User) -> None:
    for _number in range(3):
        make_run(user=olga)
    ids = re.findall(r'\sid="([^"]+)"', text_of(client))
    assert len(set(ids)) == len(ids)


# What a view of the project's own may answer.


def framed(response: Any, user: User, url: str = CHANGELIST) -> Any:
    request = RequestFactory().get(url)
    request.user = user
    return frame.frame(office, request, response)


@pytest.mark.parametrize(
    "name",
    [
        "admin/index.html",
        ["admin/not_there.html", "admin/index.html"],
        Template("{% extends 'admin/base_site.html' %}{% block content %}mine{% endblock %}"),
    ],
    ids=["name", "list", "template"],
)
def test_a_template_of_any_kind_is_framed(olga: User, name: Any) -> None:
    if isinstance(name, Template):
        from django.template import engines
        from django.template.backends.django import Template as BackendTemplate

        name = BackendTemplate(name, engines["django"])
    make_run(user=olga)
    request = RequestFactory().get("/office/")
    request.user = olga
    response = framed(TemplateResponse(request, name, office.each_context(request)), olga)
    text = response.render().content.decode()
    assert "tws-tasks-root" in text.partition("</head>")[0]
    assert "</html>" in text


def test_a_template_without_context_is_framed(olga: User) -> None:
    make_run(user=olga)
    request = RequestFactory().get("/office/")
    request.user = olga
    response = framed(TemplateResponse(request, "admin/base.html"), olga)
    assert "tws-tasks-root" in response.render().content.decode()


def test_a_fragment_stays_what_it_is(olga: User) -> None:
    make_run(user=olga)
    request = RequestFactory().get("/office/")
    request.user = olga
    whole = TemplateResponse(request, "tws_admin/figure.html", {"figure": {"text": "7"}})
    before = whole.resolve_template("tws_admin/figure.html").render({"figure": {"text": "7"}})
    assert framed(whole, olga).render().content.decode() == before


@pytest.mark.parametrize(
    "response",
    [
        HttpResponse("<html>"),
        TemplateResponse(HttpRequest(), "admin/index.html", content_type="text/plain"),
        TemplateResponse(HttpRequest(), "admin/not_there.html"),
        TemplateResponse(HttpRequest(), "admin/index.html", {"is_popup": True}),
        TemplateResponse(HttpRequest(), "admin/index.html", {"tws_tasks": {}}),
    ],
    ids=["no template", "no page", "no such template", "popup", "has them"],
)
def test_an_answer_that_is_left_alone(olga: User, response: Any) -> None:
    make_run(user=olga)
    name = getattr(response, "template_name", None)
    assert framed(response, olga) is response
    assert getattr(response, "template_name", None) == name


def test_an_answer_that_was_rendered_is_left_alone(olga: User) -> None:
    make_run(user=olga)
    request = RequestFactory().get("/office/")
    response = TemplateResponse(request, "admin/login.html").render()
    assert framed(response, olga).content == response.content
    assert response.template_name == "admin/login.html"


def test_a_project_without_such_actions_pays_nothing(
    olga: User, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    make_run(user=olga)
    monkeypatch.setattr("tws_admin.progress.actions._made", [])
    response = TemplateResponse(HttpRequest(), "admin/index.html", {})
    with django_assert_num_queries(0):
        framed(response, olga)
    assert response.template_name == "admin/index.html"


def test_deleting_by_an_action_still_works(client: Client, olga: User) -> None:
    """A page that answers a POST is framed as well."""
    olga.user_permissions.add(*staff("x", "delete_group").user_permissions.all())
    group = Group.objects.create(name="one")
    make_run(user=olga)
    data = {"action": "delete_selected", "_selected_action": [group.pk]}
    page = logged_in(User.objects.get(pk=olga.pk)).post(CHANGELIST, data).content.decode()
    assert "Are you sure" in page
    assert root(page)["page"] == "other"

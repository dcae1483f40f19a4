"""The page between a click on an action and its work."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.messages import get_messages
from django.test import Client, override_settings

from tests.tornado_websockets.visitors import logged_in
from tests.tws_admin.operators import XSS, forbid
from tests.tws_admin.progress.runs import make_run, staff
from tws_admin.models import ProgressTask, TaskSelection

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.tws_admin.progress.runs")]

CHANGELIST = "/office/auth/group/"


@pytest.fixture
def olga() -> User:
    return staff("olga", "view_group", "change_group")


@pytest.fixture
def client(olga: User) -> Client:
    return logged_in(olga)


def groups(count: int = 3) -> list[Group]:
    made = Group.objects.bulk_create(Group(name=f"group {number:02}") for number in range(count))
    return list(made)


def click(client: Client, action: str, chosen: list[Group], url: str = CHANGELIST) -> Any:
    data = {"action": action, "_selected_action": [group.pk for group in chosen]}
    return client.post(url, data)


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


def test_without_a_question_it_starts_at_once(client: Client, olga: User) -> None:
    answer = click(client, "at_once", groups())
    run = ProgressTask.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, CHANGELIST)
    assert (run.user, run.selected, run.title) == (olga, 3, "Greet selected groups")
    [message] = get_messages(answer.wsgi_request)
    assert f'<a href="/office/tws_admin/progresstask/{run.pk}/change/">' in str(message)


def test_a_question_names_what_it_is_about(client: Client) -> None:
    answer = click(client, "ask", groups(25))
    assert ProgressTask.objects.count() == 0
    page = text_of(client.get(answer["Location"]))
    assert "<h1>Ask</h1>" in page
    assert "Do this for 25 groups?" in page
    names = re.findall(r"<li[^>]*>(group \d\d)</li>", page)
    assert names == [f"group {number:02}" for number in range(20)]
    assert "and 5 others" in page
    assert f'<a href="{CHANGELIST}" class="closelink">' in page


def test_one_object_is_one(client: Client) -> None:
    page = text_of(client.get(click(client, "ask", groups(1))["Location"]))
    assert "Do this for 1 group?" in page
    assert "other" not in page[page.index("tws-names") : page.index("</ul>")]


def test_yes_starts_it_and_leads_back(client: Client, olga: User) -> None:
    url = click(client, "ask", groups(), f"{CHANGELIST}?q=group")["Location"]
    page = text_of(client.get(url))
    back = f"{CHANGELIST}?q=group"
    assert f'<input type="hidden" name="next" value="{back}">' in page
    answer = client.post(url, {"next": back})
    assert (answer.status_code, answer["Location"]) == (303, back)
    run = ProgressTask.objects.get()
    assert (run.user, run.selected, run.params) == (olga, 3, {})
    assert len(list(get_messages(answer.wsgi_request))) == 1


def test_sent_twice_it_is_one_run(client: Client) -> None:
    url = click(client, "ask", groups())["Location"]
    for _number in range(3):
        client.post(url, {})
    run = ProgressTask.objects.get()
    answer = client.get(url)
    assert (answer.status_code, answer["Location"]) == (
        303,
        f"/office/tws_admin/progresstask/{run.pk}/change/",
    )
    assert "This was sent before" in client.get(answer["Location"]).content.decode()


def test_a_form_is_shown_as_those_of_the_admin_are(client: Client) -> None:
    page = text_of(client.get(click(client, "fill_in", groups())["Location"]))
    assert 'class="form-row field-times"' in page
    assert "How often." in page
    assert "errornote" not in page
    assert page.count('name="next"') == 1


def test_what_was_filled_in_wrong_is_said(client: Client) -> None:
    url = click(client, "fill_in", groups())["Location"]
    page = text_of(client.post(url, {"times": "0", "way": "up", "next": CHANGELIST}))
    assert "Please correct the error below." in page
    assert "Ensure this value is greater than or equal to 1." in page
    assert f'name="next" value="{CHANGELIST}"' in page
    assert ProgressTask.objects.count() == 0


def test_what_was_filled_in_is_what_the_work_gets(client: Client) -> None:
    url = click(client, "fill_in", groups())["Location"]
    answer = client.post(url, {"times": "7", "way": "down", "next": CHANGELIST})
    assert answer["Location"] == CHANGELIST
    assert ProgressTask.objects.get().params == {"times": ["7"], "way": ["down"]}


def test_it_leads_nowhere_else(client: Client) -> None:
    url = click(client, "ask", groups())["Location"].partition("?")[0]
    page = text_of(client.get(f"{url}?next=https://evil.example/"))
    assert "evil.example" not in page.partition('id="content"')[2]
    assert client.post(url, {"next": "//evil.example"})["Location"] == CHANGELIST


def test_a_page_of_the_project_s_own(client: Client, tmp_path: Path) -> None:
    (tmp_path / "tws_admin/tests").mkdir(parents=True)
    (tmp_path / "tws_admin/tests/own_page.html").write_text(
        "Mine: {{ title }}, {{ objects }}, {{ names.0 }}, {{ next }}, {{ action }}"
    )
    url = click(client, "own_page", groups())["Location"]
    with override_settings(TEMPLATES=[{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]):
        page = text_of(client.get(url))
    assert page == f"Mine: Own page, 3 groups, group 00, {CHANGELIST}, own_page"


def test_a_second_run_of_what_runs_alone_is_refused(client: Client) -> None:
    chosen = groups()
    first, second = (click(client, "only_one", chosen)["Location"] for _number in range(2))
    client.post(first, {})
    answer = client.post(second.partition("?")[0], {})
    assert "is at work already" in str(list(get_messages(answer.wsgi_request))[-1])
    assert answer["Location"] == CHANGELIST
    assert ProgressTask.objects.count() == 1


# Who may.


def test_a_selection_is_its_user_s_alone(client: Client) -> None:
    url = click(client, "ask", groups())["Location"]
    root = logged_in(staff("root", is_superuser=True))
    assert root.get(url).status_code == 404
    assert root.post(url, {}).status_code == 404
    assert Client().get(url).status_code == 302
    assert ProgressTask.objects.count() == 0


def test_one_that_there_is_not(client: Client, olga: User) -> None:
    unknown = f"/office/tws_admin/progresstask/{uuid.uuid4()}/start/"
    assert client.get(unknown).status_code == 404
    gone = TaskSelection.objects.create(
        site="office", model="auth.Group", action="gone", user=olga, keys=[1]
    )
    assert client.get(unknown.replace(unknown.split("/")[-3], str(gone.pk))).status_code == 404


def test_it_belongs_to_one_site(client: Client) -> None:
    url = click(client, "ask", groups())["Location"]
    assert client.get(url.replace("/office/", "/admin/", 1)).status_code == 404


def test_who_may_not_do_it_any_more_cannot(client: Client, olga: User) -> None:
    url = click(client, "ask", groups())["Location"]
    forbid(olga, "change_group")
    assert client.get(url).status_code == 403
    assert client.post(url, {}).status_code == 403
    assert ProgressTask.objects.count() == 0


def test_a_run_of_somebody_else_does_not_show_by_its_id(client: Client) -> None:
    """The id of a selection is that of its run."""
    run = make_run(user=staff("otto"))
    url = f"/office/tws_admin/progresstask/{run.pk}/start/"
    assert client.get(url).status_code == 404


def test_it_takes_a_token(olga: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(olga)
    selection = TaskSelection.objects.create(
        site="office", model="auth.Group", action="ask", user=olga, keys=[1]
    )
    url = f"/office/tws_admin/progresstask/{selection.pk}/start/"
    page = text_of(client.get(url))
    assert client.post(url, {}).status_code == 403
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[-1]
    assert client.post(url, {"csrfmiddlewaretoken": token}).status_code == 303


@pytest.mark.parametrize("text", XSS)
def test_nobody_s_text_is_markup(client: Client, text: str) -> None:
    group = Group.objects.create(name=text)
    page = text_of(client.get(click(client, "ask", [group])["Location"]))
    if "<" in text or '"' in text:
        assert text not in page


def test_nothing_is_inline(client: Client) -> None:
    page = text_of(client.get(click(client, "fill_in", groups())["Location"]))
    ours = page[page.index('class="tws-start"') :].partition("</form>")[0]
    assert not re.search(r"<[^>]*\s(style|on\w+)\s*=|<style|<script", ours)

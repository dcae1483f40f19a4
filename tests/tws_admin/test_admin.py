"""Who sees the page of the monitor, and what is on it."""

from __future__ import annotations

import html
import itertools
import json
import re
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.test import Client, override_settings
from django.urls import NoReverseMatch, reverse

from tests.tornado_websockets.visitors import logged_in, make_user
from tornado_websockets.models import Dashboard

pytestmark = pytest.mark.django_db

NAMES = ["app_list", "changelist", "snapshot", "jsi18n"]

LOGIN = 302
SEEN = 200
HIDDEN = 404
REFUSED = 403

MATRIX = {
    "anonymous": [LOGIN, LOGIN, LOGIN, LOGIN],
    "user": [LOGIN, LOGIN, LOGIN, LOGIN],
    "allowed_but_no_staff": [LOGIN, LOGIN, LOGIN, LOGIN],
    "inactive_superuser": [LOGIN, LOGIN, LOGIN, LOGIN],
    "staff": [HIDDEN, REFUSED, REFUSED, REFUSED],
    "staff_who_may_only_act": [HIDDEN, REFUSED, REFUSED, REFUSED],
    "viewer": [SEEN, SEEN, SEEN, SEEN],
    "superuser": [SEEN, SEEN, SEEN, SEEN],
}
"""What Django's own pages answer, page by page."""


def url(name: str, site: str = "admin") -> str:
    if name == "app_list":
        return reverse(f"{site}:app_list", args=["tornado_websockets"])
    return reverse(f"{site}:tornado_websockets_dashboard_{name}")


def allow(user: User, *permissions: str) -> User:
    found = Permission.objects.filter(
        content_type__app_label="tornado_websockets", codename__in=permissions
    )
    assert found.count() == len(permissions)
    user.user_permissions.add(*found)
    return user


def client_of(who: str) -> Client:
    """Return the browser of somebody of the matrix."""
    if who == "anonymous":
        return Client()
    user = make_user(
        who,
        is_staff=who.startswith("staff") or who in {"viewer", "superuser"},
        is_superuser="superuser" in who,
    )
    if who in {"viewer", "allowed_but_no_staff"}:
        allow(user, "view_dashboard")
    if who == "staff_who_may_only_act":
        allow(user, "close_connections", "send_event", "view_payloads", "view_metrics")
    client = logged_in(user)
    if who == "inactive_superuser":
        User.objects.filter(pk=user.pk).update(is_active=False)
    return client


@pytest.fixture
def viewer() -> Client:
    return client_of("viewer")


def text_of(response: Any) -> str:
    return str(response.content.decode())


def script(page: str, name: str) -> Any:
    [found] = re.findall(rf'<script id="{name}" type="application/json">(.*?)</script>', page)
    return json.loads(found)


@pytest.mark.parametrize("who", MATRIX)
def test_each_page_answers_each_visitor_as_the_admin_does(who: str) -> None:
    client = client_of(who)
    answers = {name: client.get(url(name)) for name in NAMES}
    assert [answer.status_code for answer in answers.values()] == MATRIX[who]
    for name, answer in answers.items():
        if answer.status_code == LOGIN:
            assert answer["Location"] == f"{reverse('admin:login')}?next={url(name)}"
        if answer.status_code != SEEN:
            assert "tws-" not in text_of(answer)


@pytest.mark.parametrize("who", [who for who in MATRIX if who.startswith(("staff", "view", "sup"))])
def test_index_and_sidebar_have_an_entry_for_who_may_see_it(who: str) -> None:
    client = client_of(who)
    for page in (text_of(client.get(reverse("admin:index"))), *seen_pages(client)):
        assert (f'href="{url("changelist")}"' in page) == (MATRIX[who][0] == SEEN)
        assert (f'href="{url("app_list")}"' in page) == (MATRIX[who][0] == SEEN)


def seen_pages(client: Client) -> list[str]:
    answers = [client.get(url(name)) for name in ("app_list", "changelist")]
    return [text_of(answer) for answer in answers if answer.status_code == SEEN]


def test_no_page_of_it_is_kept_by_a_cache(viewer: Client) -> None:
    for name in ("app_list", "changelist", "snapshot"):
        assert "no-store" in viewer.get(url(name))["Cache-Control"]


def test_nothing_can_be_added_changed_or_deleted(admin_client: Client) -> None:
    for name in ("add", "change", "delete", "history"):
        with pytest.raises(NoReverseMatch):
            reverse(f"admin:tornado_websockets_dashboard_{name}", args=["1"][: name != "add"])
    for path in ("add/", "1/", "1/change/", "1/delete/", "1/history/"):
        assert admin_client.get(url("changelist") + path).status_code == HIDDEN


def test_the_app_s_page_and_the_model_s_are_the_same(viewer: Client) -> None:
    pages = [text_of(viewer.get(url(name))) for name in ("app_list", "changelist")]
    bodies = [re.findall(r"data-tws[-\w]*", page) for page in pages]
    assert bodies[0] == bodies[1]
    assert len(bodies[0]) > 100


def test_it_has_every_section_with_a_heading_in_order(viewer: Client) -> None:
    page = text_of(viewer.get(url("changelist")))
    body = page[page.index('<div id="tws-dashboard"') :]
    sections = re.findall(r'<section [^>]*data-tws="(\w+)" aria-labelledby="([\w-]+)"', body)
    assert {name for name, _title in sections} == {
        "status", "tiles", "nodes", "charts", "paths", "connections", "lifecycle", "progress",
    }  # fmt: skip
    for _name, title in sections:
        assert f'<h2 id="{title}"' in body
    levels = [int(level) for level in re.findall(r"<h([1-6])", page[page.index('id="content"') :])]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_every_table_has_a_caption_and_every_heading_of_one_a_scope(viewer: Client) -> None:
    page = text_of(viewer.get(url("changelist")))
    body = page[page.index('<div id="tws-dashboard"') :]
    assert body.count("<table") == body.count("<caption")
    assert all('scope="' in tag for tag in re.findall(r"<th\b[^>]*>", body))


def test_ids_are_unique(viewer: Client) -> None:
    ids = re.findall(r'\sid="([^"]+)"', text_of(viewer.get(url("changelist"))))
    assert len(set(ids)) == len(ids)


def test_nothing_is_inline(viewer: Client) -> None:
    """A strict Content-Security-Policy forbids scripts, styles and handlers in the page."""
    page = text_of(viewer.get(url("changelist")))
    scripts = re.findall(r"<script\b([^>]*)>", page)
    assert all("src=" in tag or 'type="application/json"' in tag for tag in scripts)
    assert "<style" not in page
    assert not re.search(r"<[^>]*\s(style|on\w+)\s*=", page)
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page.replace("http://testserver", ""))


def test_an_empty_process_says_what_to_do(viewer: Client) -> None:
    page = text_of(viewer.get(url("changelist")))
    assert "python manage.py runtornado" in page
    assert not re.search(r'data-tws-notice="no-server" hidden', page)
    for words in ("No path is registered yet", "Nobody is connected", "No work is in progress"):
        assert words in html.unescape(page)
    assert script(page, "tws-snapshot")["paths"] == []


def test_it_works_without_javascript(viewer: Client) -> None:
    page = text_of(viewer.get(url("changelist")))
    head, _head, body = page.partition("</head>")
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in head
    assert "JavaScript is switched off" in body
    assert '<a href="?range=2h" dir="auto" data-tws-choose="2h">' in body


@pytest.mark.parametrize(
    ("query", "chosen"), [("", "10m"), ("?range=2h", "2h"), ("?range=<b>", "10m"), ("?q=1", "10m")]
)
def test_the_range_of_time_is_chosen_by_a_link(viewer: Client, query: str, chosen: str) -> None:
    for name in ("app_list", "changelist"):
        page = text_of(viewer.get(url(name) + query))
        assert f'data-tws-range="{chosen}"' in page
        assert f'data-tws-choose="{chosen}" aria-current="true"' in page
        assert page.count('aria-current="true"') == 1


def test_it_is_in_the_language_of_the_visitor(viewer: Client) -> None:
    with override_settings(LANGUAGE_CODE="fr"):
        page = text_of(viewer.get(url("changelist")))
    assert "JavaScript est désactivé" in html.unescape(page)


def test_an_action_that_was_logged_is_shown_on_the_index(admin_user: User) -> None:
    """It leads nowhere: there is no object whose page it could open."""
    LogEntry.objects.create(
        user=admin_user,
        content_type=ContentType.objects.get_for_model(Dashboard),
        object_id="1",
        object_repr="a connection of ann",
        action_flag=CHANGE,
        change_message="Disconnected",
    )
    page = text_of(logged_in(admin_user).get(reverse("admin:index")))
    assert "a connection of ann" in page
    assert not re.search(r"<a [^>]*>\s*a connection of ann", page)

"""The tags of the page's templates, and that they write what clients chose as text."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import translation

from tests.tws_admin.snapshots import XSS, bar, event, path, snapshot
from tws_admin.monitor import monitor
from tws_admin.page.context import RANGES, page, words

SECTIONS = ["status", "tiles", "charts", "paths", "connections", "lifecycle", "progress"]


class Reader(HTMLParser):
    """Reads a page as a browser does: its tags, its attributes, its texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)


def row(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "path": name,
        "user": name,
        "user_id": name,
        "ip": name,
        "connected_at": 0.0,
        "unsent_bytes": 0,
    }


def full(name: str) -> dict[str, Any]:
    """Return a snapshot in which everything that somebody may choose is called so."""
    rules = {"permission": name, "origins": [name], "require_origin": True}
    module = {"kind": "progressbar", "name": name}
    entry = {"n": 1, "time": 0.0, "path": name, "kind": "connection_closed", "user": name}
    return snapshot(
        server={**snapshot()["server"], "host": name},
        paths=[path(name, events=[event(name, callback=name)], modules=[module], rules=rules)],
        bars=[bar(path=name, name=name, label=name)],
        lifecycle=[{**entry, "id": name, "ip": name, "reason": name, "code": 1000}],
    )


def render(section: str, data: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    known = {"snapshot": data, "connection_count": len(rows), "ranges": RANGES, "is_running": True}
    return render_to_string(f"tws_admin/{section}.html", {"tws": {**known, **page(data, rows)}})


@pytest.mark.parametrize("name", XSS)
@pytest.mark.parametrize("section", SECTIONS)
def test_what_others_have_chosen_is_a_text(section: str, name: str) -> None:
    harmless = Reader(render(section, full("harmless"), [row("harmless")]))
    found = Reader(render(section, full(name), [row(name)]))
    assert found.tags == harmless.tags
    assert [key for key, _value in found.attributes] == [key for key, _value in harmless.attributes]
    assert found.text.count(name) == harmless.text.count("harmless")


def test_the_corpus_is_in_the_sections_that_show_names() -> None:
    counts = {
        section: render(section, full("harmless"), [row("harmless")]).count("harmless")
        for section in SECTIONS
    }
    assert {section for section, count in counts.items() if count} == {
        "status", "paths", "connections", "lifecycle", "progress",
    }  # fmt: skip
    assert counts["paths"] >= 6
    assert counts["connections"] >= 5


@pytest.mark.parametrize("name", XSS)
def test_the_data_of_the_scripts_ends_where_it_should(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(monitor, "snapshot", lambda **_asked: full(name))
    answer = admin_client.get(reverse("admin:tornado_websockets_dashboard_changelist"))
    page_text = answer.content.decode()
    start = page_text.index('<script id="tws-snapshot" type="application/json">')
    data = page_text[start:].partition(">")[2].partition("</script>")[0]
    assert json.loads(data) == full(name)
    assert "<" not in data


@pytest.mark.parametrize("section", SECTIONS)
def test_attributes_have_no_separators_of_a_language(section: str, settings: Any) -> None:
    """Scripts and browsers read them: 12345 stays 12345, whatever people read."""
    settings.USE_THOUSAND_SEPARATOR = True
    data = snapshot(
        lifecycle=[{"n": 12345, "time": 0.0, "kind": "server_started", "path": None}],
        bars=[bar(value=2345.5, max=12345)],
    )
    with translation.override("fr"):
        found = Reader(render(section, data, [row("one")]))
    attributes = dict(found.attributes)
    if section == "lifecycle":
        assert attributes["data-tws-key"] == "12345"
    if section == "progress":
        assert (attributes["max"], attributes["value"]) == ("12345", "2345.5")
    if section == "status":
        assert "12345" in found.text


def test_who_may_not_watch_gets_nothing_from_the_tag(rf: RequestFactory) -> None:
    """Also where somebody else's view renders the template."""
    template = Template("{% load tws_admin %}{% tws_dashboard as tws %}{{ tws.snapshot }}")
    request = rf.get("/")
    for user in (AnonymousUser(), User(username="ann", is_superuser=True)):
        request.user = user
        with pytest.raises(PermissionDenied):
            template.render(Context({"request": request}))


def test_the_tag_gives_the_page_what_it_shows(rf: RequestFactory) -> None:
    template = Template(
        "{% load tws_admin %}{% tws_dashboard as tws %}"
        "{{ tws.range }} {{ tws.words.kinds.warning }}"
    )
    request = rf.get("/", {"range": "24h"})
    request.user = User(username="root", is_superuser=True, is_staff=True)
    assert template.render(Context({"request": request})) == "24h Warning"
    assert words()["kinds"]["warning"] == "Warning"


@pytest.mark.parametrize(
    ("known", "attribute"),
    [({}, ""), ({"csp_nonce": None}, ""), ({"csp_nonce": 'a"b'}, 'nonce="a&quot;b"')],
)
def test_the_nonce_is_written_where_there_is_one(known: dict[str, Any], attribute: str) -> None:
    template = Template("{% load tws_admin %}<script {% tws_nonce %}>")
    assert template.render(Context(known)) == f"<script {attribute}>"


def test_a_nonce_that_is_false_until_it_is_used_is_used() -> None:
    class Lazy:
        def __bool__(self) -> bool:
            return False

        def __str__(self) -> str:
            return "made-now"

    template = Template("{% load tws_admin %}{% tws_nonce %}")
    assert template.render(Context({"csp_nonce": Lazy()})) == 'nonce="made-now"'

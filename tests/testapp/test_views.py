"""The pages: what they are made of, and that nothing in them is inline."""

from __future__ import annotations

import inspect
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from testapp import websockets
from testapp.models import ChatMessage

PAGES = ["/", "/chat/", "/echo/", "/progress/"]
STATIC = Path(str(finders.find("testapp/style.css"))).parent


class Inline(HTMLParser):
    """Collects what a strict Content-Security-Policy refuses, and the static files of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.static: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(tag)
        self.found += [name for name in names if name == "style" or name.startswith("on")]
        for _, value in attrs:
            if value and value.startswith("/static/"):
                self.static.append(value.removeprefix("/static/"))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_served_under_a_strict_policy(client: Client, page: str) -> None:
    response = client.get(page)
    assert response.status_code == 200
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "connect-src 'self' ws: wss:" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_nothing_inline(client: Client, page: str) -> None:
    assert Inline(client.get(page).content.decode()).found == []


def test_inline_code_would_be_found() -> None:
    html = (
        '<style></style><script>1</script><p style="" onclick=""></p><script src="/a.js"></script>'
    )
    assert sorted(Inline(html).found) == ["onclick", "script", "style", "style"]


@pytest.mark.parametrize("page", PAGES)
def test_every_static_file_of_a_page_exists(client: Client, page: str) -> None:
    files = Inline(client.get(page).content.decode()).static
    assert "testapp/style.css" in files
    assert [file for file in files if not finders.find(file)] == []


@pytest.mark.parametrize("script", sorted(STATIC.glob("*.js")), ids=lambda path: path.name)
def test_every_import_of_a_script_exists(script: Path) -> None:
    code = script.read_text()
    for imported in re.findall(r"from '(.+?)'", code):
        path = re.sub(r"[^/]+/\.\./", "", f"testapp/{imported}").replace("/./", "/")
        assert finders.find(path), imported
    assert "innerHTML" not in code


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_lead_to_each_other_and_say_where_one_is(client: Client, page: str) -> None:
    html = client.get(page).content.decode()
    for other in PAGES:
        assert f'href="{other}"' in html
    current = re.findall(r'href="([^"]+)" aria-current="page"', html)
    assert current == ([] if page == "/" else [page])


@pytest.mark.parametrize("name", websockets.__all__)
def test_a_page_shows_the_python_behind_it(client: Client, name: str) -> None:
    source = inspect.getsource(getattr(websockets, name))
    context = client.get(f"/{name}/").context
    assert context is not None
    assert context["source"] == source


def test_the_forms_of_the_chat_know_the_limits_of_the_model(client: Client) -> None:
    html = client.get("/chat/").content.decode()
    for length in (ChatMessage.AUTHOR_MAX_LENGTH, ChatMessage.TEXT_MAX_LENGTH):
        assert f'maxlength="{length}"' in html


@pytest.mark.django_db
def test_the_messages_are_in_the_admin(admin_client: Client) -> None:
    ChatMessage.objects.create(author="Ann", text="Hello")
    assert "Hello" in admin_client.get("/admin/testapp/chatmessage/").content.decode()
    assert str(ChatMessage.objects.get()) == "Ann: Hello"

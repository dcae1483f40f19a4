"""``manage.py demo``: the first minute with the project."""

from __future__ import annotations

import io
import re
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.cookiejar import CookieJar

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import CommandError, call_command

from testapp import books
from testapp.management.commands.demo import Command
from testapp.models import Book, ChatMessage
from testapp.visitors import MARK
from tests.demo import Demo

PAGES = ("/", "/chat/", "/echo/", "/progress/", "/admin/")


def prepare(*, reset_password: bool = False) -> str:
    """Prepare the test's database and return what was said."""
    output = io.StringIO()
    Command(stdout=output).prepare(reset_password=reset_password)
    return output.getvalue()


def password_in(output: str) -> str:
    match = re.search(r"password (\S+)\n", output)
    assert match, output
    return match[1]


@pytest.mark.django_db
def test_the_first_run_creates_an_administrator_and_prints_the_password() -> None:
    password = password_in(prepare())
    admin = authenticate(username="admin", password=password)
    assert admin is not None
    assert admin.is_staff
    assert admin.is_superuser


@pytest.mark.django_db
def test_the_next_run_keeps_the_password_and_tells_how_to_have_a_new_one() -> None:
    password = password_in(prepare())
    output = prepare()
    assert "--reset-password" in output
    assert password not in output
    assert authenticate(username="admin", password=password) is not None


@pytest.mark.django_db
def test_a_new_password_replaces_the_old_one() -> None:
    old = password_in(prepare())
    new = password_in(prepare(reset_password=True))
    assert authenticate(username="admin", password=old) is None
    assert authenticate(username="admin", password=new) is not None
    assert get_user_model().objects.count() == 1


@pytest.mark.django_db
def test_what_simulated_visitors_have_said_is_forgotten() -> None:
    for author in ("Ada", f"Ada{MARK}", f"{MARK} Ada"):
        ChatMessage.objects.create(author=author, text="Hello!")
    prepare()
    assert [message.author for message in ChatMessage.objects.all()] == ["Ada", f"{MARK} Ada"]


@pytest.mark.django_db
def test_the_library_is_filled_once() -> None:
    prepare()
    assert Book.objects.count() == books.COUNT
    Book.objects.filter(isbn__endswith="1").delete()
    left = Book.objects.count()
    prepare()
    assert Book.objects.count() == left < books.COUNT


def test_a_negative_number_of_visitors_is_refused() -> None:
    with pytest.raises(CommandError, match="--visitors must not be negative, got -1"):
        call_command("demo", "--visitors=-1")


def test_it_prepares_a_database_serves_and_stops_with_status_0(
    start_demo: Callable[..., Demo],
) -> None:
    demo = start_demo("--noreload")
    for page in (*PAGES, "/admin/testapp/book/", "/admin/tornado_websockets/"):
        assert f"  {demo.url}{page}\n" in demo.output
    assert sign_in(demo.url, password_in(demo.output)) == f"{demo.url}/admin/"
    assert demo.stop() == 0, demo.output
    assert "Traceback" not in demo.output
    assert "simulated" not in demo.output


def test_the_auto_reloader_does_not_prepare_twice(start_demo: Callable[..., Demo]) -> None:
    demo = start_demo()
    assert demo.output.count("Sign in") == 1
    assert demo.stop() == 0, demo.output


def sign_in(url: str, password: str) -> str:
    """Sign in as a browser does, and return the address it is led to."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with browser.open(f"{url}/admin/login/?next=/admin/") as page:
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.read().decode())
    assert token
    form = {"csrfmiddlewaretoken": token[1], "username": "admin", "password": password}
    data = urllib.parse.urlencode({**form, "next": "/admin/"}).encode()
    with browser.open(f"{url}/admin/login/?next=/admin/", data) as page:
        return str(page.url)

"""The three actions of the library, executed as a worker does, and the pictures in the admin."""

from __future__ import annotations

import csv
import io
from typing import Any
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from testapp import books, covers
from testapp.admin import BookAdmin
from testapp.models import Book
from tws_admin.models import ProgressTask
from tws_admin.progress.files import read
from tws_admin.progress.runner import execute
from tws_admin.progress.states import State

pytestmark = pytest.mark.django_db(transaction=True)

EXPORT = {"columns": ["title", "isbn", "price"], "separator": ";"}


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two misprints in a hundred books, and no pace to watch."""
    monkeypatch.setattr(books, "PACE_S", 0)
    books.stock(100)


def run(action: Any, **options: Any) -> ProgressTask:
    """Return the run of an action on the whole library, as it has ended."""
    run: ProgressTask = action.start(Book.objects.all(), **options)
    execute(str(run.pk))
    run.refresh_from_db()
    return run


class TestDrawCovers:
    def test_every_book_gets_its_cover_but_misprints(self) -> None:
        done = run(BookAdmin.draw_covers)
        assert (done.state, done.done, done.total) == (State.PARTIAL, 100, 100)
        assert done.error_count == 2
        assert [error["class"] for error in done.errors] == ["MisprintError"] * 2
        assert "is a misprint: it should end with" in done.errors[0]["message"]
        drawn = Book.objects.exclude(cover="")
        assert drawn.count() == 98
        book = drawn[0]
        assert book.cover == covers.draw(book.title, book.author)
        assert book.drawn_at is not None

    def test_the_failed_ones_succeed_when_they_are_put_right(self) -> None:
        done = run(BookAdmin.draw_covers)
        for book in Book.objects.filter(cover=""):
            with pytest.raises(books.MisprintError) as misprint:
                books.check_isbn(book.isbn)
            book.isbn = book.isbn[:12] + str(misprint.value)[-2]
            book.save()
        failed = Book.objects.filter(pk__in=[error["pk"] for error in done.errors])
        again = BookAdmin.draw_covers.start(failed)
        execute(str(again.pk))
        again.refresh_from_db()
        assert (again.state, again.done) == (State.SUCCEEDED, 2)
        assert not Book.objects.filter(cover="").exists()


class TestExport:
    def exported(self, done: ProgressTask) -> list[list[str]]:
        with read(done.files.get(name="books.csv")) as file:
            text = io.TextIOWrapper(file, encoding="utf-8", newline="")
            return list(csv.reader(text, delimiter=";"))

    def test_the_books_are_in_a_file(self) -> None:
        done = run(BookAdmin.export, params=EXPORT)
        assert (done.state, done.done, done.total) == (State.SUCCEEDED, 100, 100)
        assert done.result == {"exported": 100}
        rows = self.exported(done)
        assert rows[0] == ["title", "ISBN", "price"]
        expected = Book.objects.values_list("title", "isbn", "price")
        assert rows[1:] == [[title, isbn, str(price)] for title, isbn, price in expected]

    def test_a_column_that_there_is_not_is_refused(self) -> None:
        with pytest.raises(ValueError, match="columns"):
            run(BookAdmin.export, params={"columns": ["cover"], "separator": ";"})


class TestNews:
    def test_the_end_is_known_when_it_is_there(self) -> None:
        done = run(BookAdmin.check_news)
        assert done.state == State.SUCCEEDED
        assert done.total is None
        result: Any = done.result
        assert result["news"] == done.done > 0
        assert done.notes.filter(state="").count() == result["pages"]
        assert done.label == f"Page {result['pages']}"


class TestCovers:
    @pytest.fixture
    def book(self) -> Book:
        book = Book.objects.all()[0]
        book.cover = covers.draw(book.title, book.author)
        book.drawn_at = timezone.now()
        book.save()
        return book

    def test_a_book_with_a_cover_shows_it(self, admin_client: Client, book: Book) -> None:
        page = admin_client.get("/admin/testapp/book/").content.decode()
        assert page.count("cover.svg") == 1
        assert f'<img src="/admin/testapp/book/{book.pk}/cover.svg?' in page
        response = admin_client.get(f"/admin/testapp/book/{book.pk}/cover.svg")
        ElementTree.fromstring(response.content)
        assert response.headers["Content-Type"] == "image/svg+xml"
        assert response.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert response.headers["X-Content-Type-Options"] == "nosniff"

    def test_a_book_without_one_has_none(self, admin_client: Client, book: Book) -> None:
        assert admin_client.get(f"/admin/testapp/book/{book.pk + 1}/cover.svg").status_code == 404
        assert admin_client.get(f"/admin/testapp/book/{book.pk + 1}/change/").status_code == 200

    def test_covers_are_for_those_who_may_see_books(self, client: Client, book: Book) -> None:
        address = f"/admin/testapp/book/{book.pk}/cover.svg"
        assert client.get(address).status_code == 302
        user = User.objects.create_user("olga", is_staff=True)
        client.force_login(user)
        assert client.get(address).status_code == 403
        user.user_permissions.add(Permission.objects.get(codename="view_book"))
        assert client.get(address).status_code == 200

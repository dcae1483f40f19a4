"""The library of the example."""

from __future__ import annotations

import time

import pytest

from testapp import books
from testapp.models import Book


@pytest.mark.django_db
class TestStock:
    def test_a_few_thousand_books_are_there_in_a_moment(self) -> None:
        began = time.process_time()
        books.stock()
        assert time.process_time() - began < 5
        assert Book.objects.count() == books.COUNT
        for book in Book.objects.all():
            book.clean_fields()
        assert Book.objects.values("title", "author").distinct().count() == books.COUNT

    def test_they_are_the_same_in_every_library(self) -> None:
        books.stock(100)
        first = list(Book.objects.values_list("title", "isbn", "published", "price"))
        Book.objects.all().delete()
        books.stock(100)
        assert list(Book.objects.values_list("title", "isbn", "published", "price")) == first

    def test_a_library_with_a_book_in_it_is_left_alone(self) -> None:
        books.stock(1)
        books.stock(100)
        assert Book.objects.count() == 1

    def test_one_isbn_of_fifty_is_a_misprint(self) -> None:
        books.stock(200)
        assert [n for n, book in enumerate(Book.objects.all()) if is_misprint(book.isbn)] == [
            *(25, 75, 125, 175)
        ]


def is_misprint(isbn: str) -> bool:
    try:
        books.check_isbn(isbn)
    except books.MisprintError:
        return True
    return False


@pytest.mark.parametrize("isbn", ["9780306406157", "9783161484100", "9780000000002"])
def test_an_isbn_ends_with_the_digit_that_follows_from_the_others(isbn: str) -> None:
    assert not is_misprint(isbn)
    assert is_misprint(f"{isbn[:12]}{(int(isbn[12]) + 1) % 10}")


@pytest.mark.parametrize(
    ("isbn", "expected"),
    [
        ("9780306406150", "The ISBN 9780306406150 is a misprint: it should end with 7."),
        ("97803064061577", "The ISBN 97803064061577 is a misprint: it should end with 7."),
        ("978030640615", "The ISBN 978030640615 is a misprint: it should end with 7."),
        ("978", "An ISBN has 13 digits, which “978” is not."),
        ("", "An ISBN has 13 digits, which “” is not."),
        ("97803O6406157", "An ISBN has 13 digits, which “97803O6406157” is not."),
        ("٣٣٣٣٣٣٣٣٣٣٣٣٣", "An ISBN has 13 digits, which “٣٣٣٣٣٣٣٣٣٣٣٣٣” is not."),
    ],
)
def test_a_misprint_says_what_is_wrong(isbn: str, expected: str) -> None:
    with pytest.raises(books.MisprintError) as misprint:
        books.check_isbn(isbn)
    assert str(misprint.value) == expected


async def test_the_news_are_the_same_for_the_same_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "PACE_S", 0)
    first = [page async for page in books.news(7)]
    assert [page async for page in books.news(7)] == first
    assert 20 <= len(first) < 60
    assert all(2 <= len(page) <= 6 for page in first)
    lengths = {len([page async for page in books.news(seed)]) for seed in range(20)}
    assert len(lengths) > 5

"""A library that nobody has written: its books, and the news of their publishers."""

from __future__ import annotations

import asyncio
import datetime
import os
import zlib
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Final

from django.utils.translation import gettext as _

from testapp.models import Book

__all__ = ["COUNT", "PACE_S", "MisprintError", "check_isbn", "news", "stock"]

PACE_S = float(os.environ.get("TESTAPP_PACE_S", "0.004"))
"""Seconds that the work on a book takes at least, so that it can be watched."""

COUNT: Final = 3000
MISPRINT_IN: Final = 50
"""One ISBN of so many is wrong."""

FIRST_DAY: Final = datetime.date(2016, 1, 1)

# fmt: off
QUALITIES = (
    "Silent", "Crooked", "Golden", "Borrowed", "Distant",
    "Patient", "Hollow", "Northern", "Second", "Unwritten",
)
THINGS = (
    "Harbour", "Orchard", "Lantern", "Ledger", "River", "Winter",
    "Staircase", "Alphabet", "Island", "Clock", "Map",
)
PLACES = (
    "Ardenne", "Bergen", "Cork", "Dunkirk", "Évora", "Ferrara",
    "Göteborg", "Holt", "Izmir", "Jaca", "Kraków", "Luleå",
)
NAMES = (
    "Ada", "Boris", "Clara", "Dmitri", "Elif", "Femi", "Greta",
    "Hugo", "Inês", "Jun", "Kofi", "Lena", "Mateo",
)
FAMILIES = (
    "Almeida", "Brandt", "Castel", "Dvořák", "Ekström", "Fontaine",
    "Grieg", "Haddad", "Ito", "Jansen", "Kaya", "Lund",
)
# fmt: on


class MisprintError(ValueError):
    """The last digit of an ISBN does not follow from the others.

    Args:
        isbn: thirteen digits, or what is in their place.
    """

    def __init__(self, isbn: str) -> None:
        super().__init__(isbn)
        self.isbn = isbn

    def __str__(self) -> str:
        if not _is_digits(self.isbn[:12]):
            return _("An ISBN has 13 digits, which “%(isbn)s” is not.") % {"isbn": self.isbn}
        return _("The ISBN %(isbn)s is a misprint: it should end with %(digit)d.") % {
            "isbn": self.isbn,
            "digit": _last_digit(self.isbn),
        }


def check_isbn(isbn: str) -> None:
    """Make sure that an ISBN is one.

    Raises:
        MisprintError: it is not.
    """
    if not _is_digits(isbn[:12]) or isbn != f"{isbn[:12]}{_last_digit(isbn)}":
        raise MisprintError(isbn)


def stock(count: int = COUNT) -> None:
    """Fill the library, unless there are books in it."""
    if not Book.objects.exists():
        Book.objects.bulk_create(_books(count), batch_size=500)


async def news(seed: int) -> AsyncIterator[list[str]]:
    """Yield the news of the publishers page by page; how many pages there are shows at the end."""
    for page in range(20 + zlib.crc32(b"%d" % seed) % 40):
        await asyncio.sleep(25 * PACE_S)
        first = zlib.crc32(b"%d %d" % (seed, page))
        yield [f"{QUALITIES[(first + n) % 10]} {THINGS[n]}" for n in range(2 + first % 5)]


def _books(count: int) -> Iterator[Book]:
    for n in range(count):
        digits = f"978{n * 7919 % 10**9:09}"
        wrong = 5 if n % MISPRINT_IN == MISPRINT_IN // 2 else 0
        yield Book(
            title=f"The {QUALITIES[n % 10]} {THINGS[n % 11]} of {PLACES[(n + n // 660) % 12]}",
            author=f"{NAMES[n % 13]} {FAMILIES[n * 5 % 12]}",
            isbn=f"{digits}{(_last_digit(digits) + wrong) % 10}",
            published=FIRST_DAY + datetime.timedelta(days=n * 37 % 3650),
            price=Decimal(499 + n * 131 % 4000) / 100,
        )


def _is_digits(text: str) -> bool:
    return len(text) == 12 and text.isascii() and text.isdigit()


def _last_digit(isbn: str) -> int:
    total = sum(int(digit) * (3 if n % 2 else 1) for n, digit in enumerate(isbn[:12]))
    return -total % 10

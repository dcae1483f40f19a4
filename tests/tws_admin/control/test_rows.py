"""Any of 50 000 connections can be found and sorted, and a page shows fifty of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.contrib.auth.models import AnonymousUser, User
from hypothesis import given
from hypothesis import strategies as st

from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin.control.rows import COLUMNS, MOST_TOGETHER, PAGE, merged, page_of, row


def fake(
    number: int, *, user: str | None = None, ip: str = "", path: str = "/chat", unsent: int = 0
) -> WebSocketHandler:
    """Return what a list sees of a connection; 50 000 real ones would need as many descriptors."""
    socket = SimpleNamespace(
        id=f"{number:016x}",
        websocket=SimpleNamespace(path=path),
        known_user=None if user is None else User(pk=number, username=user),
        ip=ip or f"10.0.{number // 250 % 250}.{number % 250}",
        connected_at=datetime.fromtimestamp(1_700_000_000 + number, UTC),
        unsent_bytes=unsent,
    )
    return cast(WebSocketHandler, socket)


def ids(sockets: Sequence[WebSocketHandler]) -> list[int]:
    return [int(socket.id, 16) for socket in sockets]


CROWD = [fake(number, user=f"user{number % 997}", unsent=number % 5) for number in range(50_000)]


def test_a_page_of_fifty_thousand() -> None:
    """In the order of their arrival, unless another is asked for; the last page ends the list."""
    first = page_of(CROWD)
    assert (first.total, first.number, first.pages) == (50_000, 1, 1000)
    assert ids(first.sockets) == list(range(PAGE))
    assert ids(page_of(CROWD, number=1000).sockets) == list(range(49_950, 50_000))
    assert page_of(CROWD, number=1001).number == 1000


def test_nobody_is_one_empty_page() -> None:
    """A page without rows is still a page."""
    assert page_of([]) == (0, 1, 1, [])
    assert page_of([], sort="-ip", search="x", number=7) == (0, 1, 1, [])


@pytest.mark.parametrize("sort", [*COLUMNS, *(f"-{name}" for name in COLUMNS)])
def test_every_column_sorts_both_ways(sort: str) -> None:
    """A page is what stands there when all are sorted, from whichever end it is found."""
    crowd = [
        fake(
            number,
            user=f"{'uU'[number % 2]}{number % 7}" if number % 3 else None,
            unsent=number % 4,
        )
        for number in range(2401)
    ]
    column = COLUMNS[sort.removeprefix("-")]

    def key(socket: WebSocketHandler) -> tuple[Any, ...]:
        value = column(socket)
        value = value.lower() if isinstance(value, str) else value
        return value is None, value or 0, socket.id

    whole = sorted(crowd, key=key, reverse=sort.startswith("-"))
    for number in (1, 2, 25, 48, 49):
        page = page_of(crowd, sort=sort, number=number)
        assert ids(page.sockets) == ids(whole[PAGE * (number - 1) : PAGE * number])


@given(st.lists(st.integers(0, 5), max_size=300), st.integers(1, 50), st.booleans())
def test_pages_are_slices_of_the_sorted_list(
    unsent: list[int], number: int, descending: bool
) -> None:
    """For any number of connections, many of which are equal, none is shown twice or never."""
    crowd = [fake(index, unsent=value) for index, value in enumerate(unsent * 9)]
    whole = sorted(crowd, key=lambda each: (each.unsent_bytes, each.id), reverse=descending)
    page = page_of(crowd, sort="-unsent_bytes" if descending else "unsent_bytes", number=number)
    start = (page.number - 1) * PAGE
    assert ids(page.sockets) == ids(whole[start : start + PAGE])
    assert page.pages == max(1, (len(crowd) + PAGE - 1) // PAGE)


def test_search_is_over_user_address_path_and_id() -> None:
    """In any case; what matches nothing is an empty page."""
    crowd = [
        fake(1, user="Ängström", ip="10.0.0.1"),
        fake(2, user="bob", ip="192.168.7.7"),
        fake(3, path="/Übersicht"),
        fake(0xABCDEF),
    ]
    for search, found in {
        "ÄNG": [1],
        "strom": [],
        "BOB": [2],
        "168.7": [2],
        "übers": [3],
        "/chat": [1, 2, 0xABCDEF],
        "ABCDEF": [0xABCDEF],
        "nobody": [],
    }.items():
        page = page_of(crowd, search=search)
        assert (page.total, ids(page.sockets)) == (len(found), found)


def test_a_search_among_fifty_thousand_takes_a_moment() -> None:
    """And rows are made of those alone that are shown."""
    start = time.thread_time()
    page = page_of(CROWD, search="user99", sort="-unsent_bytes", number=2)
    assert time.thread_time() - start < 2.0
    assert len(page.sockets) == PAGE
    assert page.total == sum("user99" in f"user{number % 997}" for number in range(50_000))


def test_a_row_has_a_user_who_is_known() -> None:
    """Who is not known, or nobody, has no name; a long one is cut; a key is a text."""
    assert row(fake(7))["user"] is row(fake(7))["user_id"] is None
    known = row(fake(7, user="x" * 500))
    assert (known["user"], known["user_id"]) == ("x" * 200, "7")
    socket = fake(7)
    cast(Any, socket).known_user = AnonymousUser()
    assert row(socket)["user"] is row(socket)["user_id"] is None


SORTS = ["", *COLUMNS, *(f"-{name}" for name in COLUMNS)]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("number", [1, 2, 3, 9])
def test_the_page_of_several_nodes_is_that_of_all_their_connections(sort: str, number: int) -> None:
    """Each sends its first rows alone, and where it is sorted it does not matter who has which."""
    crowd = [fake(each, user=None if each % 7 else f"User{each % 11}") for each in range(130)]
    nodes = [crowd[:5], crowd[5:100], crowd[100:], []]
    size = number * PAGE
    parts = [[row(each) for each in page_of(node, sort=sort, size=size).sockets] for node in nodes]
    found = merged(parts, len(crowd), sort, number)
    expected = page_of(crowd, sort=sort, number=number)
    assert [each["id"] for each in found["rows"]] == [each.id for each in expected.sockets]
    assert (found["count"], found["page"], found["pages"]) == (130, expected.number, expected.pages)


def test_several_nodes_can_be_paged_through_so_far() -> None:
    rows = [row(each) for each in CROWD[:MOST_TOGETHER]]
    found = merged([rows, rows], 50_000, "id", 500)
    assert (found["count"], found["page"], found["pages"]) == (50_000, 20, 20)
    assert merged([], 0, "-user", 1) == {"count": 0, "page": 1, "pages": 1, "rows": []}


def test_rows_of_another_kind_do_no_harm() -> None:
    strange: list[Any] = [{"id": 1, "user": 5}, {"user": ["x"]}, {"user": None}, {"user": "ann"}]
    assert len(merged([strange], 4, "user", 1)["rows"]) == 4

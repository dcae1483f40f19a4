"""How much a path keeps, and how positions and offsets are written and read."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado_websockets.history import (
    UNKNOWN,
    History,
    Position,
    check_event,
    check_history,
    offset_text,
    parse_offset,
)

NUMBERS = st.integers(0, 10**20 - 1)
WORDS = st.from_regex(r"[0-9A-Za-z_-]{1,64}", fullmatch=True)


def test_a_number_is_a_number_of_events() -> None:
    assert check_history(7) == History(events=7)
    assert check_history(None) is None
    history = History(events=1, seconds=0.5, bytes=None)
    assert check_history(history) is history


@pytest.mark.parametrize("history", [0, -1, 1.5, True, "100", [], {}], ids=repr)
def test_what_is_no_history_is_refused_with_what_came(history: Any) -> None:
    with pytest.raises(ValueError, match="history must be a positive number of events") as caught:
        check_history(history)
    assert repr(history) in str(caught.value)


@pytest.mark.parametrize("name", ["events", "seconds", "bytes"])
@pytest.mark.parametrize("value", [0, -1, "1", True, math.nan, math.inf], ids=repr)
def test_a_bound_that_is_none_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"History\({name}=…\) must be a positive number"):
        History(**{name: value})


def test_events_are_always_bounded_and_whole() -> None:
    for events in (None, 2.0):
        with pytest.raises(ValueError, match="events"):
            History(events=events)  # type: ignore[arg-type]
    assert History(seconds=None, bytes=None).events == 100


@given(NUMBERS, NUMBERS)
def test_an_offset_is_read_as_it_is_written(first: int, second: int) -> None:
    assert parse_offset(offset_text((first, second))) == (first, second)


@pytest.mark.parametrize(
    "text", ["", "1", "1-", "-1", "1-2-3", "a-b", "1 -2", "٣-٣", "9" * 21 + "-0"]
)
def test_other_texts_are_no_offset(text: str) -> None:
    assert parse_offset(text) is None


@given(WORDS, NUMBERS, NUMBERS, st.lists(WORDS, min_size=1, max_size=8))
def test_a_position_is_read_as_a_client_writes_it(
    epoch: str, first: int, second: int, sockets: list[str]
) -> None:
    text = f"{epoch}:{first}-{second}:{','.join(sockets)}"
    assert Position.parse(text) == (epoch, (first, second), frozenset(sockets))


@given(st.text())
def test_no_text_is_an_error(text: str) -> None:
    position = Position.parse(text)
    assert position == UNKNOWN or position.epoch


@pytest.mark.parametrize(
    "text",
    ["", ":", "::", "e:1-0", "e:1-0:", "e:1:s", ":1-0:s", "e:1-0:a,,b", "e:1-0:a b", "é:1-0:s"],
)
def test_what_tells_no_position_is_one_that_is_not_known(text: str) -> None:
    assert Position.parse(text) is UNKNOWN
    assert UNKNOWN.epoch == ""


def test_of_many_former_connections_the_first_ones_are_taken() -> None:
    text = "e:1-0:" + ",".join(f"s{number}" for number in range(10_000))
    assert Position.parse(text).sockets == {f"s{number}" for number in range(8)}


def test_the_event_of_the_server_is_refused_where_there_is_a_history() -> None:
    check_event("recovered", None)
    check_event("message", History())
    with pytest.raises(ValueError, match="'recovered' belongs to the server on paths with a hist"):
        check_event("recovered", History())

"""How rooms are named; `contract` has what a table of them is for."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest
from django.utils.safestring import mark_safe

from tests.tornado_websockets.layers.contract import Client, member
from tornado_websockets.exceptions import InvalidRoomError
from tornado_websockets.layers.rooms import RoomTable, check_room, user_room


class Room(StrEnum):
    LOBBY = "lobby"


@pytest.mark.parametrize(
    "name", ["r", "x" * 200, "été 你好 🎲", " ", "a/b:c*", "__all__", Room.LOBBY, mark_safe("r")]
)
def test_a_room_has_almost_any_name(name: str) -> None:
    assert check_room(name) is name


NO_NAMES = ["", "x" * 201, "a\nb", "\x00", "\x00user:1", "a\x7f", "\x85", "\ud800", "end\n"]
NO_STRINGS = [None, 1, b"lobby", ["lobby"], {"room": 1}, True]


@pytest.mark.parametrize("name", [*NO_NAMES, *NO_STRINGS], ids=repr)
def test_other_names_are_refused_with_what_came(name: Any) -> None:
    with pytest.raises(ValueError, match="a room is a string of 1 to 200 characters") as caught:
        check_room(name)
    assert isinstance(caught.value, InvalidRoomError)
    assert repr(name)[:100] in str(caught.value)
    assert len(str(caught.value)) < 200


def test_no_room_that_is_named_is_that_of_a_user() -> None:
    with pytest.raises(InvalidRoomError):
        check_room(user_room(1))
    assert user_room(1) == user_room("1")


def test_a_table_has_rooms_as_long_as_somebody_is_in_them() -> None:
    table, client = RoomTable(), Client()
    assert table.enter("/x", "r", client, member("ann"), limit=None, among=[client])
    assert len(table) == 1
    assert table.drop("/x", client) == {"r"}
    assert len(table) == 0
    assert [change.is_there for change in table.changes] == [True, False]

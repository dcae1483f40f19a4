"""What a layer knows of a client, and that the connections of the server are such."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from tests.tornado_websockets.layers.clients import member
from tornado_websockets.layers import Connection, PresenceChange
from tornado_websockets.websockethandler import WebSocketHandler

if TYPE_CHECKING:

    def as_connection(handler: WebSocketHandler) -> Connection:
        return handler


def test_the_connections_of_the_server_have_all_of_it() -> None:
    wanted = {name for name in vars(Connection) if not name.startswith("_")}
    assert {"send", "drain", "is_full", "close", "dismiss"} <= wanted
    assert [name for name in wanted if not hasattr(WebSocketHandler, name)] == []


def test_a_member_does_not_change() -> None:
    ann = member("ann")
    with pytest.raises(dataclasses.FrozenInstanceError):
        ann.name = "bob"  # type: ignore[misc]
    assert ann == dataclasses.replace(ann)


def test_a_change_of_presence_tells_what_happened() -> None:
    change = PresenceChange("/x", None, "r", member("ann"), True)
    assert (change.path, change.room, change.member.name, change.is_there) == (
        "/x",
        "r",
        "ann",
        True,
    )

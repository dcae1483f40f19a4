"""An event is for all of its path, unless it says otherwise."""

from __future__ import annotations

import pytest

from tornado_websockets.layers import Event, Layer, LocalLayer
from tornado_websockets.layers.event import Event as Defined


def test_it_is_for_everybody_unless_it_says_otherwise() -> None:
    assert Event("news", b"{}") == ("news", b"{}", None, frozenset())
    assert Event("news", b"{}", ["a"], ["id"]) == Event("news", b"{}", rooms=["a"], without=["id"])


def test_nobody_changes_it_on_its_way() -> None:
    with pytest.raises(AttributeError):
        Event("news", b"{}").name = "other"  # type: ignore[misc]


def test_a_layer_of_ones_own_finds_it_beside_its_base_class() -> None:
    assert Event is Defined
    for kind in (Layer, LocalLayer):
        for way in (kind.publish, kind.apublish):
            assert way.__annotations__ == {"path": "str", "event": "Event", "return": "None"}

"""What every layer is; `contract` has what each of them does."""

from __future__ import annotations

import dataclasses

import pytest

from tests.tornado_websockets.layers.contract import member
from tornado_websockets.layers import Audience, Layer


def test_a_layer_is_abstract() -> None:
    with pytest.raises(TypeError, match="publish"):
        Layer(Audience())  # type: ignore[abstract]


def test_a_member_does_not_change() -> None:
    ann = member("ann")
    with pytest.raises(dataclasses.FrozenInstanceError):
        ann.name = "bob"  # type: ignore[misc]

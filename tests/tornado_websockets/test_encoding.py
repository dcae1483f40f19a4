"""What stands for a value in JSON; `test_message` covers it in whole frames."""

from __future__ import annotations

import uuid

import pytest

from tornado_websockets import encoding


def test_what_django_encodes_is_encoded() -> None:
    assert encoding.default(uuid.UUID(int=0)) == "00000000-0000-0000-0000-000000000000"


def test_what_nothing_stands_for_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        encoding.default(object())

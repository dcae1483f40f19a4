"""Each field of what a node sends is what it should be, or is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tornado_websockets.layers.redis.peers import fields

Read = Callable[[Mapping[str, Any], str], Any]


def two(data: Mapping[str, Any], key: str) -> Any:
    return fields.items(data, key, 2)


def two_texts(data: Mapping[str, Any], key: str) -> Any:
    return fields.texts(data, key, 2)


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (fields.text, ""),
        (fields.text, "a"),
        (fields.number, 0),
        (fields.number, 2**60),
        (fields.mapping, {"a": 1}),
        (two, [1, None]),
        (two_texts, ["a", "b"]),
    ],
)
def test_a_field_is_returned(read: Read, value: Any) -> None:
    assert read({"key": value}, "key") == value


@pytest.mark.parametrize(
    ("read", "value", "message"),
    [
        (fields.text, 7, "key should be a string, got 7"),
        (fields.text, None, "key should be a string, got None"),
        (fields.number, -1, "key should be a number from 0 on, got -1"),
        (fields.number, True, "key should be a number from 0 on, got True"),
        (fields.number, 1.0, "key should be a number from 0 on, got 1.0"),
        (fields.mapping, [], "key should be an object, got []"),
        (two, {}, "key should be a list of at most 2, got {}"),
        (two, [1, 2, 3], "key should be a list of at most 2, got [1, 2, 3]"),
        (two_texts, ["a", 7], "key should be a list of strings, got ['a', 7]"),
        (fields.text, ["x" * 1000], f"key should be a string, got ['{'x' * 98}"),
    ],
)
def test_something_else_is_refused(read: Read, value: Any, message: str) -> None:
    for data in ({"key": value}, {} if value is None else {"key": value}):
        with pytest.raises(ValueError, match=f"{re.escape(message)}$"):
            read(data, "key")

"""The JSON envelope, with and without orjson: the same results and the same refusals."""

from __future__ import annotations

import contextlib
import datetime
import decimal
import enum
import json
import time
import tracemalloc
import uuid
from collections import OrderedDict
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from django.db import models
from django.forms.utils import ErrorDict, ErrorList
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from tornado_websockets import encoding, message
from tornado_websockets.exceptions import EncodeError, InvalidMessageError

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: (
        st.lists(children)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), children)
    ),
    max_leaves=20,
)


@pytest.fixture(params=["standard", "orjson"], autouse=True)
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message, "_loads", getattr(message, f"_loads_{request.param}"))
    monkeypatch.setattr(message, "_dumps", getattr(message, f"_dumps_{request.param}"))


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("", "invalid_json"),
        ("{", "invalid_json"),
        ("'single'", "invalid_json"),
        ('{"event": "a", "data": {"n": NaN}}', "invalid_json"),
        ('{"event": "a", "data": {"n": -Infinity}}', "invalid_json"),
        ('{"event": "a", "data": {"n": 1e999}}', "invalid_json"),
        ('{"event": "a", "data": {"s": "\\ud800"}}', "invalid_json"),
        (b'{"event": "\xff"}', "invalid_json"),
        ("[" * 100_000 + "]" * 100_000, "invalid_json"),
        ('{"event": "a", "data": ' + '{"a":' * 100_000 + "1" + "}" * 100_001, "invalid_json"),
        ("[]", "not_an_object"),
        ("[1]", "not_an_object"),
        ("1", "not_an_object"),
        ("null", "not_an_object"),
        ('"x"', "not_an_object"),
        ("{}", "missing_event"),
        ('{"data": {}}', "missing_event"),
        ('{"event": ""}', "missing_event"),
        ('{"event": null}', "missing_event"),
        ('{"event": 1}', "missing_event"),
        ('{"event": {}}', "missing_event"),
        ('{"event": ["a"]}', "missing_event"),
        ('{"event": "a", "data": []}', "invalid_data"),
        ('{"event": "a", "data": "text"}', "invalid_data"),
        ('{"event": "a", "data": 1}', "invalid_data"),
        ('{"event": "a", "data": false}', "invalid_data"),
    ],
)
def test_a_frame_that_cannot_be_used_is_refused_with_its_code(
    frame: str | bytes, code: str
) -> None:
    with pytest.raises(InvalidMessageError) as caught:
        message.decode(frame)
    assert caught.value.code == code
    assert caught.value.message == message.WARNINGS[code]


@pytest.mark.parametrize(
    ("frame", "data"),
    [
        ('{"event": "a"}', {}),
        ('{"event": "a", "data": null}', {}),
        ('{"event": "a", "data": {}}', {}),
        (
            '{"event": "a", "data": {"b": [1, 2.5, "é", null]}, "more": 1}',
            {"b": [1, 2.5, "é", None]},
        ),
        ('{"event": "a", "data": {"s": "\\ud83d\\ude00"}}', {"s": "😀"}),
        (b'{"event": "a", "data": {"s": "\xc3\xa9"}}', {"s": "é"}),
        ('{"event": "a", "data": {"__proto__": 1}}', {"__proto__": 1}),
    ],
)
def test_a_good_frame_is_a_message(frame: str | bytes, data: dict[str, Any]) -> None:
    assert message.decode(frame) == ("a", data)


@given(
    event=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    data=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON_VALUES),
)
def test_what_is_encoded_decodes_to_the_same(event: str, data: dict[str, Any]) -> None:
    for dumps in (message._dumps_standard, message._dumps_orjson):
        frame = dumps({"event": event, "data": data}, None)
        for loads in (message._loads_standard, message._loads_orjson):
            assert loads(frame) == {"event": event, "data": data}
            assert loads(frame.decode()) == {"event": event, "data": data}


@given(st.text() | st.binary())
def test_any_frame_is_a_message_or_an_invalid_message(frame: str | bytes) -> None:
    for loads in (message._loads_standard, message._loads_orjson):
        message._loads = loads
        with contextlib.suppress(InvalidMessageError):
            message.decode(frame)


def nested(levels: int, opening: str = '{"a":', closing: str = "}") -> str:
    """Return a message whose objects, its own among them, are so many levels deep."""
    inner = levels - 1
    return '{"event":"a","data":' + opening * inner + "1" + closing * inner + "}"


@pytest.mark.parametrize("kind", [str, str.encode], ids=["text", "bytes"])
@pytest.mark.parametrize("limit", [3, 20, 100, 250])
def test_a_message_is_as_deep_as_it_may_be_and_no_deeper(limit: int, kind: Any) -> None:
    for levels in (limit - 1, limit):
        assert message.decode(kind(nested(levels)), limit)[0] == "a"
    for levels in (limit + 1, limit + 2, 900):
        with pytest.raises(InvalidMessageError, match="invalid_json"):
            message.decode(kind(nested(levels)), limit)
    mixed = nested(limit + 2, '{"a":[', "]}")
    with pytest.raises(InvalidMessageError, match="invalid_json"):
        message.decode(kind(mixed), limit)


def test_a_message_that_is_wide_or_full_of_brackets_is_not_deep() -> None:
    rows = [{"cells": [[n], {"n": n}]} for n in range(500)]
    shapes: list[dict[str, Any]] = [{"rows": rows}, {"text": "[{" * 5000}, {"list": [[]] * 5000}]
    for data in shapes:
        frame = json.dumps({"event": "a", "data": data})
        assert message.decode(frame, 6) == ("a", data)
        assert message.decode(frame.encode(), 6) == ("a", data)


def test_without_a_limit_the_parser_decides() -> None:
    assert message.decode(nested(500), None)[0] == "a"
    with pytest.raises(InvalidMessageError, match="invalid_json"):
        message.decode(nested(100_000), None)


@pytest.mark.parametrize("opening", ["[", "{", '{"a":', '{"event":"a","data":{"a":' + "["])
def test_a_hundred_thousand_brackets_cost_neither_time_nor_memory(opening: str) -> None:
    frame = opening * 100_000
    started = time.thread_time()  # what it costs, not how long the machine stands still
    tracemalloc.start()
    try:
        with pytest.raises(InvalidMessageError, match="invalid_json"):
            message.decode(frame, 100)
        _size, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * len(frame)
    assert time.thread_time() - started < 1


def test_data_reads_as_attributes_at_any_depth() -> None:
    data = message.decode('{"event": "a", "data": {"user": {"name": "Ann"}, "n": 1}}')[1]
    assert data.n == data["n"] == data.get("n") == 1
    assert data.user.name == "Ann"
    assert isinstance(data, dict)


def test_a_change_made_through_an_attribute_stays() -> None:
    data = message.Data(user={"name": "Ann"})
    data.user["name"] = "Bob"
    assert data == {"user": {"name": "Bob"}}


def test_a_missing_attribute_tells_which_keys_there_are() -> None:
    with pytest.raises(AttributeError, match="no key 'text', it has 'a', 'b'"):
        _ = message.Data(b=1, a=2).text
    with pytest.raises(AttributeError, match="no key at all"):
        _ = message.Data().text
    assert not hasattr(message.Data(), "text")


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        (None, {}),
        ("hello", {"message": "hello"}),
        ("", {"message": ""}),
        (gettext_lazy("Save"), {"message": "Save"}),
        ({"a": 1}, {"a": 1}),
        (OrderedDict(a=1), {"a": 1}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (message.Data(a={"b": (1, 2)}), {"a": {"b": [1, 2]}}),
        ({1: "int key"}, {"1": "int key"}),
        ({"big": 2**70}, {"big": 2**70}),
        ({"none": None}, {"none": None}),
    ],
)
def test_data_is_a_dictionary_or_a_string(data: Any, sent: dict[str, Any]) -> None:
    assert json.loads(encoding.encode("a", data)) == {"event": "a", "data": sent}


class Colour(enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    LARGE = 2


class Choice(models.TextChoices):
    YES = "y", "Yes"


class Pair(NamedTuple):
    a: int
    b: int


class Number(int):
    pass


class Point:
    def __json__(self) -> list[int]:
        return [1, 2]


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (
            datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.UTC),
            "2026-01-02T03:04:05.678Z",
        ),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (datetime.time(1, 2, 3), "01:02:03"),
        (datetime.timedelta(seconds=90), "P0DT00H01M30S"),
        (decimal.Decimal("1.10"), "1.10"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (gettext_lazy("Save"), "Save"),
        (Colour.RED, "red"),
        (Size.LARGE, 2),
        (Choice.YES, "y"),
        (mark_safe("<b>"), "<b>"),
        (ErrorList(["wrong"]), ["wrong"]),
        (ErrorDict(text=ErrorList(["wrong"])), {"text": ["wrong"]}),
        (message.Data(a=message.Data(b=1)), {"a": {"b": 1}}),
        (Pair(1, 2), [1, 2]),
        (Number(7), 7),
        (Point(), [1, 2]),
    ],
)
def test_values_are_encoded_as_django_does(value: Any, encoded: Any) -> None:
    assert json.loads(encoding.encode("a", {"v": [value]}))["data"] == {"v": [encoded]}


@pytest.mark.parametrize(
    ("data", "key_path", "reason"),
    [
        (
            {"users": [{"name": "Ann"}, {"avatar": object()}]},
            "data.users[1].avatar",
            "not JSON serializable",
        ),
        ({"n": float("nan")}, "data.n", "not JSON compliant"),
        ({"none": None, "n": [float("inf")]}, "data.n[0]", "not JSON compliant"),
        ({"s": "\ud800"}, "data.s", "surrogates not allowed"),
        ({"k": {(1, 2): 3}}, "data.k.(1, 2)", "keys must be str"),
        ({"set": {1}}, "data.set", "not JSON serializable"),
    ],
)
def test_a_value_that_cannot_be_encoded_is_named(
    data: dict[str, Any], key_path: str, reason: str
) -> None:
    with pytest.raises(EncodeError, match=reason) as caught:
        encoding.encode("a", data)
    assert caught.value.key_path == key_path


def test_a_value_that_contains_itself_is_an_error() -> None:
    data: dict[str, Any] = {}
    data["self"] = data
    with pytest.raises(EncodeError, match=r"data\.self\.self"):
        encoding.encode("a", data)


@pytest.mark.parametrize("event", ["", None, 1, ["a"]])
def test_an_event_is_a_string_with_a_name_in_it(event: Any) -> None:
    with pytest.raises(TypeError, match="event should be a string"):
        message.encode(event)


@pytest.mark.parametrize("data", [[1], 1, True, object()])
def test_other_data_is_an_error(data: Any) -> None:
    with pytest.raises(TypeError, match="should be a dictionary or a string, got"):
        message.encode("a", data)


def test_a_warning_carries_code_and_sentence() -> None:
    assert json.loads(message.warning("invalid_json")) == {
        "event": "warning",
        "data": {"code": "invalid_json", "message": "Invalid JSON was sent."},
    }

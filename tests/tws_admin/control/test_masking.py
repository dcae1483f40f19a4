"""What is shown of an event is short, and holds no secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado_websockets.message import encode
from tws_admin.control.masking import (
    LIMIT,
    MASK,
    MAX_DEPTH,
    MAX_ENVELOPE,
    NOTHING,
    Masker,
    Shown,
    show,
)

CANARY = "c4n4ry-5f1d"
WORDS = ["password", "token", "secret", "csrf", "cookie", "authorization"]


def payload(data: dict[str, Any]) -> Any:
    """Return what is shown of data, read again."""
    shown = show(encode("message", data))
    assert shown.payload is not None
    assert not shown.truncated
    return json.loads(shown.payload)


def test_data_is_shown_as_its_json() -> None:
    """What is harmless is shown as it was sent, also beyond ASCII."""
    envelope = '{"event": "message", "data": {"text": "hé", "n": [1, null, {"a": 2.5}]}}'
    assert show(envelope) == Shown('{"text":"hé","n":[1,null,{"a":2.5}]}', False)


def test_an_event_without_data_shows_an_empty_object() -> None:
    """As callbacks get it."""
    assert show('{"event": "ping"}') == Shown("{}", False)


@pytest.mark.parametrize(
    "envelope",
    ["", "hello", "[1]", "null", '{"data": {}}', '{"event": "x", "data": 5}', b"\xff", "[" * 5000],
)
def test_what_is_no_event_shows_nothing(envelope: str | bytes) -> None:
    """A text that only looks like JSON could hold a secret that nobody can find."""
    assert show(envelope) == NOTHING


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("form", ["{}", "X-{}-1", "user_{}_old", "{}s"])
def test_values_of_keys_that_look_secret_are_masked(word: str, form: str) -> None:
    """In any case, anywhere in the key, whatever the value is."""
    for key in (form.format(word), form.format(word).upper(), form.format(word).title()):
        for value in (CANARY, [CANARY], {"plain": CANARY}, 5, None):
            assert payload({"a": [{key: value, "name": "ann"}]}) == {
                "a": [{key: MASK, "name": "ann"}]
            }


keys = st.text(max_size=8)
secret_keys = st.builds(
    lambda before, word, upper, after: before + (word.upper() if upper else word) + after,
    keys,
    st.sampled_from(WORDS),
    st.booleans(),
    keys,
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.text()
    | st.floats(allow_nan=False).filter(lambda number: abs(number) < 1e300),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=30,
)
canaries = st.recursive(
    st.just(CANARY),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.dictionaries(keys, inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)
hidden = st.recursive(
    st.dictionaries(secret_keys, canaries, min_size=1, max_size=3),
    lambda inner: st.dictionaries(keys, inner | st.lists(inner | values, max_size=4), max_size=4),
    max_leaves=20,
)


@given(hidden)
def test_a_secret_never_survives(data: dict[str, Any]) -> None:
    """Wherever a key that looks secret stands, what is below it is not shown."""
    envelope = encode("message", data)
    shown = show(envelope)
    assert CANARY not in (shown.payload or "")
    assert show(envelope.decode()) == shown


@given(st.dictionaries(keys, values, max_size=8))
def test_what_is_harmless_is_shown_whole_or_cut(data: dict[str, Any]) -> None:
    """The text is bounded, and only what was cut is marked so."""
    shown = show(encode("message", data))
    assert shown.payload is not None
    assert len(shown.payload.encode()) <= LIMIT
    if not shown.truncated and not any(word in str(data).lower() for word in WORDS):
        assert json.loads(shown.payload) == json.loads(json.dumps(data))


@pytest.mark.parametrize(
    "data",
    [
        {"text": "x" * 5000},
        {"text": "€" * 5000},
        {"x" * 5000: 1},
        {"list": list(range(5000))},
        {str(number): None for number in range(3000)},
        {"deep": [[[list("x" * 3000)]]]},
    ],
)
def test_what_is_long_is_cut(data: dict[str, Any]) -> None:
    """Two kilobytes, at the border of a character."""
    shown = show(encode("message", data))
    assert shown.truncated
    assert shown.payload is not None
    assert LIMIT - 3 <= len(shown.payload.encode()) <= LIMIT


def test_a_long_key_is_judged_before_it_is_cut() -> None:
    """A name that ends in "password" is secret however long it is."""
    shown = show(encode("message", {"x" * 3000 + "password": CANARY, "a": 1}))
    assert CANARY not in str(shown.payload)
    assert payload({"x" * 1000 + "Password": CANARY}) == {"x" * 1000 + "Password": MASK}


def test_what_lies_too_deep_is_not_shown() -> None:
    """The depth is bounded, so that nothing can overflow the stack."""
    data: Any = {"leaf": 1}
    for _ in range(300):
        data = {"a": data}
    shown = show(encode("message", data))
    assert shown.payload == '{"a":' * MAX_DEPTH + '"…"' + "}" * MAX_DEPTH


def test_an_envelope_that_is_too_long_is_not_read() -> None:
    """Reading megabytes for two kilobytes would cost the server more than it shows."""
    assert show("x" * (MAX_ENVELOPE + 1)) == Shown(None, True)


def test_the_cost_is_bounded() -> None:
    """Nothing is looked at that could not be shown, however much there is."""
    masked = Masker().mask({"a": [[]] * 20_000, "b": 1}, MAX_DEPTH)
    assert list(masked) == ["a"]
    assert masked["a"] == [[]] * (LIMIT - 1)
    masked = Masker().mask({str(number): number for number in range(20_000)}, MAX_DEPTH)
    assert len(masked) == LIMIT

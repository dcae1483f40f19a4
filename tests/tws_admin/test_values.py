"""What another process says is used only where it can be added, dated and shown."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from tws_admin import values

NAN, ENDLESS = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("holds", "right", "wrong"),
    [
        (values.is_text, ["", "x" * 2000], [None, 5, b"x", [], "x" * 2001]),
        (values.is_text_or_none, [None, ""], [5, "x" * 2001]),
        (values.is_count, [0, 2**53], [None, True, -1, 1.0, "1", 2**53 + 1]),
        (values.is_number, [0, -1.5, 2**53], [None, True, "1", NAN, ENDLESS, -ENDLESS, 10**400]),
        (values.is_number_or_none, [None, 0, -1.5], [False, "1", NAN, 1e300]),
        (values.is_time, [0, 1.5, 253_402_300_799], [None, True, -1, NAN, 1e300, "now"]),
        (values.is_flag, [True, False], [None, 0, 1, "yes"]),
        (values.is_object, [{}], [None, [], "x"]),
        (values.is_list, [[]], [None, {}, "x"]),
        (values.or_none(values.is_flag), [None, True], [0, ""]),
    ],
)
def test_what_can_be_used(holds: values.Holds, right: list[Any], wrong: list[Any]) -> None:
    assert [value for value in right if not holds(value)] == []
    assert [value for value in wrong if holds(value)] == []


def test_each_time_has_a_date() -> None:
    assert datetime.datetime.fromtimestamp(values.LAST, tz=datetime.UTC).year == 9999

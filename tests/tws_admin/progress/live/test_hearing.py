"""What another process tells of a run is looked at before anybody is shown it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tws_admin.progress.runs import make_run
from tws_admin.progress.live.hearing import RULES, check
from tws_admin.progress.rows import as_row

pytestmark = pytest.mark.django_db


def test_a_row_is_taken_as_it_is() -> None:
    row = as_row(make_run())
    assert check(row) == row
    assert set(RULES) == set(row)


def test_what_is_not_known_is_left_out() -> None:
    """Another version may tell more."""
    row = as_row(make_run())
    assert check({**row, "more": 1}) == row


@pytest.mark.parametrize("wrong", [None, [], "row", {}])
def test_what_is_no_row_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="of a run"):
        check(wrong)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "not-a-uuid"),
        ("id", 5),
        ("state", "flying"),
        ("state", ["running"]),
        ("title", None),
        ("attempt", -1),
        ("attempt", True),
        ("done", 1.5),
        ("total", "10"),
        ("rate", "fast"),
        ("created", None),
        ("user", 5),
        ("url", 5),
        ("url", "javascript:alert(1)"),
        ("url", "//elsewhere.example"),
        ("url", "/\\elsewhere.example"),
        ("url", "x"),
        ("created", 1e300),
        ("ended", -1.0),
        ("rate", float("nan")),
        ("done", 2**60),
        ("label", "x" * 5000),
    ],
)
def test_a_value_of_another_kind_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"the {name} of a run is"):
        check({**as_row(make_run()), name: value})

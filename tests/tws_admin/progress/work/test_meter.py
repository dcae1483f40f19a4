"""How fast some work goes, by a clock that the test turns."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tws_admin.progress.work.meter import TAU_S, Meter, amount


def work(meter: Meter, speed: float, *, start: float, seconds: float, step: float = 0.5) -> float:
    now = start
    while now < start + seconds:
        now += step
        meter.done += speed * step
        meter.sample(now)
    return now


def test_there_is_no_rate_before_there_is_something_to_count() -> None:
    meter = Meter(100)
    meter.sample(5.0)
    assert meter.rate is None
    meter.done = 10
    meter.sample(5.1)
    assert meter.rate is None, "a tenth of a second says nothing"


def test_the_first_rate_is_what_it_was_not_weighed_with_zeros() -> None:
    meter = Meter(100)
    meter.sample(5.0)
    meter.done = 10
    meter.sample(6.0)
    assert meter.rate == pytest.approx(10.0)


def test_a_steady_rate_is_shown_as_it_is() -> None:
    meter = Meter(1000)
    meter.sample(0.0)
    work(meter, 7.5, start=0.0, seconds=30)
    assert meter.rate == pytest.approx(7.5)


def test_a_rate_follows_the_work_smoothly() -> None:
    meter = Meter(1000)
    meter.sample(0.0)
    now = work(meter, 100, start=0.0, seconds=30)
    now = work(meter, 10, start=now, seconds=1)
    assert meter.rate is not None
    assert meter.rate > 80
    work(meter, 10, start=now, seconds=5 * TAU_S)
    assert meter.rate == pytest.approx(10, rel=0.1)


def test_a_rest_is_not_counted() -> None:
    meter = Meter(1000)
    meter.sample(0.0)
    work(meter, 100, start=0.0, seconds=10)
    meter.rest()
    assert meter.rate is None
    meter.sample(1000.0)
    work(meter, 100, start=1000.0, seconds=1)
    assert meter.rate == pytest.approx(100)


def test_what_goes_back_is_no_negative_rate() -> None:
    meter = Meter(1000, done=500)
    meter.sample(0.0)
    meter.done = 0
    meter.sample(1.0)
    assert meter.rate == 0.0


@given(
    st.lists(
        st.tuples(st.floats(0, 100, allow_nan=False), st.floats(0, 1e6, allow_nan=False)),
        max_size=50,
    )
)
def test_a_rate_lies_between_the_slowest_and_the_fastest(steps: list[tuple[float, float]]) -> None:
    meter = Meter()
    now = 0.0
    meter.sample(now)
    for elapsed_s, done in steps:
        now += elapsed_s
        meter.done += done
        meter.sample(now)
    assert meter.rate is None or (math.isfinite(meter.rate) and meter.rate >= 0)


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, -1, -0.5, None, "3", True, [], 1j]
)
def test_what_is_no_amount_is_refused_by_its_name(value: Any) -> None:
    with pytest.raises(ValueError, match="^total should be a finite number of at least 0, got "):
        amount("total", value)


@pytest.mark.parametrize("value", [0, 1, 2.5, 10**18])
def test_an_amount_is_what_it_was(value: float) -> None:
    assert amount("total", value) == value

"""How exactly durations are kept."""

from __future__ import annotations

import math
import random
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tornado_websockets.histogram import Histogram

RELATIVE_ERROR = 1 / 16
ABSOLUTE_ERROR_S = 32e-9
LONGEST_NS = (16 << 32) * 64 - 1
FLOAT_ERROR = 1 + 1e-12

DURATIONS = st.integers(0, LONGEST_NS) | st.integers(0, 10**6)


def histogram(durations_ns: list[int]) -> Histogram:
    result = Histogram()
    for elapsed_ns in durations_ns:
        result.add(elapsed_ns)
    return result


def at_least(seconds: float) -> float:
    return (seconds * (1 - RELATIVE_ERROR) - ABSOLUTE_ERROR_S) / FLOAT_ERROR


def at_most(seconds: float) -> float:
    return (seconds * (1 + RELATIVE_ERROR) + ABSOLUTE_ERROR_S) * FLOAT_ERROR


@given(DURATIONS)
def test_each_duration_comes_back_within_the_bound(elapsed_ns: int) -> None:
    value = histogram([elapsed_ns]).quantile(0.5)
    assert value is not None
    seconds = elapsed_ns / 1e9
    assert abs(value - seconds) <= FLOAT_ERROR * max(seconds * RELATIVE_ERROR, ABSOLUTE_ERROR_S)


@given(st.lists(DURATIONS, min_size=2), st.integers(1, 99))
def test_a_quantile_lies_between_the_durations_on_both_sides_of_the_exact_one(
    durations_ns: list[int], percent: int
) -> None:
    exact = statistics.quantiles(durations_ns, n=100, method="inclusive")[percent - 1]
    ordered = sorted(durations_ns)
    below = max(value for value in [ordered[0], *ordered] if value <= exact * FLOAT_ERROR) / 1e9
    above = min(value for value in [*ordered, ordered[-1]] if value >= exact / FLOAT_ERROR) / 1e9
    value = histogram(durations_ns).quantile(percent / 100)
    assert value is not None
    assert at_least(below) <= value <= at_most(above)


@settings(max_examples=25)
@given(st.integers(0), st.floats(3, 8), st.floats(0.1, 1))
def test_percentiles_of_many_durations_are_within_the_bound(
    seed: int, magnitude: float, sigma: float
) -> None:
    """Durations are log-normal, as latencies are: so many that neighbours are close together."""
    source = random.Random(seed)
    durations = [int(source.lognormvariate(magnitude * math.log(10), sigma)) for _ in range(2000)]
    exact = statistics.quantiles(durations, n=100, method="inclusive")
    values = histogram(durations).quantiles(0.50, 0.95, 0.99)
    for value, percent in zip(values, (50, 95, 99), strict=True):
        assert value is not None
        assert value == pytest.approx(exact[percent - 1] / 1e9, rel=0.10, abs=ABSOLUTE_ERROR_S)


@given(st.lists(DURATIONS))
def test_count_is_exact_and_total_within_the_bound(durations_ns: list[int]) -> None:
    result = histogram(durations_ns)
    assert result.count == len(durations_ns)
    bound = sum(max(ns / 1e9 * RELATIVE_ERROR, ABSOLUTE_ERROR_S) for ns in durations_ns)
    assert abs(result.total_s - sum(durations_ns) / 1e9) <= FLOAT_ERROR * bound


def test_a_duration_beyond_the_last_bucket_counts_there() -> None:
    beyond = histogram([LONGEST_NS * 1000])
    assert beyond.count == 1
    assert beyond.quantile(1) == histogram([LONGEST_NS]).quantile(1)


def test_the_first_and_the_last_quantile_are_the_shortest_and_the_longest_duration() -> None:
    result = histogram([1_000_000, 2_000_000, 50_000_000])
    assert result.quantiles(0, 1) == [
        pytest.approx(0.001, rel=RELATIVE_ERROR),
        pytest.approx(0.050, rel=RELATIVE_ERROR),
    ]


def test_nothing_added_has_no_quantile() -> None:
    assert Histogram().quantile(0.5) is None
    assert Histogram().as_dict() == {"p50_ms": None, "p95_ms": None, "p99_ms": None}


@pytest.mark.parametrize("q", [-0.01, 1.01, 95, math.nan])
def test_a_quantile_outside_of_0_to_1_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match=f"between 0 and 1, got {q!r}"):
        Histogram().quantile(q)


@given(st.lists(DURATIONS), st.lists(DURATIONS))
def test_a_snapshot_stays_and_since_is_what_came_after(before: list[int], after: list[int]) -> None:
    result = histogram(before)
    snapshot = result.snapshot()
    for elapsed_ns in after:
        result.add(elapsed_ns)
    assert counts(snapshot) == counts(histogram(before))
    assert counts(result.since(snapshot)) == counts(histogram(after))


@given(st.lists(DURATIONS), st.lists(DURATIONS))
def test_merged_histograms_are_as_one_of_all_durations(first: list[int], second: list[int]) -> None:
    merged, other = histogram(first), histogram(second)
    merged.merge(other)
    assert counts(merged) == counts(histogram(first + second))
    assert counts(other) == counts(histogram(second))


def counts(of: Histogram) -> tuple[int, float, list[float | None]]:
    return of.count, of.total_s, of.quantiles(*(n / 50 for n in range(51)))


@given(st.lists(DURATIONS), st.lists(st.floats(0, 5000), min_size=1))
def test_what_is_up_to_a_bound_is_exact_but_for_what_is_near_it(
    durations_ns: list[int], bounds_s: list[float]
) -> None:
    found = histogram(durations_ns).up_to(*bounds_s)
    for bound, count in zip(bounds_s, found, strict=True):
        surely = sum(at_most(elapsed_ns / 1e9) < bound for elapsed_ns in durations_ns)
        perhaps = sum(at_least(elapsed_ns / 1e9) <= bound for elapsed_ns in durations_ns)
        assert surely <= count <= perhaps

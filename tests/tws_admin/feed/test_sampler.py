"""The history says what was measured, whatever the sequence of measurements."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tws_admin.feed.sampler import GREATEST, RANGES, RATES, SERIES, Sampler

START_S = 1000.0
TIME = 1_700_000_000.0


class Measurement(NamedTuple):
    """One, at a second after the start."""

    second: int
    events: int
    lag: float | None
    epoch: str = "one"
    late_s: float = 0.0


def measured(**values: float | None) -> dict[str, float | None]:
    return {**dict.fromkeys(SERIES, 0.0), **values}


def sampled(measurements: list[Measurement]) -> Sampler:
    sampler = Sampler(START_S)
    for each in measurements:
        after_s = each.second + each.late_s
        sampler.add(
            measured(events_in=each.events, loop_lag_ms=each.lag),
            at_s=START_S + after_s,
            time=TIME + after_s,
            epoch=each.epoch,
        )
    return sampler


def series(sampler: Sampler, name: str, range: str = "10m") -> list[Any]:
    found: list[Any] = sampler.history(range)["series"][name]
    return found


sequences = st.builds(
    lambda steps: [
        Measurement(
            second=sum(step[0] for step in steps[: index + 1]),
            events=sum(step[1] for step in steps[: index + 1]),
            lag=step[2],
            late_s=step[3],
        )
        for index, step in enumerate(steps)
    ],
    st.lists(
        st.tuples(
            st.one_of(st.just(1), st.integers(1, 40)),
            st.integers(0, 1000),
            st.none() | st.floats(0, 100),
            st.floats(-0.01, 0.5),
        ),
        min_size=1,
        max_size=60,
    ),
)


def expected_points(measurements: list[Measurement]) -> dict[int, tuple[float | None, Any]]:
    """Return rate and lag by second."""
    points: dict[int, tuple[float | None, Any]] = {
        measurements[0].second: (None, measurements[0].lag)
    }
    for before, each in pairwise(measurements):
        passed_s = each.second + each.late_s - before.second - before.late_s
        points[each.second] = ((each.events - before.events) / passed_s, each.lag)
    return points


@given(sequences)
def test_each_second_has_the_rate_of_a_counter_and_the_value_of_a_gauge(
    measurements: list[Measurement],
) -> None:
    """Seconds without a measurement are gaps; a rate counts the time that really passed."""
    sampler = sampled(measurements)
    points = expected_points(measurements)
    first, last = measurements[0].second, measurements[-1].second
    rates, lags = series(sampler, "events_in"), series(sampler, "loop_lag_ms")
    assert len(rates) == len(lags) == min(last - first + 1, 600)
    for index, second in enumerate(range(last - len(rates) + 1, last + 1)):
        rate, lag = points.get(second, (None, None))
        assert rates[index] == (None if rate is None else pytest.approx(rate, abs=1e-4))
        assert lags[index] == (None if lag is None else pytest.approx(lag, abs=1e-4))


@given(sequences, st.sampled_from(["2h", "24h"]))
def test_longer_steps_have_the_mean_of_rates_and_the_greatest_value(
    measurements: list[Measurement], name: str
) -> None:
    """Of what was measured within each step; a step in which nothing was is a gap."""
    step_s, size = RANGES[name]
    sampler = sampled(measurements)
    points = expected_points(measurements)
    last = measurements[-1].second
    steps = [second // step_s for second in points]
    # The step that still goes on is not there yet.
    ended = [step for step in steps if (step + 1) * step_s - 1 <= last]
    history = sampler.history(name)
    if not ended:
        assert history["series"]["events_in"] == []
        return
    span = list(range(ended[0], ended[-1] + 1))[-size:]
    for index, step in enumerate(span):
        within = [points[second] for second in points if second // step_s == step]
        rates = [rate for rate, _lag in within if rate is not None]
        lags = [lag for _rate, lag in within if lag is not None]
        mean = pytest.approx(math.fsum(rates) / len(rates), abs=1e-4) if rates else None
        greatest = pytest.approx(max(lags), abs=1e-4) if lags else None
        assert history["series"]["events_in"][index] == mean
        assert history["series"]["loop_lag_ms"][index] == greatest
    assert len(history["series"]["events_in"]) == len(span)


@given(sequences)
def test_the_last_point_of_each_range_is_that_of_its_end(measurements: list[Measurement]) -> None:
    sampler = sampled(measurements)
    last = measurements[-1]
    now = TIME + last.second + last.late_s
    for name, (step_s, _size) in RANGES.items():
        history = sampler.history(name)
        assert history["step_s"] == step_s
        if history["series"]["cpu"]:
            behind_s = now - history["end"]
            assert behind_s >= -0.001
            # The last second of a whole step.
            ended = round(last.second - behind_s)
            assert (ended + 1) % step_s == 0


def test_another_epoch_is_a_gap_and_no_negative_rate() -> None:
    sampler = sampled(
        [
            Measurement(0, 0, None),
            Measurement(1, 500, None),
            Measurement(2, 3, None, epoch="two"),
            Measurement(3, 10, None, epoch="two"),
        ]
    )
    assert series(sampler, "events_in") == [None, 500, None, 7]


def test_a_counter_that_is_less_than_it_was_is_a_gap() -> None:
    sampler = sampled([Measurement(0, 9, None), Measurement(1, 5, None), Measurement(2, 6, None)])
    assert series(sampler, "events_in") == [None, None, 1]


def test_a_pause_of_the_process_is_a_gap_and_no_exploded_rate() -> None:
    """What was counted meanwhile is told per second, not as if it had come at once."""
    sampler = sampled([Measurement(0, 0, 1.0), Measurement(1, 100, 1.0), Measurement(11, 1100, 1)])
    assert series(sampler, "events_in") == [None, 100, *[None] * 9, 100]


def test_a_pause_longer_than_a_range_leaves_only_what_is_new() -> None:
    sampler = sampled([Measurement(0, 0, 7.0), Measurement(100_000, 0, 8.0)])
    assert series(sampler, "loop_lag_ms") == [*[None] * 599, 8]


def test_no_second_takes_two_measurements() -> None:
    """The one that is passed over is counted with the next."""
    sampler = Sampler(START_S)
    for after_s, events in ((0.0, 0), (0.5, 10), (1.0, 20)):
        kept = sampler.add(
            measured(events_in=events), at_s=START_S + after_s, time=TIME, epoch="one"
        )
        assert kept == (after_s != 0.5)
    assert series(sampler, "events_in") == [None, 20]


@given(st.floats(0, 1e6))
@example(0.75)  # where the second begins to count as the next one
def test_the_next_measurement_is_due_in_a_second_of_its_own(after_s: float) -> None:
    """However late the last one was, so that a slow timer does not drift."""
    sampler = Sampler(START_S)
    due_s = sampler.due_s(START_S + after_s)
    assert (due_s - START_S).is_integer()
    wait_s = due_s - START_S - after_s
    assert 0.25 - 1e-6 < wait_s <= 1.25 + 1e-6


def test_rings_are_of_a_fixed_size() -> None:
    """Each range keeps as many points as it says, and the newest ones."""
    sampler = sampled([Measurement(second, second * 2, float(second)) for second in range(100_000)])
    for name, (_step_s, size) in RANGES.items():
        assert len(series(sampler, "loop_lag_ms", name)) == size
    assert series(sampler, "loop_lag_ms")[-2:] == [99_998, 99_999]
    assert set(series(sampler, "events_in", "24h")) == {2}


def test_the_newest_points_can_be_had_as_one() -> None:
    sampler = sampled(
        [Measurement(0, 0, 1.0), Measurement(1, 10, 5.0), Measurement(2, 30, None)],
    )
    assert sampler.newest()["events_in"] == 20
    assert sampler.newest()["loop_lag_ms"] is None
    assert sampler.newest(2)["events_in"] == 15
    assert sampler.newest(1000)["loop_lag_ms"] == 5


def test_without_a_measurement_there_are_no_points() -> None:
    sampler = Sampler(START_S)
    for name in RANGES:
        assert set(sampler.history(name)["series"]) == set(SERIES)
        assert not any(sampler.history(name)["series"].values())
    assert set(sampler.newest().values()) == {None}


def test_a_range_that_there_is_not_cannot_be_had() -> None:
    with pytest.raises(KeyError):
        Sampler(START_S).history("1y")


def test_every_series_is_a_rate_or_keeps_its_greatest_value() -> None:
    assert GREATEST | set(RATES) == set(SERIES)
    assert not GREATEST & set(RATES)

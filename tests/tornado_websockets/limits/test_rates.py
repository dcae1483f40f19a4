"""Rates and mistakes in a row: at each limit, below it and above it."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from tests.tornado_websockets.limits.conftest import Clock
from tornado_websockets.limits.rates import Bucket, Quota, Rates, Window


def test_a_bucket_has_a_burst_and_not_one_more(clock: Clock) -> None:
    bucket = Bucket(3, 7, clock)
    assert [bucket.take() >= 0 for _ in range(8)] == [True] * 7 + [False]


def test_a_bucket_earns_its_rate_and_never_more_than_its_burst(clock: Clock) -> None:
    bucket = Bucket(2, 4, clock)
    for _ in range(4):
        bucket.take()
    clock.now += 0.5
    assert bucket.take() == 0
    assert bucket.take() == -1
    clock.now += 3600
    assert [bucket.take() >= 0 for _ in range(5)] == [True] * 4 + [False]


@given(
    rate=st.integers(1, 1000),
    burst=st.integers(1, 1000),
    steps=st.lists(st.floats(0, 2, allow_nan=False), max_size=60),
)
def test_a_bucket_never_gives_more_than_rate_and_burst(
    rate: int, burst: int, steps: list[float]
) -> None:
    clock = Clock()
    start = clock.now
    bucket = Bucket(rate, burst, clock)
    taken = 0
    for step in steps:
        clock.now += step
        for _ in range(5):
            if bucket.take() >= 0:
                taken += 1
            else:
                bucket.take(-1)
    assert taken <= burst + rate * (clock.now - start) + 1e-6


def test_a_quota_of_messages_tells_how_far_beyond_a_client_is(clock: Clock) -> None:
    quota = Quota(Bucket(1, 10, clock), None)
    lefts = [quota.take("x") for _ in range(21)]
    assert lefts[9] == 0  # the last that is allowed
    assert lefts[10] < 0  # the first that is refused
    assert lefts[19] == -1  # the last that is only refused
    assert lefts[20] < -1


def test_a_quota_of_bytes_counts_bytes_and_not_characters(clock: Clock) -> None:
    quota = Quota(None, Bucket(1, 10, clock))
    assert quota.take("é" * 5) == 0
    assert quota.take("x") < 0
    assert Quota(None, Bucket(1, 10, clock)).take(b"x" * 10) == 0


def test_the_stricter_of_two_quotas_counts(clock: Clock) -> None:
    assert Quota(Bucket(1, 2, clock), Bucket(1, 100, clock)).take("x" * 10) == 0.5
    assert Quota(Bucket(1, 100, clock), Bucket(1, 10, clock)).take("x" * 10) == 0


def test_a_window_takes_its_limit_until_it_is_over(clock: Clock) -> None:
    window = Window(3, 10, clock)
    assert [window.take() for _ in range(5)] == [True] * 3 + [False] * 2
    clock.now += 9.9
    assert not window.take()
    clock.now += 0.1
    assert [window.take() for _ in range(4)] == [True] * 3 + [False]


def test_each_key_has_a_rate_of_its_own(clock: Clock) -> None:
    rates = Rates(2, clock)
    assert [rates.wait_s("a") for _ in range(3)] == [0, 0, 0.5]
    assert rates.wait_s("b") == 0


def test_who_insists_gets_in_when_the_time_has_come(clock: Clock) -> None:
    rates = Rates(2, clock)
    for _ in range(100):
        rates.wait_s("a")
    assert rates.wait_s("a") == 0.5
    clock.now += 0.5
    assert rates.wait_s("a") == 0
    assert rates.wait_s("a") == 0.5


def test_keys_that_are_idle_are_forgotten(clock: Clock) -> None:
    rates = Rates(2, clock)
    for n in range(1000):
        rates.wait_s(f"a{n}")
    clock.now += 1
    rates.wait_s("b")
    assert len(rates) == 1001
    clock.now += 1
    rates.wait_s("c")
    assert len(rates) == 2
    clock.now += 100
    rates.wait_s("d")
    assert len(rates) == 1


def test_a_flood_of_addresses_takes_bounded_memory(clock: Clock) -> None:
    rates = Rates(5, clock)
    tracemalloc.start()
    try:
        for n in range(50_000):
            clock.now += 0.001
            rates.wait_s(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}")
        size, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(rates) <= 2001
    assert size < 1024 * 1024


def test_forgetting_gives_nobody_more_than_the_rate(clock: Clock) -> None:
    rates = Rates(4, clock)
    allowed = 0
    for _ in range(1000):
        clock.now += 0.01
        allowed += rates.wait_s("a") == 0
    assert allowed <= 4 + 4 * 10 + 1

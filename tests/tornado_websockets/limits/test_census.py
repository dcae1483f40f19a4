"""Counted connections: at the maximum, below it and above it."""

from __future__ import annotations

import pytest

from tornado_websockets.limits.census import Census, Seat, network


def test_a_seat_is_taken_up_to_the_maximum_and_left() -> None:
    census, seats = Census(), [Seat() for _ in range(4)]
    taken = [seat.take(census, "per_user", "7", 3) for seat in seats]
    assert taken == [True, True, True, False]
    assert census.count("per_user", "7") == 3
    assert census.count("per_user", "8") == census.count("per_address", "7") == 0
    seats[3].leave()  # it has none
    seats[0].leave()
    seats[0].leave()
    assert census.count("per_user", "7") == 2
    assert seats[3].take(census, "per_user", "7", 3)
    for seat in seats:
        seat.leave()
    assert len(census) == 0


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("0.0.0.0", ""),
        ("::", ""),
        ("", ""),
        ("unix:", ""),
        ("192.0.2.7, 192.0.2.8", ""),
    ],
)
def test_what_counts_as_one_address(address: str, expected: str) -> None:
    assert network(address) == expected

"""What a loop of send takes."""

from __future__ import annotations

from benchmarks.bare import per_delivery_us


def test_a_delivery_takes_some_of_what_the_kernel_has() -> None:
    assert 0.1 < per_delivery_us(5, 50, 0.2) < 10_000

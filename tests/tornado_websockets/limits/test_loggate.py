"""Few lines, which say how many they stand for."""

from __future__ import annotations

from tests.tornado_websockets.limits.conftest import Clock
from tornado_websockets.limits.loggate import LogGate


def test_a_gate_lets_one_line_a_second_through_and_counts_the_others(clock: Clock) -> None:
    gate = LogGate(clock)
    assert [gate.count("a") for _ in range(3)] == [1, 0, 0]
    assert gate.count("b") == 1
    clock.now += 0.99
    assert gate.count("a") == 0
    clock.now += 0.01
    assert gate.count("a") == 4
    clock.now += 1
    assert gate.count("a") == 1

"""The benchmark of the monitor measures something, and leaves nothing behind."""

from __future__ import annotations

import re

import pytest

from benchmarks import monitor
from tornado_websockets.layers import audience


def test_it_prints_what_a_tick_costs(capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--paths=3", "--connections=5", "--viewers=2", "--ticks=2", "--every=0.01"]
    assert monitor.main(small) == 0
    rows = re.findall(
        r"^\| (\d) of 5 .*\| ([\d.]+) \| ([\d.]+) \| \d+ \|$", capsys.readouterr().out, re.M
    )
    assert [row[0] for row in rows] == ["0", "1", "5"]
    assert all(float(alone) < 1000 and float(watched) < 1000 for _, alone, watched in rows)
    assert audience.count() == 0

"""The benchmark of rooms measures something, and leaves nothing behind."""

from __future__ import annotations

import re

import pytest

from benchmarks import rooms
from tornado_websockets.layers import audience


def test_it_prints_what_a_call_costs(capsys: pytest.CaptureFixture[str]) -> None:
    assert rooms.main(["--clients=8", "--rooms", "2", "--calls=2"]) == 0
    rows = re.findall(r"^\| (.+) \| (\d+) \| \d+ \| ([\d.]+) \|$", capsys.readouterr().out, re.M)
    assert [(name, int(count)) for name, count, _cost in rows] == [
        ("all, `ws.broadcast`", 8),
        ("a room of 8", 8),
        ("a room of 2", 2),
    ]
    assert all(float(cost) > 0 for _name, _count, cost in rows)
    assert audience.count() == 0

"""What Redis alone takes is measured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.broker import roster, subscribers
from benchmarks.catalogue import REDIS
from benchmarks.measures import Scale
from benchmarks.server import Server

SHORT = Scale(work=0.4, warm_up=0.05, idle=0.1)


@pytest.fixture
def redis(redis_server: None, tmp_path: Path) -> Iterator[Server]:
    with Server(REDIS, core=None, log=tmp_path / "log") as server:
        yield server


def test_more_subscribers_cost_more(redis: Server) -> None:
    numbers = subscribers(redis, SHORT, counts=(1, 40))
    assert 0 < numbers["subscriber_us"] < 1000
    assert numbers["event_us"] >= 0


def test_more_servers_cost_more_to_look_at(redis: Server) -> None:
    numbers = roster(redis, SHORT, counts=(10, 300))
    assert 0 < numbers["read_each_us"] < 1000
    assert numbers["beat_us"] > 0

"""When a worker that has ended is replaced; `test_workers` has whole families."""

from __future__ import annotations

import time

import pytest

from tests.tornado_websockets.server.children import FAILING, OBEDIENT, bear, end, hear, until
from tornado_websockets.server.place import LONG_S, Place
from tornado_websockets.server.workerprocess import WorkerProcess


def take(place: Place) -> WorkerProcess:
    place.worker = WorkerProcess(place.number, [], checks=False)
    return place.worker


def ended(place: Place, age_s: float = 0.0) -> float:
    """Have a worker of an age take the place and end; return the seconds until the next one."""
    worker = take(place)
    until(lambda: hear(worker) or worker.status is not None)
    end(worker)
    worker.started -= age_s
    before = time.monotonic()
    wait_s = place.vacate()
    assert place.worker is None
    assert before + wait_s <= place.due <= time.monotonic() + wait_s
    return wait_s


def test_one_after_another_that_ends_early_waits_twice_as_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bear(monkeypatch, FAILING)
    place = Place(1)
    assert [ended(place) for _ in range(3)] == [0.5, 1.0, 2.0]
    assert [place.fail() for _ in range(6)] == [4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_one_that_has_served_for_long_is_replaced_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    bear(monkeypatch, OBEDIENT)
    place = Place(1)
    assert ended(place) == 0.5
    assert ended(place) == 1.0
    assert ended(place, LONG_S) == 0.0
    assert ended(place) == 0.5


def test_one_that_did_not_serve_has_ended_early_however_long_it_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bear(monkeypatch, FAILING)
    assert ended(Place(1), LONG_S) == 0.5

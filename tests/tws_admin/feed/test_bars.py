"""How fast the work of a progress bar goes, and when it will be done."""

from __future__ import annotations

import pytest

from tornado_websockets.modules import ProgressBar
from tws_admin.feed.bars import WINDOW_S, Pace, as_dict


class Work:
    """A bar that makes so many steps a second."""

    def __init__(self, bar: ProgressBar) -> None:
        self.bar = bar
        self.now = 1000.0
        self.pace = Pace(bar, self.now)

    def go_on(self, seconds: int, steps_per_s: int) -> None:
        for _ in range(seconds * steps_per_s):
            self.now += 1 / steps_per_s
            self.bar.current += 1
            self.pace.step(self.now)

    @property
    def rate(self) -> float | None:
        return self.pace.rate(self.now)


def test_a_bar_that_has_just_begun_has_no_rate() -> None:
    assert Work(ProgressBar()).rate is None


def test_steady_work_has_its_rate_and_the_time_that_is_left() -> None:
    work = Work(ProgressBar("upload", max=1000))
    work.go_on(30, 10)
    assert work.rate == pytest.approx(10)
    found = as_dict(work.bar, work.pace, work.now)
    assert found["rate"] == 10
    assert found["eta_s"] == 70
    assert found["value"] == 300
    assert (found["started"], found["updated"]) == (1000, pytest.approx(1030))


def test_the_rate_follows_what_is_recent() -> None:
    work = Work(ProgressBar(max=10_000))
    work.go_on(60, 1)
    work.go_on(2 * int(WINDOW_S), 100)
    assert work.rate is not None
    assert work.rate > 90


def test_work_that_stands_still_slows_down() -> None:
    work = Work(ProgressBar(max=10_000))
    work.go_on(10, 10)
    work.now += 90
    assert work.rate == pytest.approx(1)


def test_after_the_end_there_is_nothing_to_wait_for() -> None:
    work = Work(ProgressBar(max=20))
    work.go_on(10, 2)
    work.bar._is_done = True
    found = as_dict(work.bar, work.pace, work.now)
    assert (found["done"], found["rate"], found["eta_s"]) == (True, None, None)


def test_work_of_unknown_length_has_no_rate() -> None:
    work = Work(ProgressBar(indeterminate=True))
    work.now += 5
    found = as_dict(work.bar, work.pace, work.now)
    assert (found["indeterminate"], found["rate"], found["eta_s"]) == (True, None, None)


def test_a_bar_that_goes_back_has_no_negative_rate() -> None:
    work = Work(ProgressBar())
    work.go_on(5, 2)
    work.bar.current = -5
    assert work.rate == 0
    assert as_dict(work.bar, work.pace, work.now)["eta_s"] is None


def test_a_bar_that_nobody_has_driven_has_no_times() -> None:
    found = as_dict(ProgressBar("idle", min=5, max=9), None, 1000.0)
    assert found == {
        "name": "idle",
        "label": None,
        "value": 5,
        "min": 5,
        "max": 9,
        "indeterminate": False,
        "done": False,
        "rate": None,
        "eta_s": None,
        "started": None,
        "updated": None,
    }


def test_a_label_is_cut() -> None:
    bar = ProgressBar()
    bar.label = "x" * 1000
    assert as_dict(bar, None, 0.0)["label"] == "x" * 200

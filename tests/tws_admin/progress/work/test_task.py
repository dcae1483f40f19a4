"""The handle that a body gets."""

from __future__ import annotations

import math
import sys
import threading
import time
from typing import Any

import pytest

from tws_admin.models import ProgressTask
from tws_admin.progress.work.task import (
    MAX_ERRORS,
    MAX_LINE,
    MAX_NOTES,
    Task,
    TaskCancelled,
    TaskPaused,
)


def task_of(*, leaves: bool = False, **fields: Any) -> Task:
    return Task(ProgressTask(**fields), user=None, params={}, leaves=leaves)


@pytest.mark.parametrize("value", [math.nan, math.inf, -1, None, "1"])
def test_amounts_that_are_none_are_refused_by_the_name_of_the_argument(value: Any) -> None:
    task = task_of()
    with pytest.raises(ValueError, match="^n should be "):
        task.advance(value)
    with pytest.raises(ValueError, match="^done should be "):
        task.update(done=value)
    with pytest.raises(ValueError, match="^total should be "):
        task.update(total=value)
    assert (task.meter.done, task.meter.total) == (0, None)


def test_a_label_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="label should be a text, got None"):
        task_of().update(label=None)


def test_what_is_left_out_of_an_update_stays() -> None:
    task = task_of()
    task.update(done=3, total=10, label="three")
    task.update(done=4)
    assert (task.meter.done, task.meter.total, task.meter.label) == (4, 10, "three")
    task.update(label=5)
    assert (task.meter.done, task.meter.total, task.meter.label) == (4, 10, "5")


def test_parts_of_steps_add_up() -> None:
    task = task_of()
    for _ in range(10):
        task.advance(0.1)
    assert task.meter.done == pytest.approx(1.0)


def test_a_million_steps_cost_at_most_two_seconds_of_processor_time() -> None:
    task = task_of()
    tracer = sys.gettrace()
    sys.settrace(None)  # what measures the coverage takes ten times as long as the steps
    try:
        start = time.thread_time()
        for _ in range(1_000_000):
            task.advance()
        lasted = time.thread_time() - start
    finally:
        sys.settrace(tracer)
    assert task.meter.done == 1_000_000
    assert lasted < 2.0


@pytest.mark.parametrize("ask", ["cancel", "lost"])
@pytest.mark.parametrize(
    "call",
    [Task.advance, Task.update, Task.check, lambda task: list(task.track([1]))],
)
def test_a_wish_to_end_is_obeyed_wherever_the_body_tells_something(ask: str, call: Any) -> None:
    task = task_of()
    task.ask(ask)
    with pytest.raises(TaskCancelled):
        call(task)


def test_a_body_that_catches_every_exception_is_cancelled_all_the_same() -> None:
    task = task_of()

    def body() -> None:
        for _ in range(3):
            try:
                task.advance()
            except Exception:  # noqa: BLE001
                continue

    task.ask("cancel")
    with pytest.raises(TaskCancelled):
        body()


def test_work_that_can_go_on_elsewhere_leaves_to_pause() -> None:
    task = task_of(leaves=True)
    task.ask("pause")
    with pytest.raises(TaskPaused):
        task.check()


def test_other_work_waits_where_it_is_and_goes_on_there() -> None:
    task = task_of()
    ends: list[str] = []

    def body() -> None:
        task.advance()
        ends.append("went on")

    task.ask("pause")
    thread = threading.Thread(target=body)
    thread.start()
    deadline = time.monotonic() + 10
    while not task.is_waiting and time.monotonic() < deadline:
        time.sleep(0.01)
    assert task.is_waiting
    assert ends == []
    task.ask(None)
    thread.join(10)
    assert ends == ["went on"]
    assert not task.is_waiting


def test_what_waits_can_be_cancelled() -> None:
    task = task_of()
    ends: list[str] = []

    def body() -> None:
        try:
            task.check()
        except TaskCancelled:
            ends.append("cancelled")

    task.ask("pause")
    thread = threading.Thread(target=body)
    thread.start()
    task.ask("cancel")
    thread.join(10)
    assert ends == ["cancelled"]


class Item:
    pk = 7

    def __str__(self) -> str:
        return "x" * 500


class Silent:
    def __str__(self) -> str:
        raise RuntimeError("no name")


def test_errors_are_counted_and_the_first_hundred_kept() -> None:
    task = task_of()
    for number in range(MAX_ERRORS + 5):
        task.error(Item(), ValueError(f"bad {number}"))
    assert task.error_count == MAX_ERRORS + 5
    assert len(task.errors) == MAX_ERRORS
    assert task.errors[0] == {
        "pk": "7",
        "text": "x" * 200,
        "class": "ValueError",
        "message": "bad 0",
    }
    assert task.failed == [7] * (MAX_ERRORS + 5)


def test_an_error_may_be_a_sentence_and_an_object_a_key() -> None:
    task = task_of()
    task.error(12, "is too old")
    task.error(Silent(), KeyError("a"))
    assert task.errors[0] == {"pk": "12", "text": "12", "class": "", "message": "is too old"}
    assert task.errors[1]["text"] == "<Silent>"


def test_the_traceback_goes_to_the_log_alone(caplog: pytest.LogCaptureFixture) -> None:
    task = task_of()
    try:
        raise ValueError("in the depths")
    except ValueError as error:
        task.error(Item(), error)
    assert "Traceback" in caplog.text
    assert "Traceback" not in str(task.errors)


def test_lines_of_the_log_are_bounded_in_length_and_number() -> None:
    task = task_of()
    for number in range(MAX_NOTES + 10):
        task.log(f"{number} " + "y" * 10_000)
    assert len(task.notes) == MAX_NOTES
    assert task.note_count == MAX_NOTES + 10
    assert len(task.notes[0][1]) == MAX_LINE


def test_a_run_that_is_tried_again_counts_on() -> None:
    task = task_of(done=5, total=10, cursor=5, error_count=2, errors=[{"pk": "1"}], attempt=2)
    task.advance()
    assert (task.meter.done, task.cursor, task.error_count, task.attempt) == (6, 5, 2, 2)

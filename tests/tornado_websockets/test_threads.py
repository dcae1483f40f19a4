"""The threads of plain callbacks, and what they leave of the database."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.db import connections

from tornado_websockets import threads as module
from tornado_websockets.threads import Threads, take_turns

PATIENCE_S = 20


class Results(queue.SimpleQueue[tuple[Any, BaseException | None]]):
    """What functions returned or raised, in the order of their ends."""

    def settle(self, result: Any, error: BaseException | None) -> None:
        self.put((result, error))

    def next(self) -> Any:
        result, error = self.get(timeout=PATIENCE_S)
        if error is not None:
            raise error
        return result


@pytest.fixture
def one() -> Iterator[Threads]:
    threads = Threads(1, "test")
    yield threads
    threads.stop()
    assert threads.join(PATIENCE_S)


def test_functions_of_one_thread_run_in_order_away_from_the_caller(one: Threads) -> None:
    results = Results()

    def work(number: int) -> tuple[int, str]:
        return number, threading.current_thread().name

    for number in range(100):
        one.submit(partial(work, number), results.settle)
    assert [results.next() for _ in range(100)] == [(n, "test-0") for n in range(100)]


def test_what_a_function_raises_is_told_and_the_thread_lives_on(one: Threads) -> None:
    results = Results()
    one.submit(partial(int, "x"), results.settle)
    one.submit(partial(sys.exit, 3), results.settle)
    one.submit(partial(int, "7"), results.settle)
    with pytest.raises(ValueError, match="invalid literal"):
        results.next()
    with pytest.raises(SystemExit):
        results.next()
    assert results.next() == 7


def test_as_many_functions_run_at_a_time_as_there_are_threads() -> None:
    together = threading.Barrier(3)
    results = Results()
    threads = Threads(3, "test")
    for _ in range(3):
        threads.submit(partial(together.wait, PATIENCE_S), results.settle)
    assert sorted(results.next() for _ in range(3)) == [0, 1, 2]
    threads.stop()
    assert threads.join(PATIENCE_S)


def test_stopping_drops_what_nobody_has_begun_and_waits_for_what_runs() -> None:
    begun, go = threading.Event(), threading.Event()
    results = Results()

    def work() -> str:
        begun.set()
        go.wait(PATIENCE_S)
        return "first"

    threads = Threads(1, "test")
    threads.submit(work, results.settle)
    threads.submit(partial(str, "second"), results.settle)
    assert begun.wait(PATIENCE_S)
    threads.stop()
    assert not threads.join(0.01)
    go.set()
    assert threads.join(PATIENCE_S)
    assert results.next() == "first"
    assert results.empty()


def test_the_event_loop_gets_its_turn_soon() -> None:
    before = sys.getswitchinterval()
    try:
        take_turns()
        assert sys.getswitchinterval() == pytest.approx(0.001)
    finally:
        sys.setswitchinterval(before)


def _query() -> Any:
    connection = connections["default"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return connection


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_is_too_old_is_closed_before_its_function_is_said_to_be_done(
    one: Threads,
) -> None:
    def work() -> Any:
        connection = _query()
        connection.close_at = 0
        return connection

    states = Results()
    one.submit(work, lambda connection, _error: states.put((connection.connection, None)))
    assert states.next() is None


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_grew_old_while_nothing_happened_is_closed_before_the_next_function(
    one: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work() -> Any:
        connection = _query()
        connection.close_at = None
        return connection

    results = Results()
    one.submit(work, results.settle)
    connection = results.next()
    assert connection.connection is not None
    monkeypatch.setattr(module, "FRESH_S", -1.0)
    connection.close_at = 0
    one.submit(lambda: connection.connection, results.settle)
    assert results.next() is None


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_cannot_be_closed_is_logged_and_the_thread_lives_on(
    one: Threads, caplog: pytest.LogCaptureFixture
) -> None:
    def work() -> Any:
        connection = _query()
        connection.close_at = "never"  # compared with a number, it raises TypeError
        return connection

    results = Results()
    one.submit(work, results.settle)
    connection = results.next()
    connection.close_at = 0
    one.submit(partial(int, "7"), results.settle)
    assert results.next() == 7
    assert "could not be closed" in caplog.text
    assert connection.connection is None

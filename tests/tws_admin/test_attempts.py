"""What may fail for a while is in the log once."""

from __future__ import annotations

import pytest

from tws_admin.attempts import Attempts


def fail() -> None:
    raise OSError("away")


def test_a_failure_is_logged_when_it_begins(caplog: pytest.LogCaptureFixture) -> None:
    attempts = Attempts("it goes on without %s")
    assert [attempts.make("this", fail) for _ in range(3)] == [False] * 3
    assert [record.getMessage() for record in caplog.records] == ["it goes on without this"]
    assert "OSError: away" in caplog.text


def test_it_is_logged_again_when_it_has_worked_between(caplog: pytest.LogCaptureFixture) -> None:
    attempts = Attempts("it goes on without %s")
    for function in (fail, list, fail):
        attempts.make("this", function)
    assert len(caplog.records) == 2


def test_one_failure_does_not_hide_another(caplog: pytest.LogCaptureFixture) -> None:
    attempts = Attempts("it goes on without %s")
    attempts.make("this", fail)
    attempts.make("that", fail)
    assert len(caplog.records) == 2


def test_what_works_gets_its_arguments() -> None:
    got: list[int] = []
    assert Attempts("%s").make("this", got.append, 1)
    assert got == [1]


def test_a_block_that_fails_is_left(caplog: pytest.LogCaptureFixture) -> None:
    attempts = Attempts("it goes on without %s")
    for _ in range(2):
        with attempts.making("this"):
            fail()
    with attempts.making("this"):
        pass
    with attempts.making("this"):
        fail()
    assert len(caplog.records) == 2

"""The threads of the server's process; with a server in test_housekeeping."""

from __future__ import annotations

import time

import pytest

from tws_admin.progress.engines.thread import ThreadEngine


def test_it_needs_nothing() -> None:
    assert list(ThreadEngine().problems()) == []


def test_without_a_server_a_run_is_left_for_one() -> None:
    engine = ThreadEngine()
    engine.submit("0f2c25a4-75a6-4c09-8f73-4ba33d8dc5ec")
    assert not engine.is_busy
    engine.close()


@pytest.mark.django_db(transaction=True)
def test_a_run_that_cannot_be_executed_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    engine = ThreadEngine()
    engine.open()
    engine.submit("no UUID")
    deadline = time.monotonic() + 20
    while "could not be executed" not in caplog.text and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "progress task no UUID could not be executed" in caplog.text
    engine.close()

"""When a server is said to be in trouble."""

from __future__ import annotations

import logging

import pytest
from django.utils.translation import override

from tornado_websockets.layers.redis.health import Health


def test_an_outage_is_told_once_and_its_end_as_well(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    now_s = 0.0
    health = Health("Redis 1 of 2", lambda: now_s)
    assert (health.is_well, health.trouble) == (True, "")
    health.fail("publisher", OSError("no route to redis://ann:secret@example.org"))
    assert (health.is_well, health.trouble) == (False, "")
    now_s = 12.3
    health.fail("subscriber", TimeoutError())
    health.fail("publisher", OSError("still not"))
    assert health.trouble == "Redis 1 of 2 has not answered for 12 s"
    with override("fr"):
        assert health.trouble == "Redis 1 of 2 ne répond pas depuis 12 s"
    health.recover("publisher")
    assert not health.is_well
    health.recover("subscriber")
    health.recover("subscriber")
    assert (health.is_well, health.trouble) == (True, "")
    assert [record.getMessage() for record in caplog.records] == [
        "Redis 1 of 2 cannot be used: no route to redis://…@example.org (the clients of this"
        " process are served, and what is for others waits)",
        "Redis 1 of 2 is back after 12.3 s",
    ]


@pytest.mark.parametrize(
    ("error", "is_so"),
    [
        ("You can't write against a read only replica. script: 2f, on @user_script:3.", True),
        ("ERR Error running script: -READONLY You can't write against a read only replica.", True),
        ("Link with MASTER is down and replica-serve-stale-data is set to 'no'.", True),
        ("command not allowed when used memory > 'maxmemory'.", False),
    ],
)
def test_who_has_to_look_for_the_primary_is_told_each_time(error: str, is_so: bool) -> None:
    health = Health("Redis")
    calls: list[str] = []
    health.demoted.append(lambda: calls.append("demoted"))
    for _ in range(2):
        health.fail("publisher", OSError(error))
    assert calls == ["demoted"] * 2 * is_so


def test_an_error_without_words_is_told_by_its_name() -> None:
    health = Health("Redis")
    health.fail("publisher", TimeoutError())
    assert health.reason == "TimeoutError"

"""What a value of a setting may be; `test_conf` has the table of what is refused."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests.rawclient import TLS
from tornado_websockets.rules import is_compression, problems


@pytest.mark.parametrize(
    "value", [True, False, {}, {"level": 1, "mem_level": 9, "window_bits": 9, "min_size": 0}]
)
def test_compression_is_a_switch_or_its_parameters(value: object) -> None:
    assert is_compression(value)


@pytest.mark.parametrize(
    "value", [None, 1, "on", {"level": -1}, {"level": 10}, {"mem_level": True}, {"wbits": 9}]
)
def test_anything_else_is_none(value: object) -> None:
    assert not is_compression(value)


def test_the_files_of_tls_have_to_be_there() -> None:
    assert problems({"certfile": TLS / "cert.pem", "keyfile": str(TLS / "key.pem")}) == []
    assert problems({"certfile": None}) == []
    assert [p.id for p in problems({"certfile": Path("/no/such/file")})] == ["E012"]
    assert [p.id for p in problems({"certfile": str(TLS)})] == ["E012"]
    assert [p.id for p in problems({"keyfile": TLS / "key.pem"})] == ["E012"]


def test_options_of_tls_are_a_context_or_a_dictionary() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    for value in (None, context, {"certfile": "x"}):
        assert problems({"ssl_options": value}) == []


def test_the_password_of_a_layer_is_not_told() -> None:
    [problem] = problems({"layer": ["redis://:secret@redis.example/0", "redis"]})
    assert problem.id == "E018"
    assert "redis.example" in problem.message
    assert "secret" not in problem.message


def test_what_goes_together_badly_is_told_beside_what_is_wrong() -> None:
    assert [problem.id for problem in problems({"port": -1, "workers": 2})] == ["E002", "E020"]


@pytest.mark.parametrize("value", [None, {}, {"live": "/alive"}, {"live": None, "ready": "/a/b"}])
def test_health_is_paths_or_nothing(value: object) -> None:
    assert problems({"health": value}) == []


@pytest.mark.parametrize(
    "value", [True, "/health", {"live": "alive"}, {"live": 1}, {"alive": "/alive"}, {1: "/"}]
)
def test_other_health_is_an_error(value: object) -> None:
    assert [problem.id for problem in problems({"health": value})] == ["E017"]


@pytest.mark.parametrize("key", ["shutdown_timeout", "shutdown_delay"])
def test_the_time_to_end_is_a_number_of_seconds(key: str) -> None:
    for value in (0, 2.5):
        assert problems({key: value}) == []
    for wrong in (-1, None, "30", float("inf"), True):
        assert [problem.id for problem in problems({key: wrong})] == ["E007"]

"""TORNADO from environment variables, read strictly."""

from __future__ import annotations

import dataclasses
from typing import Any

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured

from tornado_websockets import conf, rules
from tornado_websockets.env import VARIABLES, tornado_from_env


def read(variables: dict[str, str]) -> dict[str, Any]:
    env = environ.Env()
    env.ENVIRON = variables
    return tornado_from_env(env)


def test_only_what_is_set_is_in_it() -> None:
    assert read({}) == {}
    assert read({"TORNADO_PORT": " 9000 ", "OTHER": "1"}) == {"port": 9000}


def test_every_variable_is_read_as_what_the_settings_take() -> None:
    texts = {
        **dict.fromkeys(VARIABLES, "7"),
        "TORNADO_SLOW_READER": "latest",
        "TORNADO_COMPRESSION": "on",
        "TORNADO_CERTFILE": __file__,
        "TORNADO_KEYFILE": __file__,
        "TORNADO_LAYER": "redis://a/0, redis://b/0",
        "TORNADO_WORKERS": "Auto",
        "TORNADO_ALLOWED_ORIGINS": "https://a.example, https://*.b.example",
        "TORNADO_TRUSTED_PROXIES": "10.0.0.0/8,unix:",
        "TORNADO_LIMITS_CONNECTIONS": "Auto",
    }
    tornado = read(texts)
    assert tornado == {
        "port": 7,
        "threads": 7,
        "event_threads": 7,
        "max_body_size": 7,
        "ping_interval": 7.0,
        "ping_timeout": 7.0,
        "slow_reader": "latest",
        "compression": True,
        "certfile": __file__,
        "keyfile": __file__,
        "layer": ["redis://a/0", "redis://b/0"],
        "workers": "auto",
        "allowed_origins": ["https://a.example", "https://*.b.example"],
        "trusted_proxies": ["10.0.0.0/8", "unix:"],
        "recheck_period": 7.0,
        "shutdown_timeout": 7.0,
        "shutdown_delay": 7.0,
        "limits": {
            **dict.fromkeys((field.name for field in dataclasses.fields(conf.Limits)), 7),
            "connections": "auto",
        },
    }
    assert rules.problems(tornado) == []


def test_workers_are_a_number_too() -> None:
    assert read({"TORNADO_WORKERS": "4"}) == {"workers": 4}


def test_a_layer_is_one_too_and_a_name_of_a_class() -> None:
    for layer in ("redis://h/0", "shop.layers.Own"):
        tornado = read({"TORNADO_LAYER": layer})
        assert tornado == {"layer": layer}
        assert rules.problems(tornado) == []


@pytest.mark.parametrize("text", ["none", "None", "unlimited"])
def test_no_limit_is_none(text: str) -> None:
    assert read({"TORNADO_MAX_BODY_SIZE": text}) == {"max_body_size": None}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("TORNADO_TRUSTED_PROXIES", "::1,,unix:", "a list with a comma between its items"),
        ("TORNADO_PORT", "80a", "a whole number in digits, got '80a'"),
        (
            "TORNADO_LIMITS_CONNECTIONS",
            "many",
            "a whole number in digits, or 'none' for no limit, or 'auto', got",
        ),
        ("TORNADO_WORKERS", "all", "a whole number in digits, or 'auto', got 'all'"),
        ("TORNADO_WORKERS", "none", "a whole number in digits, or 'auto', got 'none'"),
        ("TORNADO_PORT", "", "a whole number in digits, got ''"),
        ("TORNADO_PORT", "1_000", "a whole number in digits"),
        ("TORNADO_PORT", "٣", "a whole number in digits"),
        ("TORNADO_MAX_BODY_SIZE", "10MB", "a whole number in digits, or 'none' for no limit"),
        ("TORNADO_PING_INTERVAL", "soon", "a number of seconds, got 'soon'"),
        ("TORNADO_PING_INTERVAL", "nan", "a number of seconds"),
        ("TORNADO_PING_TIMEOUT", "-1", "a number of seconds"),
        ("TORNADO_COMPRESSION", "ture", "one of true, false, on, off, 1, 0, got 'ture'"),
        ("TORNADO_SLOW_READER", "wait", "one of close, drop_oldest, latest, got 'wait'"),
    ],
)
def test_a_value_that_is_not_understood_stops_the_start(
    name: str, text: str, expected: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"{name} must be {expected}"):
        read({name: text})


def test_the_password_of_a_layer_is_not_told() -> None:
    with pytest.raises(ImproperlyConfigured, match="got 'redis://…@h/0,'"):
        read({"TORNADO_LAYER": "redis://:secret@h/0,"})


def test_a_comma_in_a_password_is_told_and_the_password_is_not() -> None:
    with pytest.raises(ImproperlyConfigured, match="is written %2C, got 'redis://…@h/0'"):
        read({"TORNADO_LAYER": "redis://:se,cret@h/0"})
    assert read({"TORNADO_LAYER": "redis://:se%2Ccret@h/0"})["layer"] == "redis://:se%2Ccret@h/0"


def test_a_misspelt_variable_stops_the_start() -> None:
    with pytest.raises(ImproperlyConfigured, match="TORNADO_TREADS .*Did you mean TORNADO_THREADS"):
        read({"TORNADO_TREADS": "4"})


def test_a_variable_of_somebody_else_is_left_alone() -> None:
    # Tornado itself reads TORNADO_EXTENSION.
    assert read({"TORNADO_EXTENSION": "0", "TORNADO_CASH_URL": "x"}) == {}


def test_without_an_env_the_process_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORNADO_PORT", "9001")
    assert tornado_from_env() == {"port": 9001}

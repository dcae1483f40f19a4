"""The settings, their defaults, and what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from tornado.routing import AnyMatches, Rule

from tornado_websockets import conf, process, rules


def test_an_absent_setting_means_the_defaults() -> None:
    with override_settings():
        del django_settings.TORNADO
        conf.get.cache_clear()
        assert conf.get() == conf.Config()
        assert conf.raw() == {}
    assert (conf.Config().port, conf.Config().handlers, conf.Config().settings) == (8000, (), {})


def test_settings_replace_their_defaults() -> None:
    route = (r"/x", object)
    with override_settings(
        TORNADO={"port": 1337, "handlers": [route], "limits": {"message_size": None}}
    ):
        config = conf.get()
    assert (config.port, config.handlers) == (1337, (route,))
    assert config.limits == conf.Limits(message_size=None)
    assert config.threads == 8


def test_a_changed_setting_is_read_again() -> None:
    with override_settings(TORNADO={"port": 1}):
        assert conf.get().port == 1
    assert conf.get().port == 8000


@pytest.mark.parametrize(
    ("tornado", "number", "words"),
    [
        (None, "E001", "must be a dictionary"),
        ([("port", 1)], "E001", "must be a dictionary"),
        ({1: 2}, "E001", "by name"),
        ({"port": "8000"}, "E002", "between 0 and 65535, got '8000' (str)"),
        ({"port": -1}, "E002", "got -1"),
        ({"port": 65536}, "E002", "got 65536"),
        ({"port": True}, "E002", "got True (bool)"),
        ({"handlers": "x"}, "E003", "a list of Tornado routes"),
        ({"handlers": [("/x",)]}, "E003", "a list of Tornado routes"),
        ({"handlers": [1]}, "E003", "a list of Tornado routes"),
        ({"settings": []}, "E004", "dictionary of Tornado settings"),
        ({"threads": 0}, "E005", "an integer of at least 1"),
        ({"event_threads": 1.5}, "E005", "an integer of at least 1"),
        ({"max_body_size": 0}, "E006", "a positive integer (bytes), or None"),
        ({"ping_interval": "25"}, "E007", "a number of seconds"),
        ({"ping_timeout": float("nan")}, "E007", "a number of seconds"),
        ({"limits": None}, "E008", "a dictionary of limits"),
        ({"limits": {"message_size": -1}}, "E009", "TORNADO['limits']['message_size'] must be"),
        ({"limits": {"inbox": 0}}, "E009", "an integer of at least 1"),
        ({"limits": {"send_bytes": 0}}, "E009", "a positive integer (bytes), or None"),
        ({"limits": {"send_frames": "1"}}, "E009", "an integer of at least 1"),
        ({"slow_reader": "wait"}, "E010", "one of close, drop_oldest, latest, got 'wait'"),
        ({"compression": None}, "E011", "True, False or a dictionary"),
        ({"compression": {"window_bits": 8}}, "E011", "window_bits (9-15)"),
        ({"compression": {"bits": 9}}, "E011", "True, False or a dictionary"),
        ({"certfile": "/no/such/file.pem"}, "E012", "the path of a file that can be read"),
        ({"keyfile": __file__}, "E012", "needs TORNADO['certfile'], which is not set"),
        ({"keyfile": 1, "certfile": __file__}, "E012", "the path of a file that can be read"),
        ({"ssl_options": "yes"}, "E013", "an ssl.SSLContext"),
        ({"allowed_origins": "*"}, "E014", "a list of origins"),
        ({"allowed_origins": ["example.com"]}, "E014", "a list of origins"),
        ({"allowed_origins": ["https://example.com/"]}, "E014", "a list of origins"),
        ({"allowed_origins": ["null"]}, "E014", "a list of origins"),
        ({"trusted_proxies": "10.0.0.1"}, "E015", "a list of addresses or networks"),
        ({"trusted_proxies": ["*"]}, "E015", "a list of addresses or networks"),
        ({"trusted_proxies": ["10.0.0.1/8"]}, "E015", "a list of addresses or networks"),
        ({"trusted_proxies": [10]}, "E015", "a list of addresses or networks"),
        ({"layer": "redis"}, "E018", "the URL of a Redis server"),
        ({"layer": ["redis://h/0", 1]}, "E018", "a list of such URLs"),
        ({"workers": 0}, "E019", "an integer of at least 1, or 'auto' for one for each core"),
        ({"workers": "4"}, "E019", "got '4' (str)"),
        ({"workers": 4}, "E020", "TORNADO['workers'] is 4, and no layer connects the processes"),
        ({"recheck_period": 0}, "E016", "a positive number of seconds"),
        ({"recheck_period": None}, "E016", "a positive number of seconds"),
    ],
)
def test_a_mistake_is_one_problem_and_stops_the_start(
    tornado: Any, number: str, words: str
) -> None:
    (problem,) = rules.problems(tornado)
    assert problem.id == number
    assert words in problem.message
    assert problem.hint
    with (
        override_settings(TORNADO=tornado),
        pytest.raises(ImproperlyConfigured, match="must be|needs|no layer"),
    ):
        conf.get()


@pytest.mark.parametrize(
    ("layer", "urls"),
    [
        (None, ()),
        ("redis://h/0", ("redis://h/0",)),
        (["redis://a/0", "redis://b/0"], ("redis://a/0", "redis://b/0")),
        ([], ()),
        ("shop.layers.Own", ("shop.layers.Own",)),
    ],
)
def test_a_layer_is_one_or_several(layer: object, urls: tuple[str, ...]) -> None:
    with override_settings(TORNADO={"layer": layer}):
        assert conf.get().layer == urls


def test_there_are_as_many_workers_as_it_says_or_as_cores() -> None:
    assert conf.Config().worker_count == 1
    with override_settings(TORNADO={"layer": "shop.layers.Own", "workers": 3}):
        assert conf.get().worker_count == 3
    with override_settings(TORNADO={"layer": "shop.layers.Own", "workers": "auto"}):
        assert conf.get().worker_count == process.cores()


@pytest.mark.parametrize(
    ("tornado", "hint"),
    [
        ({"prot": 1}, "Did you mean 'port'?"),
        ({"handler": []}, "Did you mean 'handlers'?"),
        ({"limits": {"mesage_size": 1}}, "Did you mean 'message_size'?"),
        ({"xyz": 1}, "Known keys: allowed_origins, certfile, compression, "),
    ],
)
def test_an_unknown_key_is_a_warning_with_a_suggestion(tornado: Any, hint: str) -> None:
    (problem,) = rules.problems(tornado)
    assert problem.id == "W001"
    assert problem.hint.startswith(hint)
    with override_settings(TORNADO=tornado):
        assert conf.get() == conf.Config()


def test_every_form_of_a_route_is_accepted() -> None:
    routes = [
        (r"/a", object),
        [r"/b", object, {}],
        (r"/c", object, {}, "name"),
        Rule(AnyMatches(), object),
    ]
    assert rules.problems({"handlers": routes}) == []
    assert rules.problems({"handlers": tuple(routes)}) == []


@pytest.mark.parametrize(
    ("debug", "hosts", "allowed"),
    [
        (True, [], [".localhost", "127.0.0.1", "[::1]"]),
        (True, ["a.example"], ["a.example"]),
        (False, [], []),
    ],
)
def test_allowed_hosts_are_those_that_django_accepts(
    debug: bool, hosts: list[str], allowed: list[str]
) -> None:
    with override_settings(DEBUG=debug, ALLOWED_HOSTS=hosts):
        assert conf.allowed_hosts() == allowed


@pytest.mark.parametrize(
    ("debug", "use_static", "insecure", "served"),
    [
        (True, True, False, True),
        (True, False, False, False),
        (False, True, False, False),
        (False, True, True, True),
    ],
)
def test_static_files_are_served_as_by_runserver(
    debug: bool, use_static: bool, insecure: bool, served: bool
) -> None:
    with override_settings(DEBUG=debug):
        assert conf.serves_static(use_static=use_static, insecure=insecure) is served


def test_static_files_need_their_app() -> None:
    with override_settings(DEBUG=True, INSTALLED_APPS=["tornado_websockets"]):
        assert not conf.serves_static(use_static=True, insecure=True)


def test_the_script_name_is_djangos() -> None:
    assert conf.script_name() == ""
    with override_settings(FORCE_SCRIPT_NAME="/app"):
        assert conf.script_name() == "/app"


@pytest.mark.parametrize(
    ("tornado", "expected"),
    [
        ({"layer": "redis://h/0"}, True),
        ({"layer": 7}, True),  # the system checks say what is wrong with it
        ({"layer": None}, False),
        ({"layer": []}, False),
        ({}, False),
        (None, False),
    ],
)
def test_whether_a_layer_is_set_can_be_told_before_the_checks(tornado: Any, expected: bool) -> None:
    with override_settings(TORNADO=tornado):
        assert conf.has_layer() is expected

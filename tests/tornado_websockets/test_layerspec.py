"""Which layers and numbers of workers there are, and which go together."""

from __future__ import annotations

import sys

import pytest

from tornado_websockets.layerspec import is_layer, is_url, is_workers, problems, without_password

URL = "redis://127.0.0.1:6379/0"


@pytest.mark.parametrize(
    "value",
    [
        None,
        URL,
        "rediss://user:secret@redis.example:6380/1",
        "unix:///run/redis.sock?db=1",
        "shop.layers.Own",
        [URL, "redis://127.0.0.1:6380/0"],
        (URL,),
        [],
    ],
)
def test_a_layer_is_urls_or_the_name_of_a_class(value: object) -> None:
    assert is_layer(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "redis",
        "http://127.0.0.1/",
        "shop.layers.",
        "1.2",
        "shop layers.Own",
        ["shop.layers.Own"],
        {"url": URL},
        6379,
        True,
    ],
)
def test_anything_else_is_none(value: object) -> None:
    assert not is_layer(value)


def test_a_url_says_how_redis_is_reached() -> None:
    assert is_url(URL)
    assert not is_url("shop.layers.Own")
    assert not is_url(None)


@pytest.mark.parametrize("value", [1, 8, "auto"])
def test_workers_are_a_number_or_as_many_as_cores(value: object) -> None:
    assert is_workers(value)


@pytest.mark.parametrize("value", [0, -1, True, 1.5, "4", "Auto", None])
def test_other_workers_are_none(value: object) -> None:
    assert not is_workers(value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("'redis://:secret@h:1/0'", "'redis://…@h:1/0'"),
        ("['redis://u:s@a', 'rediss://u:s@b']", "['redis://…@a', 'rediss://…@b']"),
        ("'redis://h/0' a@b", "'redis://h/0' a@b"),
        ("redis://:se@cr/et@h:1/0", "redis://…@h:1/0"),
        ("redis://:se cr'et@h", "redis://…@h"),
        ("'redis://:se,cret@h,redis://u:s@i'", "'redis://…@i'"),
        ("unix:///r.sock?db=1&password=secret", "unix:///r.sock?db=1&password=…"),
        ("'redis://h?username=u&password=s&db=1'", "'redis://h?username=…&password=…&db=1'"),
    ],
)
def test_passwords_are_not_shown(text: str, shown: str) -> None:
    assert without_password(text) == shown


@pytest.mark.parametrize("workers", [2, "auto"])
@pytest.mark.parametrize("layer", [None, [], ()])
def test_several_workers_need_a_layer(workers: object, layer: object) -> None:
    [(number, message, hint)] = problems({"workers": workers, "layer": layer})
    assert number == "E020"
    assert message.startswith(f"TORNADO['workers'] is {workers!r}, and no layer")
    assert "TORNADO['layer'] = 'redis://" in hint
    assert [each[0] for each in problems({"workers": workers})] == ["E020"]


@pytest.mark.parametrize(
    "tornado",
    [
        {},
        {"workers": 1},
        {"layer": URL},
        {"layer": URL, "workers": 4},
        {"layer": [URL], "workers": "auto"},
        {"layer": "shop.layers.Own", "workers": 4},
    ],
)
def test_what_goes_together_is_no_problem(tornado: dict[str, object]) -> None:
    pytest.importorskip("redis")
    assert list(problems(tornado)) == []


@pytest.mark.parametrize("tornado", [{"workers": 0}, {"workers": 4, "layer": "redis"}])
def test_values_that_are_none_are_told_elsewhere(tornado: dict[str, object]) -> None:
    assert list(problems(tornado)) == []


def test_a_url_needs_the_package_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    finders = [finder for finder in sys.meta_path if not hasattr(finder, "path_importer_cache")]
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "meta_path", finders)
    monkeypatch.delitem(sys.modules, "redis", raising=False)
    monkeypatch.setattr(sys, "path_hooks", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    for layer in (URL, [URL]):
        [(number, message, hint)] = problems({"layer": layer})
        assert number == "E021"
        assert "the package redis is not installed" in message
        assert "pip install" in hint
    assert list(problems({"layer": "shop.layers.Own"})) == []

"""Which layer the settings ask for."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from tornado_websockets.layers import Audience, LocalLayer, audience, layer
from tornado_websockets.layers.choice import choose

HERE = __name__


class Own(LocalLayer):
    """A layer of a project."""


NO_LAYER = object()


def test_without_a_setting_it_is_that_of_one_process() -> None:
    assert type(choose((), Audience())) is LocalLayer


def test_a_dotted_path_names_a_layer_of_the_project() -> None:
    here = Audience()
    found = choose((f"{LocalLayer.__module__}.LocalLayer",), here)
    assert type(found) is LocalLayer
    assert found.audience is here


def test_a_url_names_a_server_that_is_not_asked_yet() -> None:
    found = choose(("redis://127.0.0.1:1/0",), Audience())
    assert type(found).__name__ == "RedisLayer"
    assert found.is_shared


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("nowhere.Layer", r"TORNADO\['layer'\] cannot be imported: No module named 'nowhere'"),
        ("tornado_websockets.layers.Nothing", "cannot be imported"),
        ("tornado_websockets.layers.Audience", "must name a subclass of .*Layer, got <class"),
        ("tornado_websockets.layers.layer", "must name a subclass of"),
    ],
)
def test_what_is_no_layer_is_refused_with_what_came(spec: str, message: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=message):
        choose((spec,), Audience())


def test_a_process_has_one_layer_until_its_settings_change(settings: Any) -> None:
    first = layer()
    assert layer() is first
    assert first.audience is audience
    with override_settings(TORNADO={"layer": "tornado_websockets.layers.LocalLayer"}):
        assert layer() is not first
        assert layer() is layer()
    with override_settings(TIME_ZONE="UTC"):
        assert layer() is layer()

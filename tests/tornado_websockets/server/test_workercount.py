"""How many workers there are to be, and which wishes do not go together."""

from __future__ import annotations

import argparse
import os

import pytest
from django.core.management.base import CommandError
from django.test import override_settings

from tornado_websockets import process
from tornado_websockets.server.workercount import parse_workers, worker_count

LAYER = "shop.layers.Own"


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("12", 12), ("auto", "auto")])
def test_the_argument_is_a_number_or_auto(text: str, value: int | str) -> None:
    assert parse_workers(text) == value


@pytest.mark.parametrize("text", ["0", "-1", "", "four", "1.5", "٣", "AUTO"])
def test_another_argument_is_an_error(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="an integer of at least 1, or auto"):
        parse_workers(text)


def test_the_command_line_goes_before_the_settings() -> None:
    assert worker_count(None, reload=None) == 1
    with override_settings(TORNADO={"layer": LAYER, "workers": 3}):
        assert worker_count(None, reload=None) == 3
        assert worker_count(2, reload=None) == 2
        assert worker_count(1, reload=True) == 1
        assert worker_count("auto", reload=None) == process.cores()


def test_several_need_a_layer_also_on_the_command_line() -> None:
    for wanted in (2, "auto"):
        with pytest.raises(CommandError, match=r"no layer connects .* Set TORNADO\['layer'\] = "):
            worker_count(wanted, reload=None)
    assert worker_count(1, reload=None) == 1


def test_several_do_not_go_with_the_reloader_that_was_asked_for() -> None:
    with override_settings(TORNADO={"layer": LAYER, "workers": 3}):
        with pytest.raises(CommandError, match=r"--workers 2 does not go with the auto-reloader"):
            worker_count(2, reload=True)
        with pytest.raises(CommandError, match=r"TORNADO\['workers'\] = 3 does not go .* --reload"):
            worker_count(None, reload=True)
        assert worker_count(2, reload=False) == 2


def test_windows_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "name", "nt")
    with override_settings(TORNADO={"layer": LAYER}):
        with pytest.raises(CommandError, match="which Windows does not have: say --workers 1"):
            worker_count(2, reload=None)
        assert worker_count(1, reload=None) == 1


def test_mistakes_in_the_settings_are_told_by_whoever_starts() -> None:
    with override_settings(TORNADO={"port": "80a", "workers": 4}):
        assert worker_count(None, reload=None) == 1
        assert worker_count(4, reload=None) == 1

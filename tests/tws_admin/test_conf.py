"""The settings, with their defaults."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from tws_admin import conf

TOKEN = "correct-horse-battery-staple"


def test_everything_has_a_default() -> None:
    assert conf.get() == conf.Config(read_only=False, metrics_path=None, metrics_token=None)


def test_a_change_in_a_test_is_seen_and_forgotten_again() -> None:
    with override_settings(TWS_ADMIN={"read_only": True, "metrics_token": TOKEN}):
        assert conf.get() == conf.Config(read_only=True, metrics_token=TOKEN)
    assert conf.get() == conf.Config()


def test_an_unknown_key_does_nothing() -> None:
    with override_settings(TWS_ADMIN={"colour": "red"}):
        assert conf.get() == conf.Config()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "TWS_ADMIN must be a dictionary, got None."),
        ({"read_only": "yes"}, r"TWS_ADMIN\['read_only'\] must be True or False, got 'yes'."),
    ],
)
def test_what_is_unusable_is_said(given: Any, message: str) -> None:
    with override_settings(TWS_ADMIN=given), pytest.raises(ImproperlyConfigured, match=message):
        conf.get()

"""Mistakes in the settings are system checks."""

from __future__ import annotations

import pytest
from django.core.checks import Error, Warning, run_checks
from django.test import override_settings

# Others of Django's checks ask the database what it can do.
pytestmark = pytest.mark.django_db


def test_a_mistake_is_an_error_with_id_and_hint() -> None:
    with override_settings(TORNADO={"port": "80a", "prot": 1}):
        messages = [m for m in run_checks() if m.id and m.id.startswith("tornado_websockets.")]
    error, warning = messages
    assert isinstance(error, Error)
    assert (error.id, error.hint is not None) == ("tornado_websockets.E002", True)
    assert "got '80a' (str)" in error.msg
    assert isinstance(warning, Warning)
    assert (warning.id, warning.hint) == ("tornado_websockets.W001", "Did you mean 'port'?")


def test_good_settings_are_silent() -> None:
    assert not [m for m in run_checks() if m.id and m.id.startswith("tornado_websockets.")]

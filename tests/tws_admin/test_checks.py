"""The system checks of the monitor, as Django runs them."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from django.core import checks
from django.core.checks import CheckMessage
from django.test import modify_settings, override_settings

from tws_admin.checks import check_apps, missing_apps


def reported() -> list[CheckMessage]:
    return [each for each in checks.run_checks() if str(each.id).startswith("tws_admin.")]


def ids(**settings: Any) -> list[Any]:
    with override_settings(**settings):
        return [each.id for each in reported()]


def test_nothing_is_reported_of_good_settings() -> None:
    assert ids() == []
    assert ids(TWS_ADMIN={"metrics_path": "/metrics"}) == []


def test_mistakes_are_reported_with_a_hint() -> None:
    with override_settings(TWS_ADMIN={"read_only": "no", "metrics": "/metrics"}):
        found = reported()
    assert [(each.id, each.level) for each in found] == [
        ("tws_admin.E002", checks.ERROR),
        ("tws_admin.W001", checks.WARNING),
    ]
    assert all(each.hint for each in found)


def test_metrics_without_prometheus_client_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)  # as if it was not installed
    assert ids() == []
    assert ids(TWS_ADMIN={"metrics_path": None}) == []
    assert ids(TWS_ADMIN=None) == ["tws_admin.E001"]
    with override_settings(TWS_ADMIN={"metrics_path": "/metrics"}):
        [found] = reported()
    assert (found.id, found.level) == ("tws_admin.W002", checks.WARNING)
    assert 'pip install "django-tornado-websockets[prometheus]"' in str(found.hint)


@pytest.mark.parametrize("name", ["tornado_websockets", "django.contrib.admin"])
def test_an_app_that_is_needed_and_not_installed_is_an_error(name: str) -> None:
    with modify_settings(INSTALLED_APPS={"remove": name}):
        [found] = check_apps()
    assert found.id == "tws_admin.E010"
    assert found.msg == f"The monitor needs {name!r} in INSTALLED_APPS, which is not there."
    assert found.hint == f"Add {name!r} to INSTALLED_APPS, or take 'tws_admin' out."


def test_with_the_apps_that_are_needed_all_is_well() -> None:
    assert check_apps() == []
    assert missing_apps() == []

"""The system checks of the monitor, as Django runs them."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.sites import all_sites
from django.contrib.auth.models import Group
from django.core import checks
from django.core.checks import CheckMessage
from django.test import modify_settings, override_settings

from tws_admin import progress_action
from tws_admin.checks import check_apps, check_engines, missing_apps

# Fields of JSON are checked by asking the database.
pytestmark = pytest.mark.django_db


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


def test_the_engine_of_the_settings_is_looked_at() -> None:
    """Nothing is set up for the tasks of Django here, which then are done at once."""
    assert ids(TWS_ADMIN={"engine": "thread"}) == []
    with override_settings(TWS_ADMIN={"engine": "django"}):
        [found] = check_engines()
    assert (found.id, found.level) == ("tws_admin.W003", checks.WARNING)
    assert "block the request" in found.msg


def test_the_engine_of_an_action_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if Celery was not installed, which one action asks for."""

    class GroupAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
        actions = ["greet"]

        @progress_action(engine="celery")
        def greet(self, task: Any, queryset: Any) -> None: ...

    monkeypatch.setitem(sys.modules, "celery", None)
    assert check_engines() == []
    site = admin.AdminSite("another")
    site.register(Group, GroupAdmin)
    try:
        [found] = check_engines()
    finally:
        all_sites.discard(site)
    assert (found.id, found.level) == ("tws_admin.E011", checks.ERROR)
    assert "[tasks]" in str(found.hint)


def test_an_engine_that_is_none_is_told_of_once() -> None:
    assert ids(TWS_ADMIN={"engine": "carrier pigeons"}) == ["tws_admin.E005"]
    assert ids(TWS_ADMIN={"engine": ["celery"]}) == ["tws_admin.E005"]

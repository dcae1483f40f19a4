"""The model without a table: what Django does with it, and the permissions that it brings."""

from __future__ import annotations

import io
import json

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import connection
from django.utils import translation

from tornado_websockets.models import Dashboard

pytestmark = pytest.mark.django_db

PERMISSIONS = {
    "view_dashboard",
    "close_connections",
    "send_event",
    "view_metrics",
    "view_payloads",
}


def test_migrate_makes_the_permissions_and_no_table() -> None:
    found = Permission.objects.filter(content_type__app_label="tornado_websockets")
    assert set(found.values_list("codename", flat=True)) == PERMISSIONS
    assert set(found.values_list("content_type__model", flat=True)) == {"dashboard"}
    assert Dashboard._meta.db_table not in connection.introspection.table_names()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_no_migration_is_missing_in_any_language(language: str) -> None:
    with translation.override(language):
        call_command("makemigrations", "--check", "--dry-run", "tornado_websockets", verbosity=0)


@pytest.mark.parametrize("arguments", [[], ["--all"]])
@pytest.mark.parametrize("labels", [["tornado_websockets"], ["tornado_websockets.Dashboard"]])
def test_dumpdata_finds_no_rows(labels: list[str], arguments: list[str]) -> None:
    output = io.StringIO()
    call_command("dumpdata", *labels, *arguments, stdout=output)
    assert json.loads(output.getvalue()) == []


def test_dumpdata_of_everything_goes_through() -> None:
    output = io.StringIO()
    call_command("dumpdata", stdout=output)
    models = {row["model"] for row in json.loads(output.getvalue())}
    assert "auth.permission" in models
    assert "tornado_websockets.dashboard" not in models


def test_queries_find_nothing_and_ask_no_table() -> None:
    assert list(Dashboard.objects.all()) == []
    assert Dashboard.objects.filter(pk=1).first() is None
    assert Dashboard._base_manager.count() == 0
    assert not Dashboard._default_manager.exists()


def test_a_permission_can_be_given_to_a_user() -> None:
    user = User.objects.create_user("ann")
    user.user_permissions.add(Permission.objects.get(codename="view_metrics"))
    assert user.has_perm("tornado_websockets.view_metrics")
    assert not user.has_perm("tornado_websockets.view_dashboard")


def test_its_name_is_for_people() -> None:
    assert str(Dashboard()) == str(Dashboard._meta.verbose_name_plural) == "live monitor"

"""Who may watch, and who may do what."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.test import override_settings

from tws_admin.permissions import (
    ABILITIES,
    TASKS,
    VIEW,
    abilities,
    may_watch,
    may_watch_feed,
    sees_tasks,
)

pytestmark = pytest.mark.django_db


def user(*permissions: str, **fields: Any) -> Any:
    made = User.objects.create_user("ann", **fields)
    codenames = [permission.partition(".")[2] for permission in permissions]
    made.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return User.objects.get(pk=made.pk)


@pytest.mark.parametrize(
    ("permissions", "fields", "expected"),
    [
        ([], {}, False),
        ([], {"is_staff": True}, False),
        ([VIEW], {}, False),
        ([VIEW], {"is_staff": True}, True),
        ([VIEW], {"is_staff": True, "is_active": False}, False),
        ([], {"is_superuser": True}, False),
        ([], {"is_staff": True, "is_superuser": True}, True),
        ([*ABILITIES.values()], {"is_staff": True}, False),
    ],
)
def test_staff_with_the_permission_may_watch(
    permissions: list[str], fields: dict[str, Any], expected: bool
) -> None:
    assert may_watch(user(*permissions, **fields)) is expected


def test_nobody_may_not() -> None:
    assert may_watch(AnonymousUser()) is False
    assert abilities(AnonymousUser()) == []


def test_a_user_model_that_knows_no_staff_has_nobody_who_may() -> None:
    everything = SimpleNamespace(is_active=True, has_perm=lambda _permission: True)
    assert may_watch(everything) is False


@pytest.mark.parametrize(("ability", "permission"), ABILITIES.items())
def test_each_ability_has_a_permission_of_its_own(ability: str, permission: str) -> None:
    assert abilities(user(VIEW, permission, is_staff=True)) == [ability]


def test_a_monitor_that_is_read_only_lets_nobody_change_anything() -> None:
    superuser = user(is_superuser=True)
    assert abilities(superuser) == ["disconnect", "send", "inspect", "tasks"]
    with override_settings(TWS_ADMIN={"read_only": True}):
        assert abilities(superuser) == ["inspect", "tasks"]


@pytest.mark.parametrize(
    ("permissions", "fields", "watches", "sees"),
    [
        ([VIEW], {"is_staff": True}, True, False),
        ([VIEW, TASKS], {"is_staff": True}, True, True),
        ([TASKS], {"is_staff": True}, False, False),
        ([VIEW, TASKS], {}, False, False),
    ],
)
def test_progress_tasks_are_for_those_who_may_see_them(
    permissions: list[str], fields: dict[str, Any], watches: bool, sees: bool
) -> None:
    """What is known of a user who has not been asked for is nothing."""
    ann = user(*permissions, **fields)
    assert not sees_tasks(ann)
    assert may_watch_feed(ann) is watches
    assert sees_tasks(ann) is sees

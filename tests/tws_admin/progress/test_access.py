"""Who may see a run, and do what with it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User

from tests.tws_admin.operators import permit
from tws_admin.models import ProgressTask
from tws_admin.progress.access import attends, may_change, may_view, may_view_all

pytestmark = pytest.mark.django_db


def user(name: str, *codenames: str, **fields: Any) -> User:
    made = User.objects.create_user(name, **{"is_staff": True, **fields})
    permit(made, *codenames)
    return made


# Who: (attends, sees the run, sees all, may change the run).
MATRIX = {
    "owner": (True, True, False, True),
    "owner who is no staff any more": (False, False, False, False),
    "owner who is not active any more": (False, False, False, False),
    "staff": (True, False, False, False),
    "staff with view_progresstask": (True, True, True, False),
    "staff with change_progresstask": (True, False, False, True),
    "superuser": (True, True, True, True),
    "superuser who is no staff": (False, False, False, False),
    "anonymous": (False, False, False, False),
}


def visitor(who: str, owner: User) -> Any:
    if who.startswith("owner"):
        owner.is_staff = not who.endswith("no staff any more")
        owner.is_active = not who.endswith("not active any more")
        return owner
    others: dict[str, Any] = {
        "staff": lambda: user("sam"),
        "staff with view_progresstask": lambda: user("vera", "view_progresstask"),
        "staff with change_progresstask": lambda: user("carl", "change_progresstask"),
        "superuser": lambda: user("root", is_superuser=True),
        "superuser who is no staff": lambda: user("root", is_superuser=True, is_staff=False),
        "anonymous": AnonymousUser,
    }
    return others[who]()


@pytest.mark.parametrize("who", MATRIX)
def test_who_may_what(who: str) -> None:
    owner = user("olga")
    run = ProgressTask.objects.create(user=owner, site="admin", model="a.B", action="c")
    someone = visitor(who, owner)
    found = (
        attends(someone),
        may_view(someone, run),
        may_view_all(someone),
        may_change(someone, run),
    )
    assert found == MATRIX[who]


def test_a_run_of_nobody_is_nobodys() -> None:
    run = ProgressTask.objects.create(site="admin", model="a.B", action="c")
    assert not may_view(user("sam"), run)
    assert not may_view(AnonymousUser(), run)

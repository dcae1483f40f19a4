"""Whose sessions are, and who has a permission."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser, Group, User
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from tests.tornado_websockets.visitors import logged_in, make_user, may_change_users
from tornado_websockets.auth import accounts

pytestmark = pytest.mark.django_db

OURS = "tests.tornado_websockets.auth.test_accounts"


class Single(ModelBackend):
    """A backend of the project, which knows of users in its own way."""

    asked: list[Any] = []

    def get_user(self, user_id: Any) -> Any:
        Single.asked.append(user_id)
        return super().get_user(user_id)

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return bool(user_obj.get_username() == "ann")


def key_of(user: User) -> str:
    return logged_in(user).session.session_key or ""


def changed(key: str, **values: Any) -> str:
    store = SessionStore(key)
    store.update({f"_auth_user_{name}": value for name, value in values.items()})
    for name, value in values.items():
        if value is None:
            del store[f"_auth_user_{name}"]
    store.save()
    return key


def test_a_session_is_its_users() -> None:
    ann, bob = make_user("ann"), make_user("bob")
    keys = [key_of(ann), key_of(bob), key_of(ann), "x" * 32]
    assert accounts.users(keys) == {keys[0]: ann, keys[1]: bob, keys[2]: ann}
    assert accounts.load(keys[1]) == bob


def test_a_session_of_nobody_is_nobodys() -> None:
    store = SessionStore()
    store["cart"] = 1
    store.save()
    assert store.session_key
    for key in ("", "x" * 32, store.session_key):
        assert isinstance(accounts.load(key), AnonymousUser)


def test_nobody_is_looked_up_without_a_session() -> None:
    with CaptureQueriesContext(connection) as queries:
        accounts.load("")
    assert len(queries) == 0


@pytest.mark.parametrize(
    "values",
    [
        {"id": "999999"},
        {"id": "no number"},
        {"id": None},
        {"hash": "wrong"},
        {"hash": ""},
        {"hash": None},
        {"backend": "tests.no_backend"},
        {"backend": f"{OURS}.Single"},  # one that the project does not have any more
        {"backend": None},
    ],
)
def test_a_session_that_does_not_fit_its_user_is_nobodys(values: dict[str, Any]) -> None:
    key = changed(key_of(make_user()), **values)
    before = dict(SessionStore(key).items())
    assert isinstance(accounts.load(key), AnonymousUser)
    assert dict(SessionStore(key).items()) == before  # nothing is written


def test_an_inactive_user_is_nobody_unless_the_project_says_otherwise() -> None:
    ann = make_user()
    key = key_of(ann)
    User.objects.update(is_active=False)
    assert isinstance(accounts.load(key), AnonymousUser)
    backend = "django.contrib.auth.backends.AllowAllUsersModelBackend"
    with override_settings(AUTHENTICATION_BACKENDS=[backend]):
        assert accounts.load(key_of(User.objects.get())) == ann


def test_a_backend_of_the_project_is_asked_for_each_user_once() -> None:
    with override_settings(AUTHENTICATION_BACKENDS=[f"{OURS}.Single"]):
        ann, bob = make_user("ann"), make_user("bob")
        keys = [key_of(ann), key_of(bob), key_of(ann)]
        Single.asked.clear()
        assert len(accounts.users(keys)) == 3
    assert sorted(Single.asked) == [ann.pk, bob.pk]


def test_holders_of_a_permission_take_one_query() -> None:
    direct, member, root, none, gone = [
        make_user(name) for name in ("direct", "member", "root", "none", "gone")
    ]
    permission = may_change_users(direct)
    group = Group.objects.create(name="staff")
    group.permissions.add(permission)
    member.groups.add(group)
    User.objects.filter(pk=root.pk).update(is_superuser=True)
    User.objects.filter(pk=gone.pk).update(is_superuser=True, is_active=False)
    users = User.objects.exclude(pk=member.pk).in_bulk()
    with CaptureQueriesContext(connection) as queries:
        holders = accounts.holders("auth.change_user", users)
    assert holders == {direct.pk, root.pk}  # of those that were asked for
    assert len(queries) == 1
    assert accounts.holders("auth.change_user", User.objects.in_bulk()) == {
        user.pk for user in User.objects.all() if user.has_perm("auth.change_user")
    }
    assert accounts.holders("auth.no_such", {none.pk: none}) == set()


def test_holders_are_whom_the_backends_of_the_project_say() -> None:
    users = {user.pk: user for user in (make_user("ann"), make_user("bob"))}
    with override_settings(AUTHENTICATION_BACKENDS=[f"{OURS}.Single"]):
        holders = accounts.holders("anything.at_all", users)
    assert [users[pk].get_username() for pk in holders] == ["ann"]
    both = ["django.contrib.auth.backends.ModelBackend", f"{OURS}.Single"]
    with override_settings(AUTHENTICATION_BACKENDS=both):
        assert accounts.holders("anything.at_all", users) == holders
    assert accounts.holders("anything.at.all", users) == set()


def test_a_user_is_described_on_one_short_line() -> None:
    assert accounts.describe(AnonymousUser()) == "an anonymous user"
    user = User(pk=7, username="ann\n\x1b[31m" + "x" * 150)
    described = accounts.describe(user)
    assert described.startswith("user '7', 'ann\\n\\x1b[31mxxx")
    assert described.isprintable()
    assert len(described) < 150

"""Whose a session is, and what that user may do, as Django's authentication has it.

Everything here blocks and is to be called in a thread.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any, Final

from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user_model,
    load_backend,
)
from django.core.exceptions import ValidationError
from django.utils.crypto import constant_time_compare

from tornado_websockets import conf
from tornado_websockets.auth import sessions

__all__ = ["anonymous", "describe", "holders", "load", "name", "users"]

MAX_NAME_LENGTH: Final = 100
"""Characters of a user's name that are logged."""


def anonymous() -> Any:
    """Return Django's ``AnonymousUser``."""
    # A model: its module can be imported when the apps are loaded.
    from django.contrib.auth.models import AnonymousUser

    return AnonymousUser()


def load(key: str) -> Any:
    """Return the user of a session, ``AnonymousUser`` when there is none."""
    return users([key] if key else []).get(key) or anonymous()


def users(keys: Collection[str]) -> dict[str, Any]:
    """Return the users of sessions, by session key; one that is nobody's, or ended, is absent.

    It takes one query for all users, besides what `sessions.read` takes, unless a backend of the
    project loads users in its own way. Nothing is written: a session made with an older secret key
    counts, and is left to be renewed by the next request, which can set the new cookie.
    """
    found = sessions.read(keys)
    wanted: dict[str, dict[str, Any]] = defaultdict(dict)
    for key, session in found.items():
        pk = _pk(session)
        if pk is not None:
            wanted[session[BACKEND_SESSION_KEY]][key] = pk
    result = {}
    for path, pks in wanted.items():
        by_pk = _load_users(load_backend(path), set(pks.values()))
        for key, pk in pks.items():
            user = by_pk.get(pk)
            if user is not None and _is_verified(found[key], user):
                result[key] = user
    return result


def describe(user: Any) -> str:
    """Return what a log shows of a user."""
    if not user.is_authenticated:
        return "an anonymous user"
    return f"user {str(user.pk)[:MAX_NAME_LENGTH]!r}, {user.get_username()[:MAX_NAME_LENGTH]!r}"


def name(user: Any) -> str:
    """Return the name of a user, ``?`` when the project's user model has none."""
    try:
        return str(user.get_username())
    except Exception:  # noqa: BLE001  of a user model of the project
        return "?"


def holders(permission: str, users: Mapping[Any, Any]) -> set[Any]:
    """Return the keys of those users who have a permission, with one query where that can be.

    Args:
        permission: its name.
        users: users by primary key.
    """
    # They import and are models, see anonymous().
    from django.contrib.auth.backends import ModelBackend
    from django.contrib.auth.models import PermissionsMixin

    paths = conf.authentication_backends()
    backend = load_backend(paths[0]) if len(paths) == 1 else None
    is_of_django = getattr(get_user_model(), "has_perm", None) is PermissionsMixin.has_perm
    if type(backend) is ModelBackend and is_of_django and permission.count(".") == 1:
        found = backend.with_perm(permission).filter(pk__in=users)
        return set(found.values_list("pk", flat=True))
    return {pk for pk, user in users.items() if user.has_perm(permission)}


def _pk(session: Mapping[str, Any]) -> Any:
    """Return the primary key of a session's user, None when it has no user."""
    if session.get(BACKEND_SESSION_KEY) not in conf.authentication_backends():
        return None
    try:
        return get_user_model()._meta.pk.to_python(session[SESSION_KEY])
    except (KeyError, ValidationError):
        return None


def _load_users(backend: Any, pks: Collection[Any]) -> dict[Any, Any]:
    # Imports a model, see anonymous().
    from django.contrib.auth.backends import ModelBackend

    if getattr(type(backend), "get_user", None) is not ModelBackend.get_user:
        return {pk: backend.get_user(pk) for pk in pks}
    found = get_user_model()._default_manager.in_bulk(pks)
    return {pk: user for pk, user in found.items() if backend.user_can_authenticate(user)}


def _is_verified(session: Mapping[str, Any], user: Any) -> bool:
    """Return whether the user still has the password that the session was made with."""
    if not hasattr(user, "get_session_auth_hash"):
        return True
    known = str(session.get(HASH_SESSION_KEY, ""))
    return bool(known) and (
        constant_time_compare(known, user.get_session_auth_hash())
        or any(constant_time_compare(known, old) for old in user.get_session_auth_fallback_hash())
    )

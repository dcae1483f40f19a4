"""Users of the project, and their sessions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.torture.project import manage

__all__ = ["COOKIE", "PERMISSION", "cookie", "execute", "make_users"]

COOKIE: Final = "sessionid"
PERMISSION: Final = "auth.change_user"

MAKE: Final = """
import importlib, json
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Permission, User
from django.core.management import call_command

call_command("migrate", verbosity=0)
allowed = Permission.objects.get(codename="change_user")
store, keys = importlib.import_module(settings.SESSION_ENGINE).SessionStore, {{}}
for name, is_allowed in {users!r}.items():
    user = User.objects.create_user(name, password="secret")
    user.user_permissions.set([allowed] if is_allowed else [])
    session = store()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    keys[name] = session.session_key
print(json.dumps(keys))
"""


def make_users(
    folder: Path, users: Mapping[str, bool], *, environment: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Make the database with users, each with a session, and return their session keys.

    Args:
        users: by name, whether they have `PERMISSION`.
    """
    output = execute(folder, MAKE.format(users=dict(users)), environment=environment)
    keys: dict[str, str] = json.loads(output.splitlines()[-1])
    return keys


def execute(folder: Path, code: str, *, environment: Mapping[str, str] | None = None) -> str:
    """Run Python in a process of the project beside the server, and return what it prints."""
    return manage(folder, "shell", "-v", "0", "-c", code, environment=environment)


def cookie(key: str) -> tuple[str, str]:
    """Return the header with a session's cookie."""
    return "Cookie", f"{COOKIE}={key}"

"""Users who are logged in, for tests."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.backends import file
from django.test import Client, override_settings

from tests.rawclient import connect
from tornado_websockets.auth.watch import watch
from tornado_websockets.testing import Server

ENGINES = ["db", "cached_db", "cache", "file", "signed_cookies"]


def engine(name: str, folder: Path) -> Any:
    """Keep sessions in one of Django's ways, for a while."""
    if "_storage_path" in vars(file.SessionStore):  # it keeps the first folder that it is given
        del file.SessionStore._storage_path  # type: ignore[attr-defined]
    return override_settings(
        SESSION_ENGINE=f"django.contrib.sessions.backends.{name}",
        SESSION_FILE_PATH=str(folder),
        SESSION_COOKIE_NAME="our_session",
    )


def make_user(name: str = "ann", **fields: Any) -> User:
    return User.objects.create_user(name, password="secret", **fields)


def may_change_users(user: User) -> Permission:
    permission = Permission.objects.get(codename="change_user")
    user.user_permissions.add(permission)
    return permission


def logged_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


async def visitor(name: str = "ann", **fields: Any) -> tuple[User, Client]:
    """Return a new user and the browser in which that user is logged in."""
    user = await sync_to_async(make_user)(name, **fields)
    return user, await sync_to_async(logged_in)(user)


async def status(server: Server, path: str, **headers: Any) -> int:
    """Return the HTTP status that a handshake is answered with."""
    async with connect(server.port, path, tls=False, **headers) as client:
        return int(client.head.split()[1])


async def until_watched(count: int) -> None:
    async with asyncio.timeout(10):
        while len(watch) != count:
            await asyncio.sleep(0.01)

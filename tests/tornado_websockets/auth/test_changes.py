"""What this process itself changes is noticed at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.db import transaction
from django.test import Client as Browser
from django.test import RequestFactory, override_settings
from django.utils import timezone
from tornado.httpclient import HTTPClientError

from tests.tornado_websockets.visitors import visitor
from tornado_websockets.auth.watch import watch
from tornado_websockets.testing import Client, Server
from tornado_websockets.websocket import WebSocket

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def never() -> Iterator[None]:
    """Have nothing checked by the clock."""
    with override_settings(TORNADO={"recheck_period": 1000}):
        yield


@sync_to_async
def in_a_view(change: Callable[..., Any], *args: Any) -> None:
    change(*args)


def permit_by_group(user: User) -> Permission:
    group = Group.objects.create(name="staff")
    permission = Permission.objects.get(codename="change_user")
    group.permissions.add(permission)
    user.groups.add(group)
    return permission


def save_password(user: User, browser: Browser) -> None:
    user.set_password("another")
    user.save()


def save_inactive(user: User, browser: Browser) -> None:
    user.is_active = False
    user.save(update_fields=["is_active"])


def change_own_password(user: User, browser: Browser) -> None:
    request = RequestFactory().post("/")
    request.user, request.session = user, browser.session
    save_password(user, browser)
    update_session_auth_hash(request, user)


def expire(user: User, browser: Browser) -> None:
    session = browser.session
    session.set_expiry(timezone.now() + timedelta(seconds=1))
    session.save()


def delete_permission(user: User, browser: Browser) -> None:
    Permission.objects.get(codename="change_user").delete()


CHANGES: dict[str, Callable[[User, Browser], Any]] = {
    "logout": lambda user, browser: browser.logout(),
    "flush": lambda user, browser: browser.session.flush(),
    "session deleted": lambda user, browser: Session.objects.all().delete(),
    "session expires soon": expire,
    "password": save_password,
    "own password": change_own_password,
    "deactivated": save_inactive,
    "deleted": lambda user, browser: User.objects.filter(pk=user.pk).delete(),
    "group left": lambda user, browser: user.groups.clear(),
    "group deleted": lambda user, browser: Group.objects.all().delete(),
    "permission of the group": lambda user, browser: Group.objects.get().permissions.clear(),
    "permission deleted": delete_permission,
}


@pytest.mark.parametrize("change", list(CHANGES))
async def test_it_ends_the_connections_of_the_user(change: str, server: Server) -> None:
    ws = WebSocket("/mine", permission="auth.change_user")
    user, browser = await visitor("ann")
    await in_a_view(permit_by_group, user)
    client = await server.connect("/mine", client=browser)
    _other, others = await visitor("bob", is_superuser=True)
    await server.connect("/mine", client=others)
    await in_a_view(CHANGES[change], user, browser)
    assert await client.closed() == 4501
    if change != "session deleted":
        async with asyncio.timeout(10):
            while len(ws) > 1:
                await asyncio.sleep(0.01)
        assert [socket.user.get_username() for socket in ws] == ["bob"]
    if change != "own password":
        with pytest.raises(HTTPClientError):
            await server.connect("/mine", client=browser)


def rename(user: User, browser: Browser) -> None:
    user.first_name = "Ann"
    user.save()


def log_in_elsewhere(user: User, browser: Browser) -> None:
    Browser().force_login(user)


def roll_back(user: User, browser: Browser) -> None:
    with transaction.atomic():
        save_inactive(user, browser)
        Session.objects.all().delete()
        transaction.set_rollback(True)


def save_session(user: User, browser: Browser) -> None:
    session = browser.session
    session["cart"] = [1, 2]
    session.save()


HARMLESS: list[Callable[[User, Browser], Any]] = [
    rename,
    log_in_elsewhere,
    roll_back,
    save_session,
    lambda user, browser: User.objects.create_user("carl").delete(),
]


@pytest.mark.parametrize("change", HARMLESS)
async def test_what_ends_nothing_leaves_the_connections_alone(change: Any, server: Server) -> None:
    ws = WebSocket("/mine", permission="auth.change_user")

    @ws.on
    async def message(socket: Any) -> None:
        socket.emit("message")

    user, browser = await visitor("ann")
    await in_a_view(permit_by_group, user)
    client = await server.connect("/mine", client=browser)
    await in_a_view(change, user, browser)
    await watch.check(list(watch))
    client.emit("message")
    assert (await client.receive()).event == "message"


async def test_the_commit_of_a_change_is_awaited(server: Server) -> None:
    ws = WebSocket("/mine", login_required=True)
    user, browser = await visitor("ann")
    client: Client = await server.connect("/mine", client=browser)

    def in_a_transaction() -> int:
        with transaction.atomic():
            save_inactive(user, browser)
            asyncio.run_coroutine_threadsafe(watch.check(list(watch)), loop).result(10)
            return len(ws)

    loop = asyncio.get_running_loop()
    assert await sync_to_async(in_a_transaction)() == 1
    assert await client.closed() == 4501


async def test_many_changes_are_looked_at_together(server: Server) -> None:
    ws = WebSocket("/mine", login_required=True)
    user, browser = await visitor("ann")
    await server.connect("/mine", client=browser)
    users = []
    renew = ws[0].renew_user

    def note(user: Any) -> None:
        users.append(user.first_name)
        renew(user)

    ws[0].renew_user = note  # type: ignore[method-assign]

    def save_often() -> None:
        for number in range(20):
            user.first_name = str(number)
            user.save()

    await in_a_view(save_often)
    async with asyncio.timeout(10):
        while users[-1:] != ["19"]:
            await asyncio.sleep(0.01)
    assert len(users) < 20


def test_a_process_without_a_server_does_nothing() -> None:
    User.objects.create_user("ann").delete()
    Session.objects.all().delete()
    assert len(watch) == 0

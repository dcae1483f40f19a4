"""What this process itself changes is noticed at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.core.signals import request_started
from django.db import transaction
from django.db.models.signals import post_delete
from django.test import Client as Browser
from django.test import RequestFactory, override_settings
from django.utils import timezone
from tornado.httpclient import HTTPClientError

from tests.tornado_websockets.visitors import logged_in, make_user, visitor
from tornado_websockets.auth import changes
from tornado_websockets.auth.sessions import digest
from tornado_websockets.auth.watch import watch
from tornado_websockets.layers import LocalLayer, layer
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


class Telling(LocalLayer):
    """A shared layer that notes what the other nodes would be told."""

    is_shared = True
    told: ClassVar[list[tuple[str, Mapping[str, Any]]]] = []

    def tell(self, topic: str, data: Mapping[str, Any]) -> None:
        self.told.append((topic, data))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Have a shared layer, in a process without a server."""
    told: list[Any] = []
    monkeypatch.setattr(Telling, "told", told)
    with override_settings(TORNADO={"layer": f"{__name__}.Telling"}):
        changes.listen()
        yield told


def ended(key: str | None) -> tuple[str, Mapping[str, Any]]:
    assert key
    return "session_ended", {"digest": digest(key)}


def changed(user: User) -> tuple[str, Mapping[str, Any]]:
    return "user_changed", {"user": str(user.pk)}


PERMISSIONS: Any = ("permissions_changed", {})


def test_other_nodes_are_told_of_users_who_are_not_here(told: list[Any]) -> None:
    ann = make_user()
    browser = logged_in(ann)
    permission = permit_by_group(ann)
    assert told == [PERMISSIONS, changed(ann)]  # the group got a permission, she the group
    told.clear()
    ann.first_name = "Ann"
    ann.save()
    ann.user_permissions.add(permission)
    permission.user_set.clear()
    assert told == [changed(ann), changed(ann), PERMISSIONS]
    told.clear()
    key = browser.session.session_key
    browser.logout()
    assert told[0] == ended(key)
    assert str(key) not in str(told)
    told.clear()
    gone = changed(ann)
    ann.delete()
    assert gone in told


def test_other_nodes_are_told_of_sessions_after_the_commit(told: list[Any]) -> None:
    browser, other = logged_in(make_user("ann")), logged_in(make_user("bob"))
    key = browser.session.session_key
    with transaction.atomic():
        Session.objects.get(session_key=key).delete()
        assert told == []
    assert told == [ended(key)]
    told.clear()
    with transaction.atomic():
        other.session.flush()
        transaction.set_rollback(True)
    assert told == []
    session = other.session
    session.set_expiry(20)
    session.save()
    [(topic, data)] = told
    assert (topic, data["digest"]) == ("session_expires", digest(session.session_key or ""))
    assert 10 < data["left_s"] <= 20


def test_other_nodes_are_not_told_of_what_ends_nothing(told: list[Any]) -> None:
    browser = logged_in(make_user())  # a new user, and the time of the login
    save_session(User.objects.get(), browser)
    Browser().session.flush()
    Session.objects.update(expire_date=timezone.now() - timedelta(days=1))
    Session.objects.all().delete()
    assert told == []


async def test_what_other_nodes_tell_ends_connections(server: Server) -> None:
    WebSocket("/mine", login_required=True)
    _ann, hers = await visitor("ann")
    bob, his = await visitor("bob")
    carl, theirs = await visitor("carl")
    clients = [await server.connect("/mine", client=each) for each in (hers, his, theirs)]
    hearing = layer().hearing
    hearing["session_ended"]({"digest": digest(hers.session.session_key or "")})
    assert await clients[0].closed() == 4501
    await User.objects.filter(pk=bob.pk).aupdate(is_active=False)  # which sends no signal
    hearing["user_changed"]({"user": str(bob.pk)})
    assert await clients[1].closed() == 4501
    await User.objects.filter(pk=carl.pk).aupdate(is_active=False)
    hearing["permissions_changed"]({})
    assert await clients[2].closed() == 4501
    # Nobody is here any more.
    hearing["session_ended"]({"digest": "?"})
    hearing["session_expires"]({"digest": "?", "left_s": 0.0})
    hearing["user_changed"]({"user": "?"})


async def test_a_moment_that_another_process_tells_is_one_that_there_is(server: Server) -> None:
    """Neither is none, which would confuse the timers of the loop, nor one that never comes."""
    WebSocket("/mine", login_required=True)
    clients = []
    for name, left_s in (("ann", "nan"), ("bob", -1e300), ("carl", "inf")):
        _user, browser = await visitor(name)
        clients.append(await server.connect("/mine", client=browser))
        key = browser.session.session_key or ""
        await Session.objects.filter(session_key=key).aupdate(expire_date=timezone.now())
        with override_settings(TORNADO={"recheck_period": 0.5}):
            changes.HEARING["session_expires"]({"digest": digest(key), "left_s": left_s})
    assert [await client.closed() for client in clients] == [4501, 4501, 4501]


async def test_a_session_that_expires_soon_elsewhere_ends_here(server: Server) -> None:
    WebSocket("/mine", login_required=True)
    _ann, browser = await visitor()
    client = await server.connect("/mine", client=browser)
    key = browser.session.session_key or ""
    await Session.objects.filter(session_key=key).aupdate(expire_date=timezone.now())
    layer().hearing["session_expires"]({"digest": digest(key), "left_s": 0.01})
    assert await client.closed() == 4501


def test_without_a_server_sessions_are_listened_to_from_the_first_request_on() -> None:
    """Not by commands: clearsessions would have to load every session that it deletes."""
    changes._listen_to_sessions.cache_clear()
    post_delete.disconnect(
        sender=Session, dispatch_uid="tornado_websockets.auth.changes._session_deleted"
    )
    changes.listen_without_server()
    assert not post_delete.has_listeners(Session)
    call_command("clearsessions")
    assert not post_delete.has_listeners(Session)
    for _ in range(2):
        request_started.send(None)
        assert post_delete.has_listeners(Session)

"""People who watch and who act, for tests."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission, User
from django.test import Client as Browser

from tests.tornado_websockets.visitors import visitor
from tornado_websockets.testing import Client, Message
from tornado_websockets.websocket import WebSocket
from tws_admin.permissions import may_watch

PATH = "/watch"

XSS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script><svg/onload=alert(1)>",
    "{{constructor.constructor('alert(1)')()}}",
    "javascript:alert(1)//",
    "&lt;b&gt;",
]

_numbers = itertools.count(1)


def watching() -> WebSocket:
    """Return a WebSocket that only those may open who may watch, as that of the monitor."""
    return WebSocket(PATH, permission=may_watch, monitored=False)


async def operator(*codenames: str, name: str = "olga", **fields: Any) -> tuple[User, Browser]:
    """Return a member of the staff with these permissions, and the browser of that user."""
    user, browser = await visitor(name, **{"is_staff": True, **fields})
    await sync_to_async(permit)(user, *codenames)
    return user, browser


def permit(user: User, *codenames: str) -> None:
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))


def forbid(user: User, *codenames: str) -> None:
    user.user_permissions.remove(*Permission.objects.filter(codename__in=codenames))


async def ask(client: Client, event: str, **data: Any) -> Message:
    """Ask the feed, and return its answer, whatever else it tells meanwhile."""
    reference = next(_numbers)
    client.emit(event, {"id": reference, **data})
    async with asyncio.timeout(10):
        while True:
            answer = await client.receive()
            if answer.event == "warning" or answer.data.get("id") == reference:
                return answer


async def refusal(client: Client, event: str, **data: Any) -> str:
    """Ask the feed, and return the code of its refusal, or else the event of its answer."""
    answer = await ask(client, event, **data)
    return str(answer.data["code"]) if answer.event == "refused" else answer.event


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)

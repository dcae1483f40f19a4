"""Who a connection belongs to, and whether it may be there: for one of them or for many."""

from __future__ import annotations

import inspect
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Any, NamedTuple

from django.core.exceptions import PermissionDenied

from tornado_websockets.auth import accounts

if TYPE_CHECKING:
    from tornado_websockets.websockethandler import WebSocketHandler

__all__ = [
    "Answer",
    "Permission",
    "Verdict",
    "ask",
    "check_permission",
    "judge",
    "settle",
    "still_holds",
]

logger = logging.getLogger("tornado_websockets.security")

Permission = str | Callable[[Any, Any], bool | Awaitable[bool]]
"""``app.codename``, or a function of the user and Tornado's request of the handshake."""

Answer = bool | Awaitable[bool]
"""What a permission function says: at once, or when it has been awaited."""


class Verdict(NamedTuple):
    """What was found out about a connection.

    Attributes:
        user: whose it is now; None when its session has ended or is somebody else's.
        answer: whether that user may be there.
    """

    socket: WebSocketHandler
    user: Any
    answer: Answer


def check_permission(value: Permission | None) -> Permission | None:
    """Return a permission that can be checked.

    Raises:
        ValueError: it is neither ``app.codename`` nor a function.
    """
    is_name = isinstance(value, str) and all(value.partition("."))
    if value is None or is_name or callable(value):
        return value
    raise ValueError(
        "permission must be a name like 'app.codename' or a function of user and request,"
        f" got {value!r}"
    )


def ask(permission: Permission | None, user: Any, request: Any) -> Answer:
    """Ask whether one user has a permission, in a thread; see `settle`."""
    if permission is None:
        return True
    try:
        if isinstance(permission, str):
            return bool(user.has_perm(permission))
        return permission(user, request)
    except PermissionDenied:
        return False


async def settle(answer: Answer) -> bool:
    """Return an answer, awaited if need be, on the event loop."""
    try:
        return bool(await answer if inspect.isawaitable(answer) else answer)
    except PermissionDenied:
        return False


async def still_holds(verdict: Verdict) -> bool:
    """Return whether a connection may stay, on the event loop; also when nobody can tell."""
    if verdict.user is None:
        return False
    try:
        return await settle(verdict.answer)
    except Exception:
        # One path's mistake is no reason to stop looking at the others, or to close anything.
        logger.exception("the permission of %s cannot be told", verdict.socket.websocket.path)
        return True


def judge(sockets: Collection[WebSocketHandler]) -> list[Verdict]:
    """Look at connections whose users were known, in a thread.

    It takes one query for their sessions, one for their users and one for each permission by name,
    as far as the project's engines and backends allow.

    Raises:
        Exception: whatever the database or the cache raises when it is not there.
    """
    users = accounts.users({socket.session_key for socket in sockets})
    now = {socket: users.get(socket.session_key) for socket in sockets}
    named: dict[str, dict[Any, Any]] = defaultdict(dict)
    for socket, user in now.items():
        if user is not None and isinstance(socket.websocket.permission, str):
            named[socket.websocket.permission][user.pk] = user
    holders = {name: accounts.holders(name, by_pk) for name, by_pk in named.items()}
    return [_verdict(socket, user, holders) for socket, user in now.items()]


def _verdict(socket: WebSocketHandler, user: Any, holders: dict[str, set[Any]]) -> Verdict:
    permission = socket.websocket.permission
    if user is None or user.pk != socket.known_user.pk:
        return Verdict(socket, None, False)
    if isinstance(permission, str):
        return Verdict(socket, user, user.pk in holders[permission])
    try:
        return Verdict(socket, user, ask(permission, user, socket.request))
    except Exception as error:  # noqa: BLE001  of a user, told where it is settled
        return Verdict(socket, user, _failure(error))


async def _failure(error: Exception) -> bool:
    raise error

"""Who gets in: which page and which user a handshake comes from, before it is answered with 101."""

from __future__ import annotations

import logging
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final

from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError

from tornado_websockets import conf, origins
from tornado_websockets.auth import changes, judgement
from tornado_websockets.runtime import runtime

if TYPE_CHECKING:
    from tornado_websockets.entrance import Entrance

__all__ = ["check_page", "check_user", "scheme"]

logger = logging.getLogger("tornado_websockets.security")

MAX_VALUE_LENGTH: Final = 200
"""Characters of what a client has sent that are logged."""

SINGLE: Final = ("Host", "Origin", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version")
"""Headers of which a handshake has one: of two, a proxy may have looked at the other."""


def check_page(socket: Entrance) -> None:
    """Let a handshake pass that comes from a page of this site, or one that was named.

    Raises:
        HTTPError: 403, it does not.
    """
    headers = socket.request.headers
    for name in SINGLE:
        values = headers.get_list(name)
        if len(values) > 1:
            raise _refuse(socket, 403, "duplicate_header", f"{name}: {values[1]}")
    host = headers.get("Host", "")
    if not origins.is_allowed_host(host, tuple(conf.allowed_hosts())):
        raise _refuse(socket, 403, "host", host)
    if "Origin" not in headers:
        if socket.websocket.require_origin:
            raise _refuse(socket, 403, "missing_origin")
    elif not socket.check_origin(headers["Origin"]):
        own = f"{scheme(socket.request)}://{host}"
        raise _refuse(socket, 403, "origin", f"{headers['Origin']} is not {own}")


async def check_user(socket: Entrance) -> None:
    """Let a handshake pass whose user may connect to a path that asks for one.

    Raises:
        HTTPError: 403 when the user may not, 503 when nobody can tell.
    """
    websocket = socket.websocket
    try:
        answer = await runtime.in_thread(_identify, socket, context=copy_context())
        is_permitted = await judgement.settle(answer)
    except Exception as error:
        logger.warning("cannot tell who connects to %s", websocket.path, exc_info=True)
        raise _refuse(socket, 503, "unavailable") from error
    user: Any = socket.known_user
    if websocket.login_required and not user.is_authenticated:
        raise _refuse(socket, 403, "login_required")
    if not is_permitted:
        raise _refuse(socket, 403, "permission", str(user))


def scheme(request: HTTPServerRequest) -> str:
    """Return http or https, as the client has it: also behind a proxy that Django is told of."""
    header = conf.secure_proxy_header()
    if header is not None:
        # Django looks at the first of several values.
        value = request.headers.get(header[0], "").partition(",")[0].strip()
        if value == header[1]:
            return "https"
    return request.protocol


def _identify(socket: Entrance) -> judgement.Answer:
    """Load the user of a handshake, and ask for the permission while in the thread."""
    changes.listen()
    socket.load_user()
    return judgement.ask(socket.websocket.permission, socket.known_user, socket.request)


def _refuse(socket: Entrance, status: int, reason: str, got: str = "") -> HTTPError:
    """Count and log a refusal, and return it to be raised.

    Args:
        reason: a word to count it under.
        got: what the client has sent; escaped and cut here.
    """
    path = socket.websocket.path
    socket.count_refusal(reason)
    value = repr(got[:MAX_VALUE_LENGTH])
    ip = socket.ip or "a Unix socket"
    logger.warning("refused %s with %d on %s, %s: %s", ip, status, path, reason, value)
    return HTTPError(status)

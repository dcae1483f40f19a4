"""The access log: one line a request, on Django's logger ``django.server``.

Paths are logged without their query strings, where tokens and other secrets go.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from tornado.httputil import HTTPServerRequest
from tornado.web import RequestHandler

from tornado_websockets.auth import accounts

if TYPE_CHECKING:
    from tornado_websockets.websockethandler import WebSocketHandler

__all__ = ["log", "log_request", "log_websocket"]

logger = logging.getLogger("django.server")

MAX_LENGTH: Final = 1000
"""Characters of a path, and of a name, that are logged."""


def log(request: HTTPServerRequest, status: int, size: int | None) -> None:
    """Log a request that is answered, as runserver does, and how long it took.

    Args:
        request: what was asked; escaped and cut here.
        status: HTTP status code; 4xx are warnings, 5xx errors.
        size: bytes of the body that were sent, None when nobody counted.
    """
    level = logging.INFO if status < 400 else logging.WARNING if status < 500 else logging.ERROR
    if logger.isEnabledFor(level):
        duration_s = request.request_time()  # once: it goes on
        _write(
            level,
            '"%s" %d %s %.3fs',
            _escaped(f"{request.method} {request.path} {request.version}"),
            status,
            "-" if size is None else size,
            duration_s,
            status_code=status,
            duration_s=duration_s,
        )


def log_websocket(handler: WebSocketHandler, close_code: int) -> None:
    """Log a WebSocket that has ended: path, status, duration, close code and user.

    Args:
        handler: what the connection was.
        close_code: how it ended, RFC 6455 section 7.4.
    """
    if not logger.isEnabledFor(logging.INFO):
        return
    duration_s = (datetime.now(UTC) - handler.connected_at).total_seconds()
    user = _name(handler)
    _write(
        logging.INFO,
        '"WEBSOCKET %s %s" 101 - %.3fs %d %s',
        _escaped(handler.request.path),
        handler.request.version,
        duration_s,
        close_code,
        _escaped(user) or "-",
        status_code=101,
        duration_s=duration_s,
        close_code=close_code,
        user=user,
    )


def log_request(handler: RequestHandler) -> None:
    """Log a request that a Tornado handler has answered (Tornado's ``log_function``).

    Not a handshake that succeeded, which has its line at the end of the connection, and not for a
    handler whose ``is_logged`` is False.
    """
    status = handler.get_status()
    if status != 101 and getattr(handler, "is_logged", True):
        log(handler.request, status, None)


def _name(handler: WebSocketHandler) -> str:
    """Return the name of the user; empty when nobody asked who it is, or it is nobody."""
    user = handler.known_user
    return "" if user is None else accounts.name(user)


def _write(level: int, line: str, *values: Any, **extra: Any) -> None:
    # Django's formatter of this logger wants its time in this form.
    extra["server_time"] = datetime.now().astimezone().strftime("%d/%b/%Y %H:%M:%S")
    logger.log(level, line, *values, extra=extra)


def _escaped(text: str) -> str:
    """Return what can neither end the line nor reach a terminal."""
    return repr(text[:MAX_LENGTH])[1:-1]

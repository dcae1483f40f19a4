"""The access log: one line a request, on Django's logger ``django.server``."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final

from tornado.web import RequestHandler

__all__ = ["log", "log_request"]

logger = logging.getLogger("django.server")

MAX_LINE_LENGTH: Final = 1000
"""Characters of a request line that are logged."""


def log(request_line: str, status: int, size: int | None) -> None:
    """Log a finished request, as runserver does.

    Args:
        request_line: method, target and version; escaped and cut here.
        status: HTTP status code; 4xx are warnings, 5xx errors.
        size: bytes of the body that were sent, None when nobody counted.
    """
    level = logging.INFO if status < 400 else logging.WARNING if status < 500 else logging.ERROR
    if not logger.isEnabledFor(level):
        return
    # repr() escapes what could end the line or reach a terminal.
    line = repr(request_line[:MAX_LINE_LENGTH])[1:-1]
    logger.log(
        level,
        '"%s" %d %s',
        line,
        status,
        "-" if size is None else size,
        extra={
            "status_code": status,
            "server_time": datetime.now().astimezone().strftime("%d/%b/%Y %H:%M:%S"),
        },
    )


def log_request(handler: RequestHandler) -> None:
    """Log a request that a Tornado handler has answered (Tornado's ``log_function``)."""
    request = handler.request
    log(f"{request.method} {request.uri} {request.version}", handler.get_status(), None)

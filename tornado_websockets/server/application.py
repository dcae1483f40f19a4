"""The Tornado application, which sees each request first."""

from __future__ import annotations

import sys
from typing import Any

import tornado.web
from tornado.httputil import HTTPServerRequest
from tornado.websocket import WebSocketHandler

from tornado_websockets import access, conf, proxies
from tornado_websockets.wire.server import close_behind

__all__ = ["Application", "default_settings"]


class Application(tornado.web.Application):
    """An application whose requests tell the address and scheme of the client.

    That holds for every handler: WebSockets, Django, the project's own.
    """

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        proxies.identify(request, conf.get().trusted_proxies)
        if request.version == "HTTP/1.0" and "Transfer-Encoding" in request.headers:
            # Where the body ends is not sure, so nothing behind it may be taken for a request, RFC
            # 9112 section 6.1.
            close_behind(request)
        delegate = super().find_handler(request, **kwargs)
        handler = getattr(delegate, "handler_class", None)
        if isinstance(handler, type) and issubclass(handler, WebSocketHandler):
            # Tornado would collect a body before it asks the handler; a handshake has none.
            connection: Any = request.connection
            connection.set_max_body_size(0)
        return delegate


def default_settings() -> dict[str, Any]:
    """Return what ``TORNADO`` says to Tornado's own settings."""
    config = conf.get()
    size = config.limits.message_size
    return {
        # Tornado's own reloader comes with its debug setting; Django's does that work here.
        "autoreload": False,
        "log_function": access.log_request,
        "websocket_max_message_size": sys.maxsize if size is None else size,
        "websocket_ping_interval": config.ping_interval,
        "websocket_ping_timeout": config.ping_timeout,
    }

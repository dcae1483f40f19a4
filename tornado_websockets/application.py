"""The Tornado application, which sees each request first."""

from __future__ import annotations

from typing import Any

import tornado.web
from tornado.httputil import HTTPServerRequest
from tornado.websocket import WebSocketHandler

from tornado_websockets import conf, proxies
from tornado_websockets.wire.server import close_behind

__all__ = ["Application"]


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

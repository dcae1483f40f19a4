"""The Tornado application, which sees each request first."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from typing import Any

import tornado.web
from tornado.httputil import HTTPServerRequest
from tornado.routing import PathMatches, Rule
from tornado.websocket import WebSocketHandler

from tornado_websockets import access, conf, proxies
from tornado_websockets.wire.server import close_behind

__all__ = ["Application", "default_settings"]


class Application(tornado.web.Application):
    """An application whose requests tell the address and scheme of the client.

    That holds for every handler: WebSockets, Django, the project's own.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._routing = threading.Lock()  # of those who change the routes

    def add_route(self, route: Sequence[Any] | Rule) -> None:
        """Add a route before all others, from any thread."""
        rule = route if isinstance(route, Rule) else _rule(route)
        router = self.wildcard_router
        # A list of its own each time: the event loop may be reading the one before.
        with self._routing:
            router.rules = [router.process_rule(rule), *router.rules]

    def remove_route(self, rule: Rule) -> None:
        """Remove a route, from any thread."""
        router = self.wildcard_router
        with self._routing:
            router.rules = [each for each in router.rules if each is not rule]

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


def _rule(route: Sequence[Any]) -> Rule:
    matcher, *rest = route
    return Rule(PathMatches(matcher) if isinstance(matcher, str) else matcher, *rest)

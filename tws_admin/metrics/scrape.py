"""The address at which Prometheus reads the metrics: off, unless the settings name one."""

from __future__ import annotations

import asyncio
import logging
import re
from contextvars import copy_context
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from django.utils.crypto import constant_time_compare
from tornado.web import HTTPError, RequestHandler

from tornado_websockets.auth import accounts, sessions
from tornado_websockets.runtime import runtime
from tornado_websockets.signals import server_started
from tornado_websockets.tornadowrapper import TornadoWrapper
from tws_admin import conf
from tws_admin.permissions import METRICS

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

__all__ = ["ScrapeHandler", "attend", "is_possible"]

logger = logging.getLogger("tws_admin")

SCHEME: Final = "bearer"
"""How a token is announced, RFC 6750 section 2.1."""


def is_possible() -> bool:
    """Return whether the extra ``[prometheus]`` is installed."""
    return find_spec("prometheus_client") is not None


def attend() -> None:
    """Answer on each server that starts in this process, where the settings name a path."""
    server_started.connect(_add_route, dispatch_uid="tws_admin.metrics.scrape")


class ScrapeHandler(RequestHandler):
    """Answers on the event loop and in a thread of its own, also while all others are busy."""

    def initialize(self, registry: CollectorRegistry) -> None:
        """Set what is exported."""
        self._registry = registry

    @property
    def is_logged(self) -> bool:
        """Whether the request is in the access log: every few seconds the same helps nobody."""
        return self.get_status() >= 400

    async def get(self) -> None:
        """Answer who has the token, or may see the metrics."""
        if not await self._is_allowed():
            raise HTTPError(403)
        # What it needs may not be installed.
        from prometheus_client.exposition import choose_encoder

        encode, content_type = choose_encoder(self.request.headers.get("Accept", ""))
        body = await asyncio.to_thread(encode, self._registry)
        self.set_header("Content-Type", content_type)
        self.set_header("Cache-Control", "no-store")
        self.finish(body)

    head = get

    def compute_etag(self) -> str | None:
        return None  # two scrapes are never the same

    async def _is_allowed(self) -> bool:
        headers = self.request.headers
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme.lower() == SCHEME:
            return _is_token(token.strip())
        key = sessions.key_of("; ".join(headers.get_list("Cookie")))
        if not key:
            return False
        try:
            return bool(await runtime.in_thread(_may_read, key, context=copy_context()))
        except Exception as error:  # of the database, the cache, or a backend of the project
            logger.warning("cannot tell who asks for the metrics", exc_info=True)
            raise HTTPError(503) from error


def _add_route(**kwargs: Any) -> None:
    path, app = conf.get().metrics_path, TornadoWrapper.tornado_app
    if path is None or app is None or not is_possible():  # of the latter, a system check tells
        return
    # What it needs may not be installed.
    from tws_admin.metrics.collector import new_registry

    # In front of the application's own routes, of which Django's takes every path.
    app.add_handlers(".*", [(re.escape(path), ScrapeHandler, {"registry": new_registry()})])


def _is_token(given: str) -> bool:
    token = conf.get().metrics_token
    return token is not None and constant_time_compare(given, token)


def _may_read(session_key: str) -> Any:
    return accounts.load(session_key).has_perm(METRICS)

"""Django behind Tornado, in threads: no slow view ever stops the event loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
from typing import TYPE_CHECKING, Any, Final

from tornado import httputil
from tornado.routing import Router

from tornado_websockets.wsgi.exchange import Exchange
from tornado_websockets.wsgi.response import Response

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

__all__ = ["DjangoRouter"]

logger = logging.getLogger("tornado_websockets.wsgi")

CUT_S: Final = 1.0
"""Seconds for a view to notice that nobody waits for its response any more."""


class DjangoRouter(Router):
    """Route every request to a WSGI application in a pool of threads.

    Creating one starts nothing, so it may stand in a settings module. Before start() and after
    stop() each request is answered with 503.
    """

    def __init__(self) -> None:
        self._application: WSGIApplication | None = None
        self._pool: concurrent.futures.ThreadPoolExecutor | None = None
        self._max_body_size: int | None = None
        self._script_name = ""
        self._running: dict[concurrent.futures.Future[None], Response] = {}

    def start(
        self,
        application: WSGIApplication,
        *,
        threads: int,
        max_body_size: int | None,
        script_name: str = "",
    ) -> None:
        """Serve the application.

        Args:
            application: a WSGI application, such as Django's get_wsgi_application() returns.
            threads: requests that run at the same time; further ones wait.
            max_body_size: bytes of a request body, a longer one is answered with 413; None: any.
            script_name: the prefix under which the application is mounted, as "/prefix".

        Raises:
            RuntimeError: it has been started already.
            ValueError: there are no threads.
        """
        if self._pool is not None:
            raise RuntimeError("This DjangoRouter is started already: call stop() first.")
        self._pool = concurrent.futures.ThreadPoolExecutor(threads, thread_name_prefix="django")
        self._application = application
        self._max_body_size = max_body_size
        self._script_name = script_name.rstrip("/")

    def stop(self, *, grace_s: float = 10.0, cut_s: float = CUT_S) -> None:
        """Refuse new requests, let the running ones finish, join the threads.

        Streams and uploads that still go on after grace_s seconds are cut. On the thread of the
        event loop no client can be served meanwhile, so there they are cut at once: to be
        graceful, await ``loop.run_in_executor(None, router.stop)``.

        A view that goes on cut_s seconds later cannot be ended: its thread is left behind, and a
        line in the log tells of it.
        """
        pool, self._pool = self._pool, None
        if pool is None:
            return
        if not _on_event_loop():
            concurrent.futures.wait(list(self._running), timeout=grace_s)
        for response in list(self._running.values()):
            response.cut()
        _done, late = concurrent.futures.wait(list(self._running), timeout=cut_s)
        if late:
            logger.error("%d requests go on although the server stops", len(late))
        pool.shutdown(wait=not late, cancel_futures=True)

    def find_handler(
        self, request: httputil.HTTPServerRequest, **_kwargs: Any
    ) -> httputil.HTTPMessageDelegate:
        return Exchange(
            request,
            self._submit if self._pool is not None else None,
            max_body_size=self._max_body_size,
            script_name=self._script_name,
        )

    def _submit(self, response: Response) -> bool:
        if self._pool is None or self._application is None:
            return False
        future = self._pool.submit(response.run, self._application)
        self._running[future] = response
        future.add_done_callback(self._running.pop)
        return True


def _on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True

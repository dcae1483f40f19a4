"""Fixtures for Django behind Tornado."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.tornado_websockets.wsgi.serving import Server
from tornado_websockets.wsgi import DjangoRouter


@pytest.fixture
def serve(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[..., Server]]:
    """Serve a WSGI application; at the end nothing may have gone wrong on the event loop."""
    caplog.set_level(logging.INFO)
    servers = []

    def start(
        application: Any, *, http_options: Any = None, bare: bool = False, **options: Any
    ) -> Server:
        router = DjangoRouter()
        router.start(application, **{"threads": 4, "max_body_size": None, **options})
        server = Server(router, bare=bare, **(http_options or {}))
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.close()
        assert server.errors == []
    loud = [r for r in caplog.get_records("call") if r.levelno >= logging.ERROR]
    assert [r.getMessage() for r in loud if r.name.startswith(("tornado.", "asyncio"))] == []


@pytest.fixture
def complaints(caplog: pytest.LogCaptureFixture) -> Callable[[], list[logging.LogRecord]]:
    """What the bridge has logged."""
    return lambda: [r for r in caplog.records if r.name == "tornado_websockets.wsgi"]


@pytest.fixture
def access_log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], list[logging.LogRecord]]]:
    """What the access log has got."""
    # Django's logging configuration keeps this logger's records to itself.
    logger = logging.getLogger("django.server")
    monkeypatch.setattr(logger, "propagate", False)
    logger.addHandler(caplog.handler)
    try:
        yield lambda: [r for r in caplog.records if r.name == "django.server"]
    finally:
        logger.removeHandler(caplog.handler)

"""Every test of the wire runs over a socket of its own and over Tornado's stream, with TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from django.test import override_settings

from tests.rawclient import TLS, RawClient, connect
from tornado_websockets import testing

Serve = Callable[..., AbstractAsyncContextManager[Callable[..., Any]]]


@pytest.fixture(params=["socket", "tls"])
def tls(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "tls")


@pytest.fixture
def serve(tls: bool) -> Serve:
    """Serve with settings of ``TORNADO``, and give what connects to a path."""

    @asynccontextmanager
    async def serve(**tornado: Any) -> AsyncIterator[Callable[..., Any]]:
        if tls:
            tornado |= {"certfile": str(TLS / "cert.pem"), "keyfile": str(TLS / "key.pem")}
        with override_settings(TORNADO=tornado):
            async with testing.serve(share_thread=False) as server:

                def connected(path: str, **options: Any) -> AbstractAsyncContextManager[RawClient]:
                    return connect(server.port, path, tls=tls, **options)

                yield connected

    return serve

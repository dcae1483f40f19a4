"""Certificates of the server itself; `tests/wire` speaks TLS with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from tests.rawclient import TLS, connect
from tornado_websockets import testing
from tornado_websockets.server.tls import ssl_options
from tornado_websockets.websocket import WebSocket


def test_a_certificate_that_cannot_be_used_is_told_at_the_start() -> None:
    with (
        override_settings(TORNADO={"certfile": __file__, "keyfile": __file__}),
        pytest.raises(ImproperlyConfigured, match=r"must be a certificate and its key in PEM"),
    ):
        ssl_options()


async def test_certificate_and_key_may_be_in_one_file(tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_text((TLS / "key.pem").read_text() + (TLS / "cert.pem").read_text())
    WebSocket("/chat")
    with override_settings(TORNADO={"certfile": both}):
        async with testing.serve() as server, connect(server.port, "/chat", tls=True) as client:
            assert client.head.startswith("HTTP/1.1 101 ")


def test_without_a_certificate_there_is_no_tls() -> None:
    assert ssl_options() is None
    with override_settings(TORNADO={"ssl_options": {"certfile": "x"}}):
        assert ssl_options() == {"certfile": "x"}

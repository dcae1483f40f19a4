"""One line a request."""

from __future__ import annotations

import logging

import pytest

from tornado_websockets import access
from tornado_websockets.testing import Server


@pytest.fixture(autouse=True)
def propagate(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    # Django's default configuration keeps this logger to itself, where caplog cannot see it.
    monkeypatch.setattr(access.logger, "propagate", True)
    caplog.set_level(logging.INFO, "django.server")


@pytest.mark.parametrize(
    ("status", "level"),
    [(200, "INFO"), (304, "INFO"), (404, "WARNING"), (500, "ERROR")],
)
def test_the_level_follows_the_status(
    status: int, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    access.log("GET / HTTP/1.1", status, 12)
    (record,) = caplog.records
    assert record.levelname == level
    assert record.getMessage() == f'"GET / HTTP/1.1" {status} 12'
    assert vars(record)["status_code"] == status


def test_what_a_client_sends_cannot_end_the_line_nor_reach_the_terminal(
    caplog: pytest.LogCaptureFixture,
) -> None:
    access.log("GET /\r\n\x1b[31mforged" + "x" * 5000, 200, None)
    message = caplog.records[0].getMessage()
    assert message.startswith('"GET /\\r\\n\\x1b[31mforged')
    assert message.endswith('x" 200 -')
    assert len(message) < 1100


def test_nothing_is_formatted_for_nobody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "django.server")
    access.log("GET / HTTP/1.1", 200, 0)
    assert not caplog.records


async def test_a_refused_handshake_is_logged(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Exception, match="404"):
        await server.connect("/nowhere")
    assert '"GET /ws/nowhere HTTP/1.1" 404 -' in caplog.text

"""One line a request."""

from __future__ import annotations

import asyncio
import logging
import re

import pytest
from django.contrib.auth import get_user_model
from django.test import AsyncClient
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from tests.rawclient import connect
from tornado_websockets import access
from tornado_websockets.testing import Server
from tornado_websockets.websocket import WebSocket


@pytest.fixture(autouse=True)
def propagate(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    # Django's default configuration keeps this logger to itself, where caplog cannot see it.
    monkeypatch.setattr(access.logger, "propagate", True)
    caplog.set_level(logging.INFO, "django.server")


def request(uri: str = "/") -> HTTPServerRequest:
    return HTTPServerRequest(
        start_line=RequestStartLine("GET", uri, "HTTP/1.1"), headers=HTTPHeaders({"Host": "a"})
    )


@pytest.mark.parametrize(
    ("status", "level"),
    [(200, "INFO"), (304, "INFO"), (404, "WARNING"), (500, "ERROR")],
)
def test_the_level_follows_the_status(
    status: int, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    access.log(request(), status, 12)
    (record,) = caplog.records
    assert record.levelname == level
    assert re.fullmatch(rf'"GET / HTTP/1.1" {status} 12 \d\.\d{{3}}s', record.getMessage())
    assert vars(record)["status_code"] == status
    assert 0 <= vars(record)["duration_s"] < 5


def test_what_a_client_sends_cannot_end_the_line_nor_reach_the_terminal(
    caplog: pytest.LogCaptureFixture,
) -> None:
    access.log(request("/\r\n\x1b[31mforged" + "x" * 5000), 200, None)
    message = caplog.records[0].getMessage()
    assert message.startswith('"GET /\\r\\n\\x1b[31mforged')
    assert re.search(r'x" 200 - \S+s$', message)
    assert len(message) < 1100


def test_nothing_is_formatted_for_nobody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "django.server")
    access.log(request(), 200, 0)
    assert not caplog.records


async def test_a_refused_handshake_is_logged(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Exception, match="404"):
        await server.connect("/nowhere")
    assert '"GET /ws/nowhere HTTP/1.1" 404 -' in caplog.text


def test_a_query_which_may_hold_a_token_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    access.log(request("/reset?token=secret"), 200, 0)
    assert "/reset " in caplog.text
    assert "secret" not in caplog.text


async def test_a_websocket_has_one_line_when_it_has_ended(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    WebSocket("/chat")
    client = await server.connect("/chat?token=secret")
    assert not caplog.records
    await client.close(4000)
    (record,) = caplog.records
    line = r'"WEBSOCKET /ws/chat HTTP/1.1" 101 - \d+\.\d{3}s 4000 -'
    assert re.fullmatch(line, record.getMessage())
    assert vars(record)["close_code"] == 4000
    assert record.levelname == "INFO"


async def test_a_websocket_that_breaks_is_logged_with_1006(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    WebSocket("/chat")
    async with connect(server.port, "/chat", tls=False):
        pass
    async with asyncio.timeout(10):
        while not caplog.records:
            await asyncio.sleep(0.01)
    assert re.search(r" 101 - \S+s 1006 -$", caplog.records[0].getMessage())


async def test_websockets_are_not_formatted_for_nobody(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "django.server")
    WebSocket("/chat")
    await (await server.connect("/chat")).close()
    assert not caplog.records


@pytest.mark.django_db(transaction=True)
async def test_a_user_is_named_and_cannot_end_the_line(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    browser = AsyncClient()
    user = await get_user_model().objects.acreate(username="ann\n")
    await browser.aforce_login(user)
    WebSocket("/chat", login_required=True)
    await (await server.connect("/chat", client=browser)).close()
    assert caplog.records[-1].getMessage().endswith(" 1000 ann\\n")
    assert vars(caplog.records[-1])["user"] == "ann\n"


@pytest.mark.django_db(transaction=True)
async def test_a_user_model_that_fails_costs_no_more_than_the_name(
    server: Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = AsyncClient()
    await browser.aforce_login(await get_user_model().objects.acreate(username="ann"))
    ws = WebSocket("/chat", login_required=True)
    client = await server.connect("/chat", client=browser)

    def fail(self: object) -> str:
        raise LookupError

    monkeypatch.setattr(get_user_model(), "get_username", fail)
    await client.close()
    assert caplog.records[-1].getMessage().endswith(" 1000 ?")
    assert len(ws) == 0

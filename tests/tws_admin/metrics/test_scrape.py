"""Who may read the metrics, where, and how."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission
from django.test import Client, override_settings
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from tornado.httpclient import AsyncHTTPClient, HTTPResponse

import tornado_websockets
from tests.tornado_websockets.visitors import visitor
from tornado_websockets import testing
from tornado_websockets.runtime import runtime
from tornado_websockets.testing import Server
from tornado_websockets.websocket import WebSocket
from tws_admin.metrics import scrape

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = "correct-horse-battery-staple"
SETTINGS = {"metrics_path": "/metrics", "metrics_token": TOKEN}


@pytest.fixture
async def exporting() -> AsyncIterator[Server]:
    """Serve with the address and the token switched on."""
    with override_settings(TWS_ADMIN=SETTINGS):
        scrape.attend()
        async with testing.serve(share_thread=False) as server:
            yield server


async def fetch(
    server: Server, path: str = "/metrics", *, method: str = "GET", **headers: str
) -> HTTPResponse:
    return await AsyncHTTPClient().fetch(
        f"http://{server.host}{path}", method=method, headers=headers, raise_error=False
    )


async def fetch_as(server: Server, browser: Client) -> HTTPResponse:
    cookie = browser.cookies.output(attrs=[], header="", sep=";").strip()
    return await fetch(server, Cookie=cookie)


async def test_it_is_off_unless_a_path_is_set() -> None:
    with override_settings(TWS_ADMIN={"metrics_token": TOKEN}):
        scrape.attend()
        async with testing.serve(share_thread=False) as server:
            response = await fetch(server, Authorization=f"Bearer {TOKEN}")
    assert response.code == 404


async def test_it_comes_before_django_with_each_server() -> None:
    with override_settings(TWS_ADMIN=SETTINGS):
        scrape.attend()
        for _ in range(2):
            django = tornado_websockets.django_app()
            async with testing.serve([django], share_thread=False) as server:
                assert (await fetch(server)).code == 403
                assert (await fetch(server, "/metrics/")).code == 503  # nobody has started Django
    async with testing.serve(share_thread=False) as server:
        assert (await fetch(server)).code == 404


async def test_the_path_is_no_regular_expression() -> None:
    with override_settings(TWS_ADMIN={**SETTINGS, "metrics_path": "/a.b+(c)"}):
        scrape.attend()
        async with testing.serve(share_thread=False) as server:
            for path, code in (("/a.b+(c)", 200), ("/aXbbc", 404), ("/a.b+(c)/", 404)):
                answer = await fetch(server, path, Authorization=f"Bearer {TOKEN}")
                assert answer.code == code, path


async def test_who_has_the_token_reads_the_metrics(exporting: Server) -> None:
    WebSocket("/chat")
    await exporting.connect("/chat")
    response = await fetch(exporting, Authorization=f"bearer  {TOKEN}")
    assert response.code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    samples = {
        (sample.name, sample.labels.get("path")): sample.value
        for family in text_string_to_metric_families(response.body.decode())
        for sample in family.samples
    }
    assert samples["tornado_websockets_connections", "/chat"] == 1


async def test_it_speaks_openmetrics_to_who_asks_for_it(exporting: Server) -> None:
    WebSocket("/chat")
    response = await fetch(
        exporting,
        Authorization=f"Bearer {TOKEN}",
        Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
    )
    assert response.headers["Content-Type"].startswith("application/openmetrics-text")
    read: Any = openmetrics.text_string_to_metric_families  # which has no types
    families = list(read(response.body.decode()))
    assert "tornado_websockets_connections" in {family.name for family in families}


async def test_a_head_has_no_body(exporting: Server) -> None:
    response = await fetch(exporting, method="HEAD", Authorization=f"Bearer {TOKEN}")
    assert (response.code, response.body) == (200, b"")


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN.upper()}",
        "Bearer é",
        f"Basic {TOKEN}",
        TOKEN,
    ],
)
async def test_nobody_else_reads_them(exporting: Server, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    response = await fetch(exporting, **headers)
    assert response.code == 403
    assert b"tornado_websockets" not in response.body


async def test_without_a_token_in_the_settings_no_token_is_right() -> None:
    with override_settings(TWS_ADMIN={"metrics_path": "/metrics"}):
        scrape.attend()
        async with testing.serve(share_thread=False) as server:
            for token in ("", "None", TOKEN):
                assert (await fetch(server, Authorization=f"Bearer {token}")).code == 403


async def test_a_user_reads_them_with_the_permission_alone(exporting: Server) -> None:
    ann, browser = await visitor()
    assert (await fetch_as(exporting, browser)).code == 403
    permission = await Permission.objects.aget(codename="view_metrics")
    await ann.user_permissions.aadd(permission)
    assert (await fetch_as(exporting, browser)).code == 200
    await ann.user_permissions.aremove(permission)
    assert (await fetch_as(exporting, browser)).code == 403
    await ann.user_permissions.aadd(permission)
    await sync_to_async(browser.logout)()
    assert (await fetch_as(exporting, browser)).code == 403


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"is_superuser": True}, 200),
        ({"is_staff": True}, 403),
        ({"is_superuser": True, "is_active": False}, 403),
    ],
)
async def test_other_users_are_as_django_has_them(
    exporting: Server, fields: dict[str, Any], code: int
) -> None:
    ann, browser = await visitor()
    for name, value in fields.items():
        setattr(ann, name, value)
    await ann.asave()
    assert (await fetch_as(exporting, browser)).code == code


async def test_a_session_is_asked_for_also_behind_a_password_of_the_proxy(
    exporting: Server,
) -> None:
    _ann, browser = await visitor(is_superuser=True)
    cookie = browser.cookies.output(attrs=[], header="", sep=";").strip()
    response = await fetch(exporting, Cookie=cookie, Authorization="Basic YTpi")
    assert response.code == 200


async def test_when_nobody_can_tell_who_asks_it_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    _ann, browser = await visitor(is_superuser=True)
    with override_settings(TWS_ADMIN=SETTINGS, SESSION_ENGINE="tests.tornado_websockets.gone"):
        scrape.attend()
        async with testing.serve(share_thread=False) as server:
            assert (await fetch_as(server, browser)).code == 503
            assert (await fetch(server, Authorization=f"Bearer {TOKEN}")).code == 200
    assert "cannot tell who asks for the metrics" in caplog.text


async def test_it_answers_while_every_thread_for_callbacks_is_busy(exporting: Server) -> None:
    ws = WebSocket("/slow")
    release = threading.Event()

    @ws.on
    def wait() -> None:
        release.wait(30)

    try:
        for _ in range(9):
            (await exporting.connect("/slow")).emit("wait")
        async with asyncio.timeout(10):
            while ws.stats.events_in < 9:
                await asyncio.sleep(0.01)
        # One of ours; the server itself has something for a thread every few seconds.
        before = runtime.threads.queued
        response = await fetch(exporting, Authorization=f"Bearer {TOKEN}")
        assert b"\ntornado_websockets_threads_busy 8.0\n" in response.body
        queued = re.search(rb"\ntornado_websockets_threads_queued (.+)\n", response.body)
        assert queued
        assert 1 <= before <= float(queued[1]) <= runtime.threads.queued
    finally:
        release.set()


async def test_a_scrape_is_not_logged_but_a_refusal_is(
    exporting: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="django.server")
    await fetch(exporting, Authorization=f"Bearer {TOKEN}")
    await fetch(exporting, Authorization="Bearer wrong-token-wrong")
    lines = [record.getMessage() for record in caplog.records if record.name == "django.server"]
    assert len(lines) == 1
    assert lines[0].startswith('"GET /metrics HTTP/1.1" 403')
    assert TOKEN not in caplog.text
    assert "wrong-token" not in caplog.text


async def test_without_prometheus_client_there_is_no_such_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)  # as if it was not installed
    assert not scrape.is_possible()
    with override_settings(TWS_ADMIN=SETTINGS):
        scrape.attend()
        async with testing.serve(share_thread=False) as server:
            assert (await fetch(server, Authorization=f"Bearer {TOKEN}")).code == 404

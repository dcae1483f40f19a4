"""What the page loads over HTTP."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client, override_settings
from django.urls import reverse

from tornado_websockets.testing import Server, serve
from tornado_websockets.websocket import WebSocket
from tws_admin.feed.sampler import RANGES as RINGS
from tws_admin.monitor import monitor
from tws_admin.page.context import RANGES

SNAPSHOT = "admin:tornado_websockets_dashboard_snapshot"
JSI18N = "admin:tornado_websockets_dashboard_jsi18n"


def get(client: Client, query: str = "") -> dict[str, Any]:
    answer = client.get(reverse(SNAPSHOT) + query)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    data: dict[str, Any] = json.loads(answer.content, parse_constant=pytest.fail)["data"]
    return data


def test_the_ranges_are_those_of_the_feed() -> None:
    assert RANGES.keys() == RINGS.keys()


@pytest.mark.parametrize("range", RANGES)
def test_a_snapshot_is_that_of_the_feed(admin_client: Client, range: str) -> None:
    data = get(admin_client, f"?range={range}")
    assert data.keys() >= {"v", "epoch", "seq", "time", "server", "totals", "paths", "history"}
    assert data["history"]["step_s"] == {"10m": 1, "2h": 10, "24h": 60}[range]
    assert data["server"]["state"] == "absent"


def test_ten_minutes_are_the_default(admin_client: Client) -> None:
    assert get(admin_client)["history"]["step_s"] == 1


@pytest.mark.parametrize("range", ["", "1h", "10m ", "<script>", "9" * 1000])
def test_an_unknown_range_is_refused_with_those_that_there_are(
    admin_client: Client, range: str
) -> None:
    answer = admin_client.get(reverse(SNAPSHOT), {"range": range})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("expected one of 10m, 2h, 24h as the range, got '")
    assert len(answer.content) < 200


@pytest.mark.parametrize("name", [SNAPSHOT, JSI18N])
@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_they_are_only_read(admin_client: Client, name: str, method: str) -> None:
    assert getattr(admin_client, method)(reverse(name)).status_code == 405
    assert admin_client.head(reverse(name)).status_code == 200


@pytest.mark.django_db
def test_a_snapshot_tells_what_its_reader_may_do(client: Client) -> None:
    user = User.objects.create_user("ann", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(codename__in=["view_dashboard", "send_event"])
    )
    client.force_login(user)
    assert get(client)["may"] == ["send"]
    with override_settings(TWS_ADMIN={"read_only": True}):
        assert get(client)["may"] == []


@pytest.mark.parametrize(
    ("language", "translated"), [("fr", True), ("en", False), ("en-gb", False)]
)
def test_the_scripts_speak_the_language_of_the_page(
    admin_client: Client, language: str, translated: bool
) -> None:
    with override_settings(LANGUAGE_CODE=language):
        answer = admin_client.get(reverse(JSI18N))
    assert answer["Content-Type"].startswith("text/javascript")
    text = answer.content.decode()
    assert "django.gettext = function" in text
    assert ('"%(amount)s/s"' in text) == translated


@pytest.mark.django_db(transaction=True)
async def test_a_page_reads_what_the_server_of_its_process_has_counted(async_client: Any) -> None:
    """Django's thread asks the event loop, and waits for it."""
    monitor.register()
    echo = WebSocket("/echo")

    @echo.on
    async def say(socket: Any, data: Any) -> None:
        socket.emit("said", data)

    user = await User.objects.acreate_superuser("root")
    await async_client.aforce_login(user)
    async with serve(share_thread=False) as server:
        assert isinstance(server, Server)
        client = await server.connect("/echo")
        client.emit("say", {"text": "hello"})
        await client.receive()
        async with asyncio.timeout(10):
            while True:
                data = (await async_client.get(reverse(SNAPSHOT))).json()["data"]
                if data["totals"]["events_in"] == 1:
                    break
        assert data["server"]["state"] == "serving"
        assert data["totals"]["connections"] == 1
        [path] = data["paths"]
        assert (path["path"], path["connections"], path["events_in"]) == ("/echo", 1, 1)

        page = (await async_client.get("/admin/tornado_websockets/")).content.decode()
        assert 'data-tws-running="yes"' in page
        assert '<tr data-tws-key="/echo">' in page

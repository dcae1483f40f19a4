"""What probes hear; `test_shutdown` asks while a server ends."""

from __future__ import annotations

import asyncio
import logging
import re

import pytest
from django.test import override_settings
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.web import RequestHandler

import tornado_websockets
from tests.engines.broker import Broker
from tornado_websockets import access, testing


class Own(RequestHandler):
    def get(self) -> None:
        self.write("own")


async def ask(
    server: testing.Server, path: str, method: str = "GET", **headers: str
) -> HTTPResponse:
    request = HTTPRequest(f"http://{server.host}{path}", method=method, headers=headers)
    request.allow_nonstandard_methods = True
    return await AsyncHTTPClient().fetch(request, raise_error=False)


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
async def test_a_server_that_serves_is_alive_and_ready(path: str, server: testing.Server) -> None:
    answer = await ask(server, path)
    assert (answer.code, answer.body) == (200, path.rpartition("/")[2].encode() + b"\n")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "Etag" not in answer.headers
    head = await ask(server, path, "HEAD")
    assert (head.code, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(answer.body))
    assert (await ask(server, path, "POST")).code == 405
    assert (await ask(server, path + "/more")).code == 404


async def test_a_probe_knows_no_host_name(server: testing.Server) -> None:
    assert (await ask(server, "/health/ready", Host="10.1.2.3:8000")).code == 200


@pytest.fixture
def access_log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    # Django's default configuration keeps this logger to itself, where caplog cannot see it.
    monkeypatch.setattr(access.logger, "propagate", True)
    caplog.set_level(logging.INFO, "django.server")


@pytest.mark.usefixtures("access_log")
async def test_probes_are_not_in_the_access_log(
    server: testing.Server, caplog: pytest.LogCaptureFixture
) -> None:
    await ask(server, "/health/live")
    await ask(server, "/elsewhere")
    lines = [record.getMessage() for record in caplog.records if record.name == "django.server"]
    assert [line.split()[1] for line in lines] == ["/elsewhere"]


async def test_a_server_whose_redis_is_away_is_ready_and_says_what_is_wrong() -> None:
    """In English whatever the language of the site is, for programs look for it."""
    with (
        Broker() as broker,
        override_settings(TORNADO={"layer": broker.url}, LANGUAGE_CODE="fr"),
    ):
        async with testing.serve() as server:
            assert (await ask(server, "/health/ready")).body == b"ready\n"
            broker.stop()
            async with asyncio.timeout(10):
                while (answer := await ask(server, "/health/ready")).body == b"ready\n":
                    await asyncio.sleep(0.05)
            assert answer.code == 200
            assert re.fullmatch(
                rb"ready, degraded: Redis has not answered for \d+ s\n", answer.body
            )
            assert (await ask(server, "/health/live")).body == b"live\n"


async def test_the_paths_may_be_others() -> None:
    with override_settings(TORNADO={"health": {"live": "/a.ive", "ready": None}}):
        async with testing.serve() as server:
            assert (await ask(server, "/a.ive")).code == 200
            for path in ("/alive", "/health/live", "/health/ready"):
                assert (await ask(server, path)).code == 404


async def test_they_may_be_switched_off() -> None:
    with override_settings(TORNADO={"health": None}):
        async with testing.serve() as server:
            assert (await ask(server, "/health/live")).code == 404


async def test_a_handler_of_the_project_comes_first_and_django_comes_after() -> None:
    routes = [tornado_websockets.django_app(), (r"/health/live", Own)]
    async with testing.serve(routes) as server:
        assert (await ask(server, "/health/live")).body == b"own"
        assert (await ask(server, "/health/ready")).body == b"ready\n"
        assert (await ask(server, "/other")).code == 503  # Django's, which nobody has started here

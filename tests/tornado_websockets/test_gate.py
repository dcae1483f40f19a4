"""Who gets in, on every kind of path."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied
from django.test import override_settings
from tornado.httpclient import HTTPClientError

from tests.rawclient import TLS, connect
from tests.tornado_websockets import flaky_engine
from tests.tornado_websockets.visitors import may_change_users, status, visitor
from tornado_websockets import testing
from tornado_websockets.auth.watch import watch
from tornado_websockets.testing import Server
from tornado_websockets.websocket import WebSocket

pytestmark = pytest.mark.django_db(transaction=True)

KINDS: dict[str, dict[str, Any]] = {
    "open": {},
    "strict": {"require_origin": True},
    "login": {"login_required": True},
    "permission": {"permission": "auth.change_user"},
    "named": {"allowed_origins": ["https://app.example", "https://*.parts.example"]},
    "any": {"allowed_origins": ["*"]},
}

# Origin → the kinds of path that a page with it gets into; {} stands for the server's own host.
MATRIX: list[tuple[str, set[str]]] = [
    ("http://{}", set(KINDS)),
    ("HTTP://{}", set(KINDS)),
    ("https://{}", {"any"}),
    ("http://127.0.0.1", {"any"}),
    ("http://127.0.0.1:1", {"any"}),
    ("http://evil.example", {"any"}),
    ("http://{}.evil.example", set()),  # a port is no port with letters behind it
    ("http://127.0.0.1.evil.example", {"any"}),
    ("http://{}@evil.example", set()),
    ("http://evil.example@{}", set()),
    ("http://{}/", set()),
    ("http://{}, http://{}", set()),
    ("{}", set()),
    ("", set()),
    ("null", {"any"}),
    ("https://app.example", {"named", "any"}),
    ("http://app.example", {"any"}),
    ("https://app.example:8443", {"any"}),
    ("https://a.parts.example", {"named", "any"}),
    ("https://evilparts.example", {"any"}),
    ("https://trusted.example", set(KINDS)),
    ("https://a.wild.example", set(KINDS)),
    ("http://trusted.example", {"any"}),
]


@pytest.fixture
def paths() -> dict[str, WebSocket]:
    return {kind: WebSocket("/" + kind, **options) for kind, options in KINDS.items()}


@pytest.fixture
def ran(paths: dict[str, WebSocket]) -> list[str]:
    """The callbacks that ran."""
    found: list[str] = []

    def open() -> None:
        found.append("open")

    for ws in paths.values():
        ws.on(open)
    return found


@pytest.mark.parametrize(("origin", "kinds"), MATRIX, ids=lambda value: str(value)[:40])
async def test_a_page_gets_into_the_paths_that_let_its_origin_in(
    origin: str, kinds: set[str], paths: dict[str, WebSocket], server: Server
) -> None:
    user, browser = await visitor()
    await sync_to_async(may_change_users)(user)
    cookie = browser.cookies.output(attrs=[], header="", sep=";").strip()
    trusted = ["https://trusted.example", "https://*.wild.example"]
    with override_settings(CSRF_TRUSTED_ORIGINS=trusted):
        found = {
            kind: await status(
                server, "/" + kind, Cookie=cookie, Origin=origin.replace("{}", server.host)
            )
            for kind in paths
        }
    assert found == {kind: 101 if kind in kinds else 403 for kind in paths}


async def test_what_is_refused_runs_nothing_and_leaves_nothing(
    paths: dict[str, WebSocket], ran: list[str], server: Server
) -> None:
    for n in range(100):
        for kind in ("open", "strict", "login", "permission", "named"):
            assert await status(server, "/" + kind, Origin=f"http://evil{n}.example") == 403
    assert ran == []
    assert sum(map(len, paths.values())) == len(watch) == 0
    assert paths["open"].stats.rejected == {"origin": 100}
    assert paths["open"].stats.opened == 0


@pytest.mark.parametrize("site", ["same-origin", "same-site", "none", "cross-site"])
async def test_what_tornado_takes_for_the_same_origin_is_checked_too(
    site: str, paths: dict[str, WebSocket], server: Server
) -> None:
    """Rebinding: the name of an attacker points here, and is both Host and Origin."""
    evil = f"evil.example:{server.port}"
    headers = {"Host": evil, "Origin": f"http://{evil}", "Sec_Fetch_Site": site}
    assert await status(server, "/any", **headers) == 403
    assert await status(server, "/open", Origin="http://evil.example", Sec_Fetch_Site=site) == 403
    assert paths["any"].stats.rejected == {"host": 1}


@pytest.mark.parametrize(
    ("host", "refusals"),
    [
        ("evil.example", 403),
        ("127.0.0.1:", 403),
        ("evil.example:80@127.0.0.1", 400),
        ("127.0.0.1, evil.example", 400),
        ("127.0.0.1 evil.example", 400),
        ("", 403),
        ("%31%32%37.0.0.1", 403),
    ],
)
async def test_a_host_that_django_would_not_take_is_refused(
    host: str, refusals: int, paths: dict[str, WebSocket], server: Server
) -> None:
    with override_settings(ALLOWED_HOSTS=["127.0.0.2", "testserver"]):
        assert await status(server, "/open") == 403
    assert await status(server, "/open", Host=host) == refusals


@pytest.mark.parametrize(
    ("name", "second", "answer"),
    [
        ("Origin", "http://evil.example", 403),
        ("Origin", "http://{}", 403),
        ("Host", "{}", 400),
        ("Host", "evil.example", 400),
        ("Upgrade", "websocket", 403),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", 403),
        ("Sec-WebSocket-Version", "13", 403),
    ],
)
async def test_a_header_that_comes_twice_is_refused(
    name: str, second: str, answer: int, paths: dict[str, WebSocket], server: Server
) -> None:
    own = server.host
    headers = {"Origin": f"http://{own}\r\n{name}: {second.replace('{}', own)}"}
    assert await status(server, "/open", **headers) == answer
    if answer == 403:
        assert paths["open"].stats.rejected == {"duplicate_header": 1}


async def test_without_origin_a_path_that_uses_the_session_is_shut(
    paths: dict[str, WebSocket], server: Server
) -> None:
    WebSocket("/waived", require_origin=False, login_required=True)
    user, browser = await visitor()
    await sync_to_async(may_change_users)(user)
    cookie = browser.cookies.output(attrs=[], header="", sep=";").strip()
    found = {kind: await status(server, "/" + kind, Cookie=cookie) for kind in paths}
    shut = {"strict", "login", "permission"}
    assert found == {kind: 403 if kind in shut else 101 for kind in paths}
    assert await status(server, "/waived", Cookie=cookie) == 101
    assert await status(server, "/waived") == 403  # nobody is logged in
    assert paths["login"].stats.rejected == {"missing_origin": 1}


async def test_the_list_of_a_path_replaces_that_of_the_project(
    paths: dict[str, WebSocket], server: Server
) -> None:
    with override_settings(TORNADO={"allowed_origins": ["https://project.example"]}):
        for kind, answer in (("open", 101), ("login", 403), ("named", 403)):
            assert await status(server, "/" + kind, Origin="https://project.example") == answer
    assert paths["login"].stats.rejected == {"login_required": 1}


@pytest.mark.parametrize(
    ("tornado", "header", "answer"),
    [
        ({"trusted_proxies": ["127.0.0.1"]}, None, 101),
        ({"trusted_proxies": ["10.0.0.1"]}, None, 403),
        ({}, None, 403),
        ({}, ("HTTP_X_FORWARDED_PROTO", "https"), 101),
        ({"trusted_proxies": ["10.0.0.1"]}, ("HTTP_X_FORWARDED_PROTO", "https"), 403),
        ({}, ("HTTP_X_OTHER", "https"), 403),
    ],
)
async def test_behind_tls_a_page_has_the_origin_that_its_proxy_tells(
    tornado: dict[str, Any], header: Any, answer: int, paths: Any, server: Server
) -> None:
    headers = {"Origin": f"https://{server.host}", "X_Forwarded_Proto": "https"}
    with override_settings(TORNADO=tornado, SECURE_PROXY_SSL_HEADER=header):
        assert await status(server, "/open", **headers) == answer


async def test_a_connection_has_the_address_that_its_proxy_tells(
    paths: dict[str, WebSocket], server: Server
) -> None:
    with override_settings(TORNADO={"trusted_proxies": ["127.0.0.1"]}):
        await server.connect("/open", X_Forwarded_For="198.51.100.9, 203.0.113.7")
    assert paths["open"][0].ip == "203.0.113.7"
    await server.connect("/open", X_Forwarded_For="203.0.113.7")
    assert paths["open"][1].ip == "127.0.0.1"


async def test_a_login_is_required(paths: dict[str, WebSocket], server: Server) -> None:
    own = {"Origin": f"http://{server.host}"}
    assert await status(server, "/login", **own) == 403
    assert await status(server, "/login", **own, Cookie="sessionid=" + "x" * 32) == 403
    _user, browser = await visitor()
    await server.connect("/login", client=browser)
    assert paths["login"][0].user.get_username() == "ann"
    assert paths["login"].stats.rejected == {"login_required": 2}


async def test_a_permission_is_required(paths: dict[str, WebSocket], server: Server) -> None:
    user, browser = await visitor("ann")
    with pytest.raises(HTTPClientError) as caught:
        await server.connect("/permission", client=browser)
    assert caught.value.code == 403
    await sync_to_async(may_change_users)(user)
    await server.connect("/permission", client=browser)
    _admin, browser = await visitor("root", is_superuser=True)
    await server.connect("/permission", client=browser)
    _admin, browser = await visitor("gone", is_superuser=True, is_active=False)
    with pytest.raises(HTTPClientError):
        await server.connect("/permission", client=browser)
    assert paths["permission"].stats.rejected == {"permission": 2}


def is_ann(user: Any, request: Any) -> bool:
    return bool(user.get_username() == "ann" and request.path.startswith("/ws/"))


async def is_ann_soon(user: Any, request: Any) -> bool:
    await asyncio.sleep(0)
    return is_ann(user, request)


def is_ann_or_raises(user: Any, request: Any) -> bool:
    if is_ann(user, request):
        return True
    raise PermissionDenied


async def is_ann_or_raises_soon(user: Any, request: Any) -> bool:
    return is_ann_or_raises(user, request)


def fails(user: Any, request: Any) -> bool:
    return is_ann(user, request) or user.no_such_attribute


async def fails_soon(user: Any, request: Any) -> bool:
    return is_ann(user, request) or user.no_such_attribute


@pytest.mark.parametrize(
    ("permission", "answer"),
    [
        (is_ann, 403),
        (is_ann_soon, 403),
        (is_ann_or_raises, 403),
        (is_ann_or_raises_soon, 403),
        (fails, 503),
        (fails_soon, 503),
    ],
)
async def test_a_function_decides_on_user_and_request(
    permission: Any, answer: int, server: Server
) -> None:
    WebSocket("/function", permission=permission)
    own = {"Origin": f"http://{server.host}"}
    _user, browser = await visitor("ann")
    await server.connect("/function", client=browser)
    assert await status(server, "/function", **own) == answer
    _user, browser = await visitor("bob")
    cookie = browser.cookies.output(attrs=[], header="", sep=";").strip()
    assert await status(server, "/function", Cookie=cookie, **own) == answer


@pytest.mark.parametrize("wrong", ["change_user", "auth.", ".x", "", 1, ["auth.change_user"]])
def test_a_permission_that_cannot_be_is_a_mistake(wrong: Any) -> None:
    with pytest.raises(ValueError, match="must be a name like 'app.codename' or a function"):
        WebSocket("/wrong", permission=wrong)


@pytest.fixture
def flaky() -> Iterator[None]:
    with override_settings(SESSION_ENGINE=flaky_engine.__name__):
        yield
    flaky_engine.is_down.clear()


async def test_without_a_database_nobody_new_gets_in_and_nobody_else_notices(
    paths: dict[str, WebSocket], flaky: None, server: Server
) -> None:
    echo = WebSocket("/echo")

    @echo.on
    async def message(socket: Any, data: Any) -> None:
        socket.emit("message", data)

    _user, browser = await visitor()
    await server.connect("/login", client=browser)
    flaky_engine.is_down.set()
    with pytest.raises(HTTPClientError) as caught:
        await server.connect("/login", client=browser)
    assert caught.value.code == 503
    assert caught.value.response is not None
    assert caught.value.response.headers["Retry-After"] == "10"
    assert paths["login"].stats.rejected == {"unavailable": 1}
    client = await server.connect("/echo", client=browser)
    client.emit("message", {"n": 1})
    assert await client.receive() == ("message", {"n": 1})
    assert len(paths["login"]) == 1
    flaky_engine.is_down.clear()
    await server.connect("/login", client=browser)


async def test_a_refusal_is_one_line_that_nobody_can_forge(
    paths: dict[str, WebSocket], server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    tricks = ["http://\x1b[31mred", "http://a\x85b", "'\" %s %d {}", "x" * 3000, "\xff" * 300]
    for origin in tricks:
        async with connect(server.port, "/open", tls=False, Origin=origin) as client:
            assert client.head.split()[1] in ("403", "400")  # some of it is no HTTP
    records = [r for r in caplog.records if r.name == "tornado_websockets.security"]
    assert len(records) == paths["open"].stats.rejected["origin"] >= 3
    for record in caplog.records:
        message = record.getMessage()
        assert message.isprintable(), message
        assert len(message) < 1200
    assert "refused 127.0.0.1 with 403 on /open, origin: " in records[0].getMessage()


async def test_https_is_the_scheme_of_a_server_that_speaks_tls(paths: dict[str, WebSocket]) -> None:
    tornado = {"certfile": str(TLS / "cert.pem"), "keyfile": str(TLS / "key.pem")}
    with override_settings(TORNADO=tornado):
        async with testing.serve(share_thread=False) as server:
            for scheme, answer in (("https", "101"), ("http", "403")):
                origin = f"{scheme}://{server.host}"
                async with connect(server.port, "/open", tls=True, Origin=origin) as client:
                    assert client.head.split()[1] == answer

"""Every request tells whom it comes from, and only proxies may say that it is somebody else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import tornado.web
from django.test import override_settings
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets, bind_unix_socket

from tests.tornado_websockets.test_proxies import NO_ADDRESSES
from tornado_websockets.server.application import Application
from tornado_websockets.wsgi import DjangoRouter


def answer(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Show what Django would get to see."""
    start_response("200 OK", [("Content-Type", "application/json")])
    shown = {
        key: value
        for key, value in environ.items()
        if key.startswith("HTTP_") or key in ("REMOTE_ADDR", "wsgi.url_scheme", "SERVER_PORT")
    }
    return [json.dumps(shown).encode()]


class Own(tornado.web.RequestHandler):
    """A handler of the project."""

    def get(self) -> None:
        self.write({"ip": self.request.remote_ip, "protocol": self.request.protocol})


@contextmanager
def application() -> Iterator[Application]:
    router = DjangoRouter()
    router.start(answer, threads=1, max_body_size=None)
    try:
        yield Application([(r"/own", Own), (r".*", router)])
    finally:
        router.stop()


@asynccontextmanager
async def serving(path: Path | None = None) -> AsyncIterator[Any]:
    """Serve on 127.0.0.1, or on a Unix socket, and give what sends a request there."""
    with application() as app:
        server = HTTPServer(app)
        sockets = [bind_unix_socket(str(path))] if path else bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)

        async def get(target: str, *headers: str) -> dict[str, Any]:
            if path:
                reader, writer = await asyncio.open_unix_connection(path)
            else:
                port = sockets[0].getsockname()[1]
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            lines = [f"GET {target} HTTP/1.1", "Host: a.example", "Connection: close", *headers]
            writer.write("\r\n".join([*lines, "", ""]).encode("latin-1", "replace"))
            head, _, body = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
            writer.close()
            await writer.wait_closed()
            status = int(head.split()[1])
            return json.loads(body) if status == 200 else {"status": status}

        try:
            yield get
        finally:
            server.stop()
            await server.close_all_connections()


def trusting(*proxies: str) -> Any:
    return override_settings(TORNADO={"trusted_proxies": proxies})


async def test_a_trusted_proxy_names_client_and_scheme_to_every_handler() -> None:
    headers = ("X-Forwarded-For: 198.51.100.9, 203.0.113.7", "X-Forwarded-Proto: https")
    with trusting("127.0.0.1"):
        async with serving() as get:
            seen = await get("/", *headers)
            assert await get("/own", *headers) == {"ip": "203.0.113.7", "protocol": "https"}
    assert seen["REMOTE_ADDR"] == "203.0.113.7"
    assert (seen["wsgi.url_scheme"], seen["SERVER_PORT"]) == ("https", "443")
    assert seen["HTTP_X_FORWARDED_PROTO"] == "https"  # for SECURE_PROXY_SSL_HEADER


async def test_requests_of_one_connection_have_their_own_clients() -> None:
    """What one request said is forgotten with it: proxies send those of many on one connection."""
    with trusting("127.0.0.1"), application() as app:
        server = HTTPServer(app)
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        reader, writer = await asyncio.open_connection(*sockets[0].getsockname())
        seen = []
        for header in ("X-Real-Ip: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n", ""):
            writer.write(f"GET /own HTTP/1.1\r\nHost: a.example\r\n{header}\r\n".encode())
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            length = int(head.lower().split(b"content-length:")[1].split()[0])
            seen.append(json.loads(await reader.readexactly(length)))
        writer.close()
        await writer.wait_closed()
        server.stop()
        await server.close_all_connections()
    assert seen == [
        {"ip": "203.0.113.7", "protocol": "https"},
        {"ip": "127.0.0.1", "protocol": "http"},
    ]


SPOOFS = [
    "X-Forwarded-For: 203.0.113.7",
    "x-forwarded-for: 203.0.113.7",
    "X-FORWARDED-FOR: 127.0.0.1",
    "X-Forwarded-For: 10.0.0.1, 10.0.0.1",
    "X-Real-Ip: 203.0.113.7",
    "X-Real-IP: 10.0.0.1",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: evil.example",
    "X-Forwarded-Port: 443",
    "Forwarded: for=203.0.113.7;proto=https",
    "X_Forwarded_For: 203.0.113.7",
    "X_Forwarded_Proto: https",
    "X-Forwarded_Proto: https",
    "X_Real_Ip: 203.0.113.7",
    "X-Scheme: https",
    "X-Forwarded-Scheme: https",
    "X-Forwarded-Ssl: on",
    "X-Client-Ip: 203.0.113.7",
    "Client-Ip: 203.0.113.7",
    "True-Client-Ip: 203.0.113.7",
    "Remote-Addr: 203.0.113.7",
    "REMOTE_ADDR: 203.0.113.7",
    "wsgi.url_scheme: https",
    *(f"X-Forwarded-For: {value}" for value in NO_ADDRESSES if value.isprintable()),
]


@pytest.mark.parametrize("proxies", [(), ("10.0.0.1", "unix:")], ids=["none", "another"])
async def test_nobody_else_can_say_who_they_are(proxies: tuple[str, ...]) -> None:
    with trusting(*proxies):
        async with serving() as get:
            for spoof in SPOOFS:
                seen = await get("/", spoof)
                if seen == {"status": 400}:  # no HTTP at all
                    continue
                assert (seen["REMOTE_ADDR"], seen["wsgi.url_scheme"]) == ("127.0.0.1", "http")
                assert seen["SERVER_PORT"] == "80"
                own = await get("/own", spoof)
                assert own == {"ip": "127.0.0.1", "protocol": "http"}


async def test_with_proxies_what_others_send_in_their_name_does_not_reach_django() -> None:
    names = {"FOR", "PROTO", "HOST", "PORT"}
    headers = [f"X-Forwarded-{name.title()}: https" for name in names]
    with trusting("10.0.0.1"):
        async with serving() as get:
            seen = await get("/", *headers, "X-Real-Ip: 203.0.113.7", "Forwarded: proto=https")
    assert [key for key in seen if "FORWARDED" in key or "REAL" in key] == []


async def test_without_proxies_the_headers_are_the_projects_own_business() -> None:
    async with serving() as get:
        seen = await get("/", "X-Forwarded-Proto: https")
    assert seen["HTTP_X_FORWARDED_PROTO"] == "https"
    assert seen["wsgi.url_scheme"] == "http"


async def test_names_with_an_underscore_pass_for_no_header_even_of_a_proxy() -> None:
    with trusting("127.0.0.1"):
        async with serving() as get:
            seen = await get("/", "X_Forwarded_For: 203.0.113.7", "X_Forwarded_Proto: https")
    assert (seen["REMOTE_ADDR"], seen["wsgi.url_scheme"]) == ("127.0.0.1", "http")
    assert "HTTP_X_FORWARDED_PROTO" not in seen


async def test_a_unix_socket_is_trusted_when_it_is_named(tmp_path: Path) -> None:
    headers = ("X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https")
    async with serving(tmp_path / "server") as get:
        assert await get("/own", *headers) == {"ip": "", "protocol": "http"}
        with trusting("0.0.0.0/0"):
            assert await get("/own", *headers) == {"ip": "", "protocol": "http"}
        with trusting("unix:"):
            assert await get("/own", *headers) == {"ip": "203.0.113.7", "protocol": "https"}
            assert await get("/own") == {"ip": "", "protocol": "http"}
            assert (await get("/"))["REMOTE_ADDR"] == ""

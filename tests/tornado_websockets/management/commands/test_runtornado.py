"""The command, run as people run it: in a process, in a project of its own."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tornado.websocket import WebSocketClosedError, websocket_connect

from tests.process import ServerProcess
from tests.rawclient import TLS
from tests.site import FILES, Start, configure, hide, make_site, starting


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_site(tmp_path / "site")


@pytest.fixture
def start(project: Path) -> Iterator[Start]:
    with starting(project) as start:
        yield start


def get(port: int, path: str = "/", host: str = "127.0.0.1") -> tuple[int, str]:
    connection = http.client.HTTPConnection(host, port, timeout=30)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


@contextlib.contextmanager
def reserved_port() -> Iterator[int]:
    """Give a port that a server may take, and nobody else gets by chance meanwhile."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        if sys.platform != "linux":  # elsewhere the server could not take it either
            sock.close()
        yield port


def touch_until(path: Path, server: ServerProcess, pattern: str) -> None:
    """Change a file until the reloader sees it: it may not have seen it as it was before."""
    seen = f"{path.name} changed"
    for second in range(30):
        os.utime(path, (second, second))
        with contextlib.suppress(AssertionError):
            server.wait_for(seen, timeout_s=2)
            break
    # No more changes: the next child would see them as well, and start once more.
    server.wait_for(rf"{seen}(?s:.*){pattern}")


def test_it_serves_django_and_websockets_and_tells_where(start: Start) -> None:
    server = start("0")
    port = server.port
    assert get(port) == (200, "hello from Django")
    assert get(port, "/missing")[0] == 404
    banner = server.output
    assert re.search(r"django-tornado-websockets \d.* \(Django \d.*, Tornado \d.*\)", banner)
    assert f"Serving on http://127.0.0.1:{port}/, without auto-reload" in banner
    assert "WebSockets: /ws/in_urls, /ws/in_views, /ws/in_websockets\n" in banner
    assert "unapplied migration" in banner
    assert server.stop() == 0
    assert "Traceback" not in server.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("reload", ["--reload", "--noreload"])
def test_a_signal_closes_every_client_with_1001_and_ends_with_status_0(
    number: int, reload: str, start: Start
) -> None:
    echo_and_stop(start("0", reload), number)


def test_it_works_without_the_speedups(project: Path, start: Start) -> None:
    hide(project, "uvloop", "orjson")
    echo_and_stop(start("0"), signal.SIGTERM)


def echo_and_stop(server: ServerProcess, number: int) -> None:
    async def connect_and_stop() -> tuple[int | None, int]:
        client = await websocket_connect(f"ws://127.0.0.1:{server.port}/ws/in_views")
        await client.write_message('{"event": "message", "data": {"n": 1}}')
        assert await client.read_message() == '{"event":"message","data":{"n":1}}'
        status = asyncio.create_task(asyncio.to_thread(server.stop, number))
        assert await client.read_message() is None
        with pytest.raises(WebSocketClosedError):
            await client.write_message("x")
        code = client.close_code
        client.close()
        return code, await status

    assert asyncio.run(connect_and_stop()) == (1001, 0)
    assert "Traceback" not in server.output


def test_the_port_of_the_settings_is_used_and_the_argument_goes_before_it(
    project: Path, start: Start
) -> None:
    with reserved_port() as wanted:
        configure(project, f'TORNADO = {{"port": {wanted}}}')
        server = start()
        assert server.port == wanted
        assert start("0").port != wanted


def test_an_ipv6_address_is_served(start: Start) -> None:
    server = start("[::1]:0")
    port = server.port
    assert f"Serving on http://[::1]:{port}/" in server.output
    assert get(port, host="::1")[0] == 200


def test_handlers_and_settings_of_the_project_are_tornados(project: Path, start: Start) -> None:
    (project / "files").mkdir()
    (project / "files/a.txt").write_text("a file")
    configure(
        project,
        "import tornado.web, tornado_websockets\n"
        "TORNADO = {'handlers': ["
        "tornado_websockets.django_app(),"
        "(r'/files/(.*)', tornado.web.StaticFileHandler, {'path': 'files'}),"
        "tornado.web.url(r'/old', tornado.web.RedirectHandler, {'url': '/new'}),"
        "], 'settings': {'debug': True}}",
    )
    server = start("0")
    assert get(server.port) == (200, "hello from Django")
    assert get(server.port, "/files/a.txt") == (200, "a file")
    assert get(server.port, "/old")[0] == 301


@pytest.mark.parametrize(
    ("debug", "arguments", "status"),
    [
        (True, [], 200),
        (True, ["--nostatic"], 404),
        (False, [], 404),
        (False, ["--insecure"], 200),
    ],
)
def test_static_files_are_served_without_collectstatic(
    debug: bool, arguments: list[str], status: int, project: Path, start: Start
) -> None:
    configure(project, debug=debug)
    server = start("0", "--noreload", *arguments)
    assert get(server.port, "/static/shop.css")[0] == status


def test_a_port_in_use_is_one_line_and_status_1(start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = start(str(port), "--skip-checks")
        assert server.wait() == 1
    assert server.output == (
        f"CommandError: cannot listen on 127.0.0.1:{port}: the port is in use; stop what uses it,"
        " or choose another one\n"
    )


@pytest.mark.parametrize(
    ("addrport", "reason"),
    [
        ("192.0.2.1:8000", "this machine has no such address"),
        ("no-such-host.invalid:8000", "no such host name or address"),
        ("80a", "expected a port between 0 and 65535, or address:port, got '80a'"),
    ],
)
def test_an_address_that_cannot_be_used_is_one_line_and_status_1(
    addrport: str, reason: str, start: Start
) -> None:
    server = start(addrport, "--skip-checks")
    assert server.wait() == 1
    assert reason in server.output
    assert len(server.output.splitlines()) == 1


def test_a_system_check_that_fails_stops_the_start(project: Path, start: Start) -> None:
    configure(project, "TORNADO = {'port': '80a'}")
    server = start()
    assert server.wait() == 1
    assert "tornado_websockets.E002" in server.output
    assert "HINT: Correct TORNADO['port']" in server.output


def test_a_mistake_in_the_settings_is_one_line_also_without_checks(
    project: Path, start: Start
) -> None:
    configure(project, "TORNADO = {'port': '80a'}")
    server = start("--skip-checks")
    assert server.wait() == 1
    assert server.output.startswith("CommandError: TORNADO['port'] must be an integer")
    assert len(server.output.splitlines()) == 1


def test_the_reloader_waits_for_the_change_that_corrects_a_mistake(
    project: Path, start: Start
) -> None:
    configure(project, "TORNADO = {'port': '80a'}", debug=True)
    server = start("0")
    server.wait_for("tornado_websockets.E002")
    assert server.process.poll() is None
    configure(project, debug=True)
    touch_until(project / "project/settings.py", server, "Quit with ")
    assert get(server.port) == (200, "hello from Django")


def test_tls_is_told_in_the_banner_and_a_bad_certificate_in_one_line(
    project: Path, start: Start
) -> None:
    files = f"'certfile': {str(TLS / 'cert.pem')!r}, 'keyfile': {str(TLS / 'key.pem')!r}"
    configure(project, f"TORNADO = {{{files}}}")
    server = start("0")
    assert f"Serving on https://127.0.0.1:{server.port}/" in server.output
    configure(project, "TORNADO = {'certfile': __file__}")
    server = start("0", "--skip-checks")
    assert server.wait() == 1
    assert server.output.startswith("CommandError: TORNADO['certfile'] and TORNADO['keyfile'] must")
    assert len(server.output.splitlines()) == 1


def test_two_websockets_on_a_path_stop_the_start_and_name_both_places(
    project: Path, start: Start
) -> None:
    (project / "shop/websockets.py").write_text(FILES["shop/views.py"])
    server = start("0")
    assert server.wait() == 1
    assert (
        "WebSocket('/in_views') at shop.websockets:3: this path is taken by the one at"
        " shop.views:3" in server.output
    )


def test_the_reloader_restarts_when_code_changes_and_stops_cleanly(
    project: Path, start: Start
) -> None:
    configure(project, debug=True)
    with reserved_port() as port:
        server = start(str(port))
        assert server.port == port
        assert "with auto-reload" in server.output
        assert get(port) == (200, "hello from Django")
        urls = project / "project/urls.py"
        urls.write_text(urls.read_text().replace("hello from", "goodbye from"))
        touch_until(urls, server, "Quit with ")
        assert get(port) == (200, "goodbye from Django")
        assert server.stop(signal.SIGINT) == 0


def test_the_reloader_ends_when_the_port_is_in_use(project: Path, start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = start(str(taken.getsockname()[1]), "--reload")
        assert server.wait() == 1
    assert "the port is in use" in server.output

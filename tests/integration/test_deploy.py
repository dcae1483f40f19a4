"""What the page on deployment shows is run: real nginx, the unit's and the image's commands."""

from __future__ import annotations

import asyncio
import configparser
import contextlib
import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from django.core.management import CommandParser, load_command_class
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from tests.docs.pages import page
from tests.process import ServerProcess, free_port
from tests.rawclient import TLS
from tests.site import configure, make_site, serve_site
from tornado_websockets import conf

TIMEOUT_S = 30

FILES = {
    "project/urls.py": """
from django.http import JsonResponse
from django.urls import path

def who(request):
    return JsonResponse({"ip": request.META["REMOTE_ADDR"], "secure": request.is_secure()})

urlpatterns = [path("who", who)]
""",
    "shop/websockets.py": """
from tornado_websockets.websocket import WebSocket
chat = WebSocket("/chat")

@chat.on
def say(socket, data):
    chat.emit("said", {"text": data.text, "ip": socket.ip})
""",
}


UNIT, WORKERS = "[Unit]", "--workers"
ONE, SEVERAL = "http://unix:", "upstream"


def block(language: str, part: str = "") -> str:
    """Return the block of a language that has some text in it."""
    blocks = page("deploy.md").blocks
    [found] = [each.code for each in blocks if each.language == language and part in each.code]
    return found


class Nginx:
    """A real nginx, with a configuration of the page in a folder of its own.

    Args:
        folder: is made.
        part: tells which configuration.
        servers: where it is to find what serves, instead of what is written.
    """

    def __init__(self, folder: Path, part: str, servers: Mapping[str, str]) -> None:
        program = nginx_program()
        self.port = free_port()
        self.log = folder / "error.log"
        static = folder / "static"
        static.mkdir(parents=True)
        (static / "a.css").write_text("body {}")
        configuration = block("nginx", part)
        for written, used in {
            "listen 443 ssl;": f"listen 127.0.0.1:{self.port} ssl;",
            "server_name example.org;": "server_name localhost;",
            "/etc/ssl/example.org/fullchain.pem": str(TLS / "cert.pem"),
            "/etc/ssl/example.org/privkey.pem": str(TLS / "key.pem"),
            "/srv/mysite/static/": f"{static}/",
            **servers,
        }.items():
            assert configuration.count(written) == 1
            configuration = configuration.replace(written, used)
        folders = "".join(
            f"{name}_temp_path {folder / name};\n"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        # Started by root its workers would be somebody who may not see the folder.
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(
            f"{user}\ndaemon off;\nworker_processes 1;\npid {folder / 'pid'};\n"
            f"events {{}}\nhttp {{\naccess_log off;\n{folders}\n{configuration}\n}}\n"
        )
        self.process = subprocess.Popen(
            [program, "-p", str(folder), "-c", "nginx.conf", "-e", str(self.log)],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def wait(self) -> None:
        """Wait until it listens."""
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPSConnection("localhost", self.port, context=tls(), timeout=30)
        try:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("GET", path, headers=sent)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    async def connect(self, origin: str | None = None) -> WebSocketClientConnection:
        own = f"https://localhost:{self.port}"
        return await websocket_connect(
            HTTPRequest(
                f"wss://localhost:{self.port}/ws/chat",
                headers={"Origin": own if origin is None else origin},
                ssl_options=tls(),
            )
        )


def nginx_program() -> str:
    program = shutil.which("nginx", path=os.environ["PATH"] + os.pathsep + "/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    return program


def tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=TLS / "cert.pem")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[ServerProcess, Nginx]]:
    project = make_site(tmp_path / "site", FILES)
    configure(project, block("python", "unix:"))
    uds = tmp_path / "server.sock"
    nginx = Nginx(tmp_path / "nginx", ONE, {"/run/mysite/server.sock": str(uds)})
    server = serve_site(project, "--skip-checks", "--noreload", "--uds", str(uds))
    try:
        server.wait_for("Quit with")
        nginx.wait()
        yield server, nginx
    finally:
        nginx.kill()
        server.kill()


async def read(client: WebSocketClientConnection) -> str | bytes | None:
    async with asyncio.timeout(TIMEOUT_S):
        return await client.read_message()


def test_people_chat_through_nginx_over_tls_until_the_server_stops(
    site: tuple[ServerProcess, Nginx],
) -> None:
    server, nginx = site

    async def chat() -> int:
        ann, bob = await nginx.connect(), await nginx.connect()
        await ann.write_message('{"event":"say","data":{"text":"hello"}}')
        for client in (ann, bob):
            message = json.loads(str(await read(client)))
            assert message == {"event": "said", "data": {"text": "hello", "ip": "127.0.0.1"}}
        stopping = asyncio.create_task(asyncio.to_thread(server.stop))
        for client in (ann, bob):
            assert await read(client) is None
            assert client.close_code == 1001
            assert re.search(r"retry in \d+ ms", client.close_reason or "")
            client.close()
        return await stopping

    assert asyncio.run(chat()) == 0


def test_a_page_of_another_site_is_refused_behind_nginx_too(
    site: tuple[ServerProcess, Nginx],
) -> None:
    _server, nginx = site
    for origin in (f"http://localhost:{nginx.port}", "https://localhost", "https://evil.example"):
        with pytest.raises(Exception, match="403"):
            asyncio.run(nginx.connect(origin))


def test_django_knows_client_and_scheme_and_believes_no_client(
    site: tuple[ServerProcess, Nginx],
) -> None:
    _server, nginx = site
    known = (200, '{"ip": "127.0.0.1", "secure": true}')
    assert nginx.get("/who") == known
    assert nginx.get("/who", X_Forwarded_For="6.6.6.6", X_Forwarded_Proto="http") == known


def test_nginx_serves_static_files_and_hides_the_health_checks(
    site: tuple[ServerProcess, Nginx],
) -> None:
    _server, nginx = site
    assert nginx.get("/static/a.css") == (200, "body {}")
    assert nginx.get("/health/live")[0] == 404


def options(command: list[str]) -> dict[str, object]:
    """Return the options that ``runtornado`` reads from a command line."""
    position = command.index("runtornado")
    assert command[:position][-1] == "manage.py"
    parser = CommandParser()
    load_command_class("tornado_websockets", "runtornado").add_arguments(parser)
    return vars(parser.parse_args(command[position + 1 :]))


def test_the_unit_starts_what_nginx_asks_and_gives_it_its_time() -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(block("ini", UNIT))
    service = unit["Service"]
    uds = options(shlex.split(service["ExecStart"]))["uds"]
    assert f"proxy_pass http://unix:{uds};" in block("nginx", ONE)
    assert str(uds).startswith(f"/run/{service['RuntimeDirectory']}/")
    assert int(service["TimeoutStopSec"]) > conf.Config().shutdown_timeout + 1


def test_several_workers_are_started_and_reloaded_as_systemd_is_told() -> None:
    lines = block("ini", WORKERS).splitlines()
    # systemd adds to what the unit has, unless the list is emptied first.
    assert lines.index("ExecStart=") == lines.index("Type=notify") + 1
    [start] = [line for line in lines if line.startswith("ExecStart=/")]
    wanted = options(shlex.split(start))
    assert wanted["workers"] == 4
    assert f"--uds {wanted['uds']}" in block("ini", UNIT)
    assert "ExecReload=/bin/kill -HUP $MAINPID" in lines


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    """Where systemd is; the tests before this one run everywhere."""
    program = shutil.which("systemd-analyze")
    if program is None:
        return
    unit, more = (adapted(block("ini", part)) for part in (UNIT, WORKERS))
    path = tmp_path / "mysite.service"
    path.write_text(unit)
    (tmp_path / "mysite.service.d").mkdir()
    (tmp_path / "mysite.service.d/workers.conf").write_text(more)
    done = subprocess.run(
        [program, "verify", "--man=no", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "mysite" not in done.stderr


def adapted(unit: str) -> str:
    """Return a unit with a program, a user and folders that this machine has."""
    [start] = re.findall("ExecStart=(\\S+)", unit)
    unit = unit.replace(start, shutil.which("env") or "/usr/bin/env")
    unit = unit.replace("User=mysite", "User=daemon").replace("Group=www-data", "Group=daemon")
    return unit.replace("/srv/mysite", "/")


def instructions() -> dict[str, list[str]]:
    """Return the arguments of each instruction of the Dockerfile, in their order."""
    found: dict[str, list[str]] = {}
    for line in re.sub(r"\\\n\s*", "", block("dockerfile")).splitlines():
        if line:
            name, _, rest = line.partition(" ")
            found.setdefault(name, []).append(rest)
    return found


def test_the_image_runs_the_server_as_process_1_and_not_as_root() -> None:
    found = instructions()
    command = json.loads(found["CMD"][0])  # a list: no shell between the signals and the server
    wanted = options(command)
    assert wanted["addrport"] == [f"0.0.0.0:{found['EXPOSE'][0]}"]
    assert wanted["reload"] is False
    assert found["USER"][0] not in ("root", "0")
    names = list(found)
    assert names[0] == "FROM"
    assert names.index("USER") < names.index("CMD")


def test_the_check_of_the_image_tells_health_from_its_absence(tmp_path: Path) -> None:
    [check] = instructions()["HEALTHCHECK"]
    command = json.loads(check.removeprefix("CMD "))
    port = instructions()["EXPOSE"][0]
    server = serve_site(make_site(tmp_path / "site"), "0", "--skip-checks")

    def status() -> int:
        mine = [part.replace(f":{port}/", f":{server.port}/") for part in command]
        return subprocess.run(mine, capture_output=True, timeout=60, check=False).returncode

    try:
        assert status() == 0
        assert server.stop() == 0
        assert status() != 0
    finally:
        server.kill()

"""Events and logouts of every kind of process reach the clients of every server."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.engines.broker import Broker, is_installed
from tests.integration.test_own_users import Browser
from tests.process import ServerProcess
from tests.site import ROOT, configure, make_site, serve_site
from tornado_websockets.testing import Client, Server

pytestmark = pytest.mark.once

VIEWS = """
from django.contrib.auth import get_user_model, login, logout
from django.http import HttpResponse
from tornado_websockets.modules import ProgressBar
from tornado_websockets.websocket import WebSocket

news = WebSocket("/news")
kept = WebSocket("/kept", history=50)
mine = WebSocket("/mine", login_required=True)
jobs = WebSocket("/jobs")
bar = jobs.bind(ProgressBar("import", max=3))

@news.on
async def join(socket, data):
    socket.join(data.room)
    socket.emit("joined")

def enter(request, name):
    user, _new = get_user_model().objects.get_or_create(username=name)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponse("welcome")

def leave(request):
    logout(request)
    return HttpResponse("bye")

def flush(request):
    request.session.flush()
    return HttpResponse("gone")

def announce(request):
    for ws in (news, kept):
        ws.broadcast("announced", request.GET["text"])
    return HttpResponse("sent")

async def aannounce(request):
    for ws in (news, kept):
        await ws.abroadcast("announced", request.GET["text"])
    return HttpResponse("sent")
"""

URLS = """
from django.urls import path
from shop import views
urlpatterns = [
    path("in/<name>/", views.enter), path("out/", views.leave), path("flush/", views.flush),
    path("announce/", views.announce), path("aannounce/", views.aannounce),
]
"""

SETTINGS = """
import os
INSTALLED_APPS += ["django.contrib.sessions"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TORNADO = {{"layer": os.environ.get("LAYER", "{url}") or None, "recheck_period": 600}}
"""

ENDED_WITHIN_S = 2.0


def manage(
    folder: Path, *arguments: str, layer: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command of the project in a process of its own, which serves nothing."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if layer is not None:
        environment["LAYER"] = layer
    return subprocess.run(
        [sys.executable, "-W", "error", "manage.py", *arguments],
        cwd=folder,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )


@dataclasses.dataclass
class Site:
    """A project, served by two servers, and by one of Django's own that knows no WebSocket."""

    folder: Path
    first: Server
    second: Server
    plain: Server

    def run(self, code: str) -> str:
        """Run lines of Python in a process of its own, and return what they print."""
        done = manage(self.folder, "shell", "-v", "0", "-c", f"from shop.views import *\n{code}")
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[int]]]:
    """Serve the project; its folder, and the ports of the two servers and of Django's own."""
    if not is_installed():
        pytest.skip("redis-server is not installed")
    folder = make_site(
        tmp_path_factory.mktemp("broadcasting") / "site",
        {"shop/views.py": VIEWS, "project/urls.py": URLS},
    )
    processes: list[ServerProcess] = []
    with Broker() as broker:
        configure(folder, SETTINGS.format(url=broker.url))
        assert manage(folder, "migrate", "--verbosity=0").returncode == 0
        try:
            processes += [serve_site(folder, "0") for _ in range(2)]
            plain = ServerProcess(
                "runserver",
                "--noreload",
                "127.0.0.1:0",
                directory=folder,
                log=folder.parent / "plain.log",
                environment={"PYTHONPATH": str(ROOT)},
            )
            processes.append(plain)
            ports = [each.port for each in processes[:2]]
            port = plain.wait_for(r"development server at http://127\.0\.0\.1:([1-9]\d*)/")[1]
            plain.wait_for("Quit the server")
            yield folder, [*ports, int(port)]
            assert [each.stop() for each in processes[:2]] == [0, 0]
        finally:
            for process in processes:
                process.kill()


@pytest_asyncio.fixture
async def site(serving: tuple[Path, list[int]]) -> AsyncIterator[Site]:
    folder, ports = serving
    site = Site(folder, *map(Server, ports))
    yield site
    for server in (site.first, site.second):
        await server.disconnect()


async def pair(site: Site, path: str) -> list[Client]:
    """Connect a client to each of the servers that serve WebSockets."""
    return [await server.connect(path) for server in (site.first, site.second)]


async def get(server: Server, path: str) -> str:
    return await asyncio.to_thread(Browser(server).get, path)


async def announced(*clients: Client) -> list[Any]:
    return [(await client.receive()).data.get("message") for client in clients]


@pytest.mark.parametrize("view", ["announce", "aannounce"])
@pytest.mark.parametrize("where", ["first", "second", "plain"])
async def test_a_view_reaches_the_clients_of_all_servers(view: str, where: str, site: Site) -> None:
    clients = [*await pair(site, "/news"), *(kept := await pair(site, "/kept"))]
    for client in kept:
        assert (await client.receive()).event == "recovered"
    await get(getattr(site, where), f"/{view}/?text=hello")
    await get(getattr(site, where), f"/{view}/?text=again")
    assert await announced(*clients) == ["hello"] * 4
    assert await announced(*clients) == ["again"] * 4


SCRIPTS = {
    "broadcast": 'news.broadcast("said", "hi")',
    "to a room": 'news.to("r").broadcast("said", "hi")',
    "abroadcast": 'import asyncio\nasyncio.run(news.abroadcast("said", "hi"))',
    "to a room, awaited": 'import asyncio\nasyncio.run(news.to("r").abroadcast("said", "hi"))',
    "broadcast_on_commit": """
from django.db import transaction
from django.contrib.auth.models import User
try:
    with transaction.atomic():
        news.broadcast_on_commit("not saved")
        raise ValueError
except ValueError:
    pass
with transaction.atomic():
    User.objects.create_user("{name}")
    news.broadcast_on_commit("said", "hi")
""",
    "in a thread": """
import threading
thread = threading.Thread(target=news.broadcast, args=("said", "hi"))
thread.start()
thread.join()
""",
}


@pytest.mark.parametrize("way", SCRIPTS)
async def test_a_process_without_a_server_reaches_them(way: str, site: Site) -> None:
    clients = await pair(site, "/news")
    for client in clients:
        client.emit("join", {"room": "r"})
        assert (await client.receive()).event == "joined"
    code = SCRIPTS[way].replace("{name}", f"user{time.monotonic_ns()}")
    await asyncio.to_thread(site.run, code)
    assert [await client.receive() for client in clients] == [("said", {"message": "hi"})] * 2


async def test_tws_send_reaches_them(site: Site) -> None:
    ann = Browser(site.first)
    ann.get("/in/ann/")
    clients = await pair(site, "/news")
    clients[1].emit("join", {"room": "r"})
    await clients[1].receive()
    hers = await ann.connect("/mine")
    pk = site.run('print(get_user_model().objects.get(username="ann").pk)').strip()
    for arguments in (
        ("/news", "to all", '{"n": 1}'),
        ("/news", "to a room", "--room", "r"),
        ("/mine", "to ann", '"hello"', "--user", pk),
    ):
        done = await asyncio.to_thread(manage, site.folder, "tws_send", *arguments)
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"Sent {arguments[1]!r} to {arguments[0]}.\n"
    assert [await client.receive() for client in clients] == [("to all", {"n": 1})] * 2
    assert (await clients[1].receive()).event == "to a room"
    assert await hers.receive() == ("to ann", {"message": "hello"})


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        ("", "set TORNADO['layer'] = 'redis://"),
        ("redis://127.0.0.1:1/0", "what is sent on /news does not reach other processes"),
    ],
)
async def test_without_a_broker_it_is_an_error(layer: str, reason: str, site: Site) -> None:
    done = await asyncio.to_thread(manage, site.folder, "tws_send", "/news", "lost", layer=layer)
    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: ")
    assert reason in done.stderr


async def test_a_bar_that_another_process_drives_is_the_same_on_all_servers(site: Site) -> None:
    clients = await pair(site, "/jobs")
    seen = [await until(client, "after_init") for client in clients]
    assert seen == [[{"indeterminate": False, "min": 0, "max": 3, "value": 0}]] * 2
    await asyncio.to_thread(site.run, 'bar.reset()\nbar.tick("one")\nbar.tick("two")')
    for client in clients:  # both servers have heard of both steps
        for _ in range(2):
            await until(client, "update")
    late = await pair(site, "/jobs")
    for client in late:
        state = {"indeterminate": False, "min": 0, "max": 3, "value": 2, "label": "two"}
        assert await until(client, "after_init") == [state]
    # A worker that takes the work over does not know of the steps before.
    await asyncio.to_thread(site.run, "bar.current = 2\nbar.tick('three')")
    for client in (*clients, *late):
        await until(client, "done")
    for client in await pair(site, "/jobs"):
        [state] = await until(client, "done")
        assert (state["value"], state["label"]) == (3, "three")


async def until(client: Client, last: str) -> list[Any]:
    """Return what the bar's ``init`` events say, until an event of it comes."""
    found = []
    while (message := await client.receive()).event != f"module_progressbar_import_{last}":
        if message.event == "module_progressbar_import_init":
            found.append(dict(message.data))
    return found


async def over(server: Server, browser: Browser, path: str) -> None:
    browser.server = server
    await asyncio.to_thread(browser.get, path)


@pytest.mark.parametrize("path", ["/out/", "/flush/"])
@pytest.mark.parametrize("where", ["second", "plain"])
async def test_a_logout_on_one_server_ends_the_connections_on_the_others(
    path: str, where: str, site: Site
) -> None:
    ann, bob = Browser(site.first), Browser(site.first)
    ann.get("/in/ann/")
    bob.get("/in/bob/")
    clients = [await ann.connect("/mine"), await bob.connect("/mine")]
    await over(getattr(site, where), ann, path)
    assert await clients[0].closed(ENDED_WITHIN_S) == 4501
    await get(site.plain, "/announce/?text=x")
    clients[1].emit("ping")
    assert (await clients[1].receive()).event == "warning"  # it is still there


ENDINGS = {
    "deactivated": "user = {user}\nuser.is_active = False\nuser.save()",
    "deleted": "{user}.delete()",
    "new password": 'user = {user}\nuser.set_password("new")\nuser.save()',
    "logged out": """
from importlib import import_module
from django.contrib.auth import logout
from django.contrib.sessions.models import Session
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
user = {user}
for key in Session.objects.values_list("session_key", flat=True):
    request = HttpRequest()
    request.session = SessionStore(key)
    if request.session.get("_auth_user_id") == str(user.pk):
        request.user = user
        logout(request)
""",
}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_what_a_command_does_to_a_user_ends_the_connections(ending: str, site: Site) -> None:
    name = f"user{time.monotonic_ns()}"
    servers = (site.first, site.second)
    browsers = [Browser(server) for server in servers]
    clients = []
    for browser in browsers:
        browser.get(f"/in/{name}/")
        clients.append(await browser.connect("/mine"))
    user = f'get_user_model().objects.get(username="{name}")'
    await asyncio.to_thread(site.run, ENDINGS[ending].format(user=user))
    for client in clients:
        assert await client.closed(ENDED_WITHIN_S) == 4501


WITHOUT = """
INSTALLED_APPS = [name for name in INSTALLED_APPS if name not in {without!r}]
TORNADO = {{"layer": "redis://127.0.0.1:1/0"}}
"""


@pytest.mark.parametrize(
    "without", [["django.contrib.sessions"], ["django.contrib.auth", "django.contrib.contenttypes"]]
)
def test_a_project_may_have_a_layer_and_no_sessions_or_users(
    without: list[str], tmp_path: Path
) -> None:
    folder = make_site(tmp_path / "site")
    configure(folder, WITHOUT.format(without=without))
    code = "from django.test import Client\nprint(Client().get('/', headers={'host': 'localhost'}))"
    done = manage(folder, "shell", "-v", "0", "-c", code)
    assert (done.returncode, done.stderr) == (0, "")
    assert "status_code=200" in done.stdout

"""The database goes away for a while."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.torture.accounts import cookie, execute, make_users
from tests.torture.client import Client
from tests.torture.postgres import Postgres
from tests.torture.probe import Probe
from tests.torture.project import make_project
from tests.torture.report import Report
from tests.torture.server import Server, until

__all__ = ["run"]

PERIOD_S: Final = 1.0
RECOVERY_S: Final = 2.0

URLS: Final = """
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("rows/", lambda request: HttpResponse(User.objects.count()))]
"""

WEBSOCKETS: Final = """
private = WebSocket("/private", login_required=True)
private.on(message)

@private.on
def rows(socket):
    from django.contrib.auth.models import User
    socket.emit("rows", {"count": User.objects.count()})
"""

SETTINGS: Final = """
DATABASES = {{"default": {{"ENGINE": "django.db.backends.postgresql", "NAME": "postgres",
    "USER": "torture", "HOST": "127.0.0.1", "PORT": {port}, "CONN_MAX_AGE": 60}}}}
"""


def run(report: Report, folder: Path) -> None:
    seconds, sockets = report.scale.pick(10.0, 2.5), report.scale.pick(20, 5)
    report.tell(
        f"PostgreSQL is killed for {seconds:g} s under {sockets} connections of a user, whose"
        f" sessions are rechecked every {PERIOD_S:g} s, pages and callbacks that query it, and new"
        " handshakes."
    )
    with Postgres() as database, contextlib.ExitStack() as stack:
        make_project(
            folder,
            urls=URLS,
            websockets=WEBSOCKETS,
            settings=SETTINGS.format(port=database.port),
            tornado=f"{{'recheck_period': {PERIOD_S}}}",
        )
        key = make_users(folder, {"ada": True})["ada"]
        server = stack.enter_context(Server(folder))
        clients = [stack.enter_context(_connect(server, key)) for _ in range(sockets)]
        probe = stack.enter_context(Probe(server.port, rate=50))
        report.equal("a page, a handshake and a callback before", _all(server, key), (200, 101, 1))
        database.stop()
        _down(report, server, key, clients, seconds)
        database.start()
        _up(report, server, key)
        echoes = probe.finish()
        lost = sum(client.ask("message", {"n": 1}) != {"n": 1} for client in clients)
        report.none_lost("connections of the user", lost)
        report.none_lost("echoes of another client", echoes.lost)
        off = "from django.contrib.auth.models import User; User.objects.update(is_active=False)"
        execute(folder, off)
        codes = {client.closed(PERIOD_S + 5) for client in clients}
        report.equal("the user deactivated afterwards: closed with", codes, {4501})
        lines = [line for line in server.log() if "sessions cannot be checked" in line]
        report.equal("lines about sessions that could not be checked", len(lines), 1)
        # Django and the callbacks' log tell their failures with tracebacks.
        report.equal("trouble in the log", server.trouble(but="Traceback"), [])


def _down(report: Report, server: Server, key: str, clients: list[Client], seconds: float) -> None:
    """Ask for everything while there is no database."""
    pages, handshakes, callbacks, lost, slowest = set(), set(), set(), 0, 0.0
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        started = time.monotonic()
        pages.add(server.get("/rows/")[0])
        slowest = max(slowest, time.monotonic() - started)
        handshakes.add(_handshake(server, key))
        for client in clients:
            lost += client.ask("message", {"n": 1}) != {"n": 1}
        clients[0].emit("rows")
        event, data = clients[0].receive()
        callbacks.add(data.get("code", event))
        time.sleep(0.2)
    report.equal("pages without the database", pages, {500})
    report.within("the slowest of them", slowest * 1000, 1000, "ms")
    report.equal("handshakes that need a user", handshakes, {503})
    report.equal("callbacks that query", callbacks, {"handler_error"})
    report.none_lost("echoes of open connections meanwhile", lost)


def _up(report: Report, server: Server, key: str) -> None:
    """Wait until everything works again."""
    asked: dict[str, Callable[[], bool]] = {
        "a page": lambda: server.get("/rows/") == (200, "1"),
        "a handshake": lambda: _handshake(server, key) == 101,
        "a callback": lambda: _count(server, key) == 1,
    }
    started = time.monotonic()
    for name, works in asked.items():
        until(works, RECOVERY_S * report.scale.patience)
        report.within(f"{name} again, after", time.monotonic() - started, RECOVERY_S, "s")
    report.equal("a page, a handshake and a callback then", _all(server, key), (200, 101, 1))


def _all(server: Server, key: str) -> tuple[int, int, Any]:
    return server.get("/rows/")[0], _handshake(server, key), _count(server, key)


def _connect(server: Server, key: str) -> Client:
    host = f"127.0.0.1:{server.port}"
    headers = [("Host", host), ("Origin", f"http://{host}"), cookie(key)]
    return Client(server.port, "/private", headers=headers)


def _handshake(server: Server, key: str) -> int:
    with _connect(server, key) as client:
        return client.status


def _count(server: Server, key: str) -> Any:
    with _connect(server, key) as client:
        return client.ask("rows").get("count") if client.is_open else None

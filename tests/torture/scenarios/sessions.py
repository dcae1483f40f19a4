"""Sessions that end while their connections are open."""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.torture.accounts import PERMISSION, cookie, execute, make_users
from tests.torture.client import Client
from tests.torture.project import make_project
from tests.torture.report import Report
from tests.torture.server import Server

__all__ = ["run"]

# How each session ends, as code that has a `name` and a session `key`.
WAYS: Final = {
    "logout": "Session.objects.get(pk=key).delete()",
    "password": "user = User.objects.get(username=name); user.set_password('new'); user.save()",
    "deactivation": "user = User.objects.get(username=name); user.is_active = False; user.save()",
    "deletion": "User.objects.get(username=name).delete()",
    "permission": "User.objects.get(username=name).user_permissions.clear()",
    "expiry": "session = Session.objects.get(pk=key);"
    " session.expire_date = timezone.now(); session.save()",
}

IMPORTS: Final = """
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone
"""

URLS: Final = f"""
from django.contrib.auth import logout
from django.http import HttpResponse
from django.urls import path
{IMPORTS}
WAYS = {WAYS!r}

def end(request, name, key):
    if name == "logout":
        logout(request)
    else:
        exec(WAYS[name])
    return HttpResponse("done")

urlpatterns = [path("end/<name>/<key>/", end)]
"""

WEBSOCKETS: Final = f"""
for path, options in (("/private", {{"login_required": True}}),
        ("/permitted", {{"permission": "{PERMISSION}"}})):
    guarded = WebSocket(path, **options)
    guarded.on(message)
"""

TORNADO: Final = "{'recheck_period': float(__import__('os').environ.get('PERIOD', '60'))}"
BYSTANDER: Final = "bystander"
NEVER: Final = -1.0


def run(report: Report, folder: Path) -> None:
    sockets, period = report.scale.pick(20, 3), report.scale.pick(5.0, 2.0)
    report.tell(
        f"{sockets} connections each of users whose session ends by {', '.join(WAYS)}: first in the"
        " server's process with a recheck period of 60 s, then in another process with one of"
        f" {period:g} s."
    )
    for place, wait_s in (("in the server", 2.0), ("in another process", period)):
        _play(report, folder / place.replace(" ", "-"), place, sockets, wait_s)


def _play(report: Report, folder: Path, place: str, sockets: int, wait_s: float) -> None:
    is_inside = place == "in the server"
    make_project(folder, urls=URLS, websockets=WEBSOCKETS, tornado=TORNADO)
    keys = make_users(folder, dict.fromkeys([*WAYS, BYSTANDER], True))
    environment = {} if is_inside else {"PERIOD": str(wait_s)}
    with Server(folder, environment=environment) as server, contextlib.ExitStack() as stack:
        opened = {
            name: [stack.enter_context(_connect(server, name, key)) for _ in range(sockets)]
            for name, key in keys.items()
        }
        refused = [n for n, clients in opened.items() for c in clients if not c.is_open]
        report.equal(f"{place}: refused while the session lasts", refused, [])
        ended = _end_inside(server, keys) if is_inside else _end_outside(folder, keys)
        for name in WAYS:
            # Late is not wrong, as everywhere; a minute later it would be asked anyway.
            deadline = ended[name] + wait_s * report.scale.patience
            seconds, codes = _ends(opened[name], deadline)
            report.equal(f"{place}, {name}: closed with", codes, {4501})
            report.within(f"{place}, {name}: after", seconds - ended[name], wait_s, "s")
        again = {name: _status(server, name, key) for name, key in keys.items() if name in WAYS}
        report.equal(f"{place}: let in again", [n for n, s in again.items() if s != 403], [])
        lost = sum(not _is_well(client) for client in opened[BYSTANDER])
        report.none_lost(f"connections of a user nothing happened to ({place})", lost)
        report.equal(f"{place}: trouble in the log", server.trouble(), [])


def _connect(server: Server, name: str, key: str) -> Client:
    host = f"127.0.0.1:{server.port}"
    headers = [("Host", host), ("Origin", f"http://{host}"), cookie(key)]
    path = "/permitted" if name == "permission" else "/private"
    return Client(server.port, path, headers=headers)


def _status(server: Server, name: str, key: str) -> int:
    with _connect(server, name, key) as client:
        return client.status


def _end_inside(server: Server, keys: Mapping[str, str]) -> dict[str, float]:
    """Let a view end each session, and return when that was."""
    ended = {}
    for name in WAYS:
        status, text = server.get(f"/end/{name}/{keys[name]}/", headers=dict([cookie(keys[name])]))
        assert status == 200, text
        ended[name] = time.monotonic()
    return ended


def _end_outside(folder: Path, keys: Mapping[str, str]) -> dict[str, float]:
    """Let another process end them, and return when that was."""
    code = f"""{IMPORTS}
import time
for name, code in {WAYS!r}.items():
    key = {dict(keys)!r}[name]
    exec(code)
    print(name, time.monotonic())
"""
    lines = [line.split() for line in execute(folder, code).splitlines()]
    return {line[0]: float(line[1]) for line in lines if len(line) == 2 and line[0] in WAYS}


def _ends(clients: list[Client], deadline: float) -> tuple[float, set[int | None]]:
    """Return when the last connection was closed, and the codes; None for one that was not."""
    codes, last = set(), 0.0
    for client in clients:
        code = client.closed(max(0.01, deadline - time.monotonic()))
        last = max(last, time.monotonic())
        codes.add(code)
    return last, codes


def _is_well(client: Client) -> bool:
    """Return whether a connection has got nothing, and still answers."""
    if select.select([client.sock], [], [], 0)[0]:
        return False
    return bool(client.ask("message", {"n": 1}) == {"n": 1})

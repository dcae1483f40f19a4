"""Pages of other origins, and names that are not the server's, at every kind of path."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Final, NamedTuple

from tests.torture.accounts import PERMISSION, cookie, make_users
from tests.torture.client import Client
from tests.torture.project import make_project
from tests.torture.report import Report
from tests.torture.server import Server, until

__all__ = ["run"]

WEBSOCKETS = f"""
def made(path, **options):
    websocket = WebSocket(path, **options)

    @websocket.on
    async def open(socket):
        count(path)

made("/open")
made("/private", login_required=True)
made("/permitted", permission="{PERMISSION}")
made("/partners", allowed_origins=["https://partner.example", "https://*.example.org"])
made("/anybody", allowed_origins=["*"])
made("/strict", require_origin=True)
made("/devices", require_origin=False)
"""

ALL: Final = ("/open", "/private", "/permitted", "/partners", "/anybody", "/strict", "/devices")
ANYBODY: Final = ("/anybody",)
PARTNERS: Final = ("/partners", "/anybody")
NO_ORIGIN: Final = ("/open", "/partners", "/anybody", "/devices")
NOBODY: Final = ()

# {host} is 127.0.0.1 with the port of the server, {port} that port.
SAME: Final = "http://{host}"
OWN: Final = ("{host}",)


class Case(NamedTuple):
    """A handshake.

    Attributes:
        accepted: paths that take it, from a user who may do everything.
    """

    name: str
    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    accepted: tuple[str, ...]


CASES: Final = (
    Case("same origin", OWN, (SAME,), ALL),
    Case("same origin in capitals", OWN, ("HTTP://{host}",), ALL),
    Case("another name of ours", ("www.example.com",), ("http://www.example.com",), ALL),
    Case("no origin", OWN, (), NO_ORIGIN),
    Case("null", OWN, ("null",), ANYBODY),
    Case("empty", OWN, ("",), NOBODY),
    Case("another site", OWN, ("https://evil.example",), ANYBODY),
    Case("https for http", OWN, ("https://{host}",), ANYBODY),
    Case("ws for http", OWN, ("ws://{host}",), ANYBODY),
    Case("another port", OWN, ("http://127.0.0.1:1",), ANYBODY),
    Case("no port", OWN, ("http://127.0.0.1",), ANYBODY),
    Case("our name below another", OWN, ("http://127.0.0.1.evil.example:{port}",), ANYBODY),
    Case("our name behind another", OWN, ("http://evil-127.0.0.1:{port}",), ANYBODY),
    Case("our host as user", OWN, ("http://{host}@evil.example",), NOBODY),
    Case("a user at our host", OWN, ("http://evil@{host}",), NOBODY),
    Case("a port with more behind", OWN, ("http://{host}.evil.example",), NOBODY),
    Case("a path", OWN, ("http://{host}/",), NOBODY),
    Case("a backslash", OWN, ("http://evil.example\\{host}",), NOBODY),
    Case("two in one", OWN, ("http://{host}, https://evil.example",), NOBODY),
    Case("two in one, by space", OWN, ("http://{host} https://evil.example",), NOBODY),
    Case("percent-encoded", OWN, ("http://127.0.0.1%3A{port}",), NOBODY),
    Case("another script's letters", OWN, ("http://127.0.0.１:{port}",), NOBODY),
    Case("a trailing dot", OWN, ("http://127.0.0.1.:{port}",), ANYBODY),
    Case("origin twice", OWN, (SAME, "https://evil.example"), NOBODY),
    Case("origin twice, the same", OWN, (SAME, SAME), NOBODY),
    Case("host twice", ("{host}", "evil.example"), (SAME,), NOBODY),
    Case("host twice, evil first", ("evil.example", "{host}"), (SAME,), NOBODY),
    Case("no host", (), (SAME,), NOBODY),
    Case("rebinding", ("evil.example",), ("http://evil.example",), NOBODY),
    Case("rebinding with port", ("evil.example:{port}",), ("http://evil.example:{port}",), NOBODY),
    Case("rebinding without origin", ("evil.example",), (), NOBODY),
    Case("our host, rebound origin", ("{host}@evil.example",), ("http://evil.example",), NOBODY),
    Case("a partner", OWN, ("https://partner.example",), PARTNERS),
    Case("a partner's subdomain", OWN, ("https://a.b.example.org",), PARTNERS),
    Case("a partner without TLS", OWN, ("http://partner.example",), ANYBODY),
    Case("a partner's other port", OWN, ("https://partner.example:8443",), ANYBODY),
    Case("below an exact partner", OWN, ("https://evil.partner.example",), ANYBODY),
    Case("a look-alike suffix", OWN, ("https://evilexample.org",), ANYBODY),
    Case("a look-alike prefix", OWN, ("https://partner.example.evil.example",), ANYBODY),
)

REFUSED: Final = {400, 403}
"""Tornado itself answers some of the malformed heads with 400."""


def run(report: Report, folder: Path) -> None:
    refusals = report.scale.pick(10_000, 300)
    report.tell(
        f"{len(CASES)} pairs of Host and Origin on {len(ALL)} kinds of path, from a user with"
        " permission, one without and nobody; then the refused ones again, up to"
        f" {refusals} refusals."
    )
    make_project(folder, websockets=WEBSOCKETS)
    keys = make_users(folder, {"grace": True, "frank": False})
    with Server(folder) as server:
        attempts = [(case, path) for case in CASES for path in ALL]
        wrong, opened = [], 0
        for case, path in attempts:
            status = _knock(server, case, path, keys["grace"])
            opened += status == 101
            if (status == 101) != (path in case.accepted) or status not in REFUSED | {101}:
                wrong.append(f"{case.name} at {path}: {status}")
        for name, path, accepted in _visitors():
            status = _knock(server, CASES[0], path, keys.get(name, ""))
            opened += status == 101
            if status != (101 if accepted else 403):
                wrong.append(f"{name} at {path}: {status}")
        report.equal("handshakes with another answer than documented", wrong, [])
        until(lambda: server.now() == 0)
        report.equal("callbacks that ran without a connection", sum(_ran(server)) - opened, 0)
        _refuse(report, server, refusals, keys["grace"])


def _visitors() -> list[tuple[str, str, bool]]:
    """Return who gets in where, from the same origin."""
    guarded = {"/private": {"grace", "frank"}, "/permitted": {"grace"}}
    names = ("grace", "frank", "nobody", "made up")
    return [(name, path, path not in guarded or name in guarded[path])
            for name in names for path in ALL]  # fmt: skip


def _refuse(report: Report, server: Server, refusals: int, key: str) -> None:
    """Try what is refused, over and over."""
    refused = [(case, path) for case in CASES for path in ALL if path not in case.accepted]
    ran, descriptors = sum(_ran(server)), server.descriptors()
    memory = server.rss()
    counted = sum(path["rejected"] for path in server.state()["paths"].values())
    answers = [
        _knock(server, case, path, key)
        for case, path in itertools.islice(itertools.cycle(refused), refusals)
    ]
    paths = server.state()["paths"].values()
    report.equal("refusals", sum(status in REFUSED for status in answers), refusals)
    # A 400 comes from Tornado, before there is a path.
    now = sum(path["rejected"] for path in paths) - counted
    report.equal("of the 403, counted by reason", now, answers.count(403))
    reasons = {reason for path in paths for reason in path["rejected_by_reason"]}
    report.note("the reasons", ", ".join(sorted(reasons)))
    report.equal("callbacks that ran", sum(_ran(server)) - ran, 0)
    report.equal("connections registered", server.now(), 0)
    report.at_most("descriptors more than before", server.descriptors() - descriptors, 0)
    report.at_most("growth of memory", server.rss() - memory, 3, "MiB")
    report.equal("trouble in the log", server.trouble(), [])


def _ran(server: Server) -> list[int]:
    return list(server.state()["ran"].values())


def _knock(server: Server, case: Case, path: str, key: str) -> int:
    """Return the status of a handshake."""
    own = {"host": f"127.0.0.1:{server.port}", "port": server.port}
    headers = [("Host", host.format(**own)) for host in case.hosts]
    headers += [("Origin", origin.format(**own)) for origin in case.origins]
    if key:
        headers.append(cookie(key))
    with Client(server.port, path, headers=headers) as client:
        return client.status

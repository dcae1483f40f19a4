"""What a client says about itself: spoofed headers, smuggled requests, lines for the log."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
from pathlib import Path
from typing import Any, Final

from benchmarks.frames import CLOSE, masked
from tests.torture.client import Client, envelope, upgrade
from tests.torture.project import make_project
from tests.torture.report import Report
from tests.torture.scenarios.smuggling import CORPUS, HIDDEN, MAY_BE_ANSWERED
from tests.torture.server import Server, until

__all__ = ["run"]

PROXY: Final = "127.0.0.2"
REAL: Final = {"address": "127.0.0.1", "secure": False, "user": None, "length": ""}

SETTINGS: Final = """
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
LOGGING["handlers"]["counting"] = {"class": "shop.counting.Counting"}
LOGGING["root"]["handlers"].append("counting")
LOGGING["loggers"]["django.server"] = {
    "level": "INFO", "handlers": ["stderr", "counting"], "propagate": False}
"""

# Beside the shop: the settings themselves import project.torture.
COUNTING: Final = """
import logging
from project.torture import count

class Counting(logging.Handler):
    def emit(self, record):
        if "/torture" not in record.getMessage():
            count("records")
"""

URLS: Final = """
from django.http import HttpResponse, JsonResponse
from django.urls import path
from project.torture import count

def who(request):
    meta = request.META
    return JsonResponse({"address": meta["REMOTE_ADDR"], "secure": request.is_secure(),
        "user": meta.get("REMOTE_USER"), "length": meta.get("CONTENT_LENGTH", "")})

def smuggled(request):
    count("smuggled")
    return HttpResponse("smuggled")

urlpatterns = [path("", lambda request: HttpResponse("hello")), path("who/", who),
    path("smuggled/", smuggled)]
"""

WEBSOCKETS: Final = """
who = WebSocket("/who")

@who.on
async def open(socket):
    socket.emit("who", {"ip": socket.ip})
"""

# From somebody who is no proxy: none of it may be believed.
SPOOFED: Final = (
    [("X-Forwarded-For", "6.6.6.6")],
    [("X-Real-Ip", "6.6.6.6")],
    [("X-Forwarded-Proto", "https")],
    [("X-Scheme", "https")],
    [("Forwarded", "for=6.6.6.6;proto=https")],
    [("X_Forwarded_For", "6.6.6.6")],
    [("X_Forwarded_Proto", "https")],
    [("X-Forwarded_Proto", "https")],
    [("x-forwarded-PROTO", "https")],
    [("X-Forwarded-For", "127.0.0.2"), ("X-Forwarded-Proto", "https")],
    [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "127.0.0.2")],
    [("Remote_Addr", "6.6.6.6")],
    [("Remote_User", "admin")],
    [("Remote-User", "admin")],
    [("Content_Length", "77")],
    [("HTTPS", "on"), ("Wsgi_Url_Scheme", "https")],
)

# From a proxy that is trusted: what its own client made up stays unbelieved.
FORWARDED: Final = (
    ("6.6.6.6, 192.0.2.1", "192.0.2.1"),
    ("6.6.6.6,192.0.2.1,127.0.0.2", "192.0.2.1"),
    ("6.6.6.6, evil", PROXY),
    ("6.6.6.6, 192.0.2.1, ", PROXY),
    ("192.0.2.1\x0b", PROXY),
    ("192.0.2.999", PROXY),
    ("192.0.2.1", "192.0.2.1"),
)

NASTY: Final = (
    "\r\nERROR root forged", "\nERROR root forged", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07",
    "\x08\x08\x08", "\x00", "\x85forged", "\u2028forged", "\u202eforged", "%0d%0aforged",
    "%s%s%n{0}", "x" * 5000,
)  # fmt: skip

CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e]")
MAX_LINE: Final = 2000


def run(report: Report, folder: Path) -> None:
    report.tell(
        f"{len(SPOOFED)} sets of headers from a client that is no proxy, {len(FORWARDED)} from a"
        f" proxy that is trusted; {len(CORPUS)} requests that hide another one; and CR, LF, ESC"
        f" and more, {len(NASTY)} texts, in events, paths, agents, origins and close reasons."
    )
    tornado = f"{{'trusted_proxies': ['{PROXY}']}}"
    make_project(folder, urls=URLS, websockets=WEBSOCKETS, settings=SETTINGS, tornado=tornado)
    (folder / "shop/counting.py").write_text(COUNTING)
    with Server(folder) as server:
        _spoof(report, server)
        _smuggle(report, server)
        _inject(report, server)
        report.equal("trouble in the log", server.trouble(), [])


def _spoof(report: Report, server: Server) -> None:
    believed = [
        headers
        for headers in SPOOFED
        if _who(server, headers) != REAL or _socket_ip(server, headers) != REAL["address"]
    ]
    report.equal("spoofed headers that were believed", believed, [])
    wrong = []
    for value, address in FORWARDED:
        headers = [("X-Forwarded-For", value), ("X-Forwarded-Proto", "https")]
        http_ip = _who(server, headers, PROXY)
        found = {http_ip.get("address"), _socket_ip(server, headers, PROXY)}
        if found != {address} or not http_ip.get("secure"):
            wrong.append(f"{value}: {found}")
    report.equal("forwarded addresses that were misread", wrong, [])


def _who(server: Server, headers: list[tuple[str, str]], address: str = "127.0.0.1") -> Any:
    """Return what Django takes a client for."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", server.port, timeout=20, source_address=(address, 0)
    )
    with contextlib.closing(connection):
        connection.putrequest("GET", "/who/")
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        body = response.read()
        if response.status == 400:  # a head that is refused is not believed
            return REAL | {"address": address, "secure": address == PROXY}
        return json.loads(body)


def _socket_ip(server: Server, headers: list[tuple[str, str]], address: str = "127.0.0.1") -> Any:
    """Return what a WebSocket takes a client for."""
    own = [("Host", f"127.0.0.1:{server.port}"), *headers]
    with Client(server.port, "/who", headers=own, address=address) as client:
        return client.receive()[1]["ip"] if client.is_open else address


def _smuggle(report: Report, server: Server) -> None:
    accepted, answered = [], []
    for name, raw in CORPUS.items():
        before = server.state()["ran"].get("smuggled", 0)
        status = _first_status(server, raw)
        if server.state()["ran"].get("smuggled", 0) > before:
            accepted.append(name)
        may_be_answered = status == 200 and name in MAY_BE_ANSWERED
        if not (status == 0 or 400 <= status < 500 or status == 501 or may_be_answered):
            answered.append(f"{name}: {status}")
    report.equal(f"hidden requests that reached {HIDDEN}", accepted, [])
    report.equal("ambiguous requests that were answered otherwise than with 4xx", answered, [])
    report.equal("a good request afterwards", server.get("/")[0], 200)


def _first_status(server: Server, raw: bytes) -> int:
    """Return the status of the first answer, 0 when there is none, after all have come."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=1) as sock:
        got = b""
        with contextlib.suppress(OSError):  # cut, or kept open for a request that is not whole
            sock.sendall(raw)
            while more := sock.recv(1 << 16):
                got += more
    found = re.match(rb"HTTP/1\.[01] (\d{3})", got)
    return int(found[1]) if found else 0


def _inject(report: Report, server: Server) -> None:
    def counted() -> int:
        return int(server.state()["ran"].get("records", 0))

    before, size = counted(), len(server.process.output)
    while counted() != before:  # what was asked for before is still being logged
        before, size = counted(), len(server.process.output)
    for text in NASTY:
        raw = text.encode()
        host = f"127.0.0.1:{server.port}".encode()
        for request in (
            b"GET /%s HTTP/1.1\r\nHost: %s\r\n\r\n" % (raw, host),
            b"GET /?q=%s HTTP/1.1\r\nHost: %s\r\n\r\n" % (raw, host),
            b"GET / HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n\r\n" % (host, raw),
            b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % raw,
            b"GET / HTTP/1.1\r\nHost: %s\r\n%s: x\r\n\r\n" % (host, raw),
            b"%s / HTTP/1.1\r\nHost: %s\r\n\r\n" % (raw, host),
            upgrade("/echo", [("Host", host.decode()), ("Origin", text)]),
            upgrade("/echo", [("Host", host.decode()), ("User-Agent", text), ("Cookie", text)]),
            upgrade("/" + text, [("Host", host.decode())]),
            upgrade("/echo", [("Host", text)]),
        ):
            _send(server, request)
        _misbehave(server, text)
    until(lambda: server.now() == 0)

    def compare() -> tuple[str, int]:
        records = counted() - before
        # Not splitlines(): it also splits where no terminal would begin a line.
        lines = server.process.output[size:].split("\n")
        return "\n".join(line for line in lines if "/torture" not in line), records

    until(lambda: compare()[0].count("\n") == compare()[1], 2)
    written, records = compare()
    report.note("events that were logged", records)
    report.equal("lines beyond one for each", written.count("\n") - records, 0)
    report.equal("control characters in the log", CONTROL.findall(written)[:5], [])
    report.equal("lines that were forged", written.count("\nERROR root forged"), 0)
    lines = written.split("\n")
    longest = max(len(line) for line in lines if " django.request " not in line)
    report.at_most("longest line but for Django's own, in characters", longest, MAX_LINE)
    # Django logs the whole path, which is as long as limits.header_size lets it be.
    report.note("longest of Django's own", max(map(len, lines)))


def _send(server: Server, request: bytes) -> None:
    """Send a request, and wait for its answer or the end."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", server.port), timeout=0.3) as sock,
    ):
        sock.sendall(request)
        sock.recv(1 << 16)


def _misbehave(server: Server, text: str) -> None:
    """Send a text wherever a message has one."""
    reason = text.encode()[:100].decode(errors="ignore").encode()
    for frame in (
        envelope(text),
        envelope("message", {text: text}) * 200,
        masked(text.encode()) * 200,
        masked(b"\x11\x94" + reason, CLOSE),
    ):
        with Client(server.port) as client, contextlib.suppress(OSError):
            client.send(frame)
            client.receive(timeout_s=0.3)

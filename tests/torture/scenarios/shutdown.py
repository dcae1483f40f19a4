"""The server is told to stop, in the middle of its work."""

from __future__ import annotations

import concurrent.futures
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Final

from tests.torture.client import Client
from tests.torture.crowd import Crowd
from tests.torture.probe import Probe
from tests.torture.project import make_project
from tests.torture.report import Report
from tests.torture.server import Server, until

__all__ = ["run"]

GRACE_S: Final = 10
SLOW_S: Final = 0.4
BACK_S: Final = 15
TORNADO: Final = f"{{'shutdown_timeout': {GRACE_S}}}"

URLS: Final = """
import time
from django.http import HttpResponse
from django.urls import path

def slow(request):
    time.sleep(float(request.GET["s"]))
    return HttpResponse("done")

urlpatterns = [path("slow/", slow)]
"""

WEBSOCKETS: Final = """
stuck = WebSocket("/stuck")

@stuck.on
async def wait(socket, data):
    import asyncio
    socket.emit("waiting")
    await asyncio.sleep(600)
"""


def run(report: Report, folder: Path) -> None:
    requests, clients = report.scale.pick(50, 20), report.scale.pick(1000, 100)
    report.tell(
        f"SIGTERM under 1 000 events a second over 100 connections and {requests} requests that"
        f" take {SLOW_S:g} s each on 8 threads, with {GRACE_S} s to stop; a second SIGTERM to one"
        f" that cannot; then {clients} clients that come back to its successor."
    )
    make_project(folder, urls=URLS, websockets=WEBSOCKETS, tornado=TORNADO)
    with Server(folder) as server:
        _stop(report, server, requests)
    with Server(folder) as server:
        _force(report, server)
    with Server(folder) as server:
        _succeed(report, folder, server, clients)


def _stop(report: Report, server: Server, requests: int) -> None:
    """Stop the server while it has everything to do."""
    with (
        Probe(server.port, connections=100, rate=1000) as probe,
        concurrent.futures.ThreadPoolExecutor(requests) as pool,
    ):
        before = server.descriptors()
        pages = [pool.submit(_page, server) for _ in range(requests)]
        # Only what has reached the server is under way.
        passed_s = until(lambda: server.descriptors() >= before + requests, 2)
        time.sleep(max(0.0, SLOW_S * 1.5 - passed_s))
        started = time.monotonic()
        status = server.process.stop()
        seconds = time.monotonic() - started
        answers = Counter(page.result() for page in pages)
        echoes = probe.finish()
    report.equal("exit status", status, 0)
    report.within("until it had ended", seconds, GRACE_S + 1, "s")
    report.none_lost("requests under way", requests - answers["200 done"])
    report.equal("sockets told", dict(Counter(echoes.codes)), {1001: 100})
    report.none_lost("echoes of what was sent 250 ms before the close, or earlier", echoes.stale)
    report.equal("trouble in the log", server.trouble(), [])


def _page(server: Server) -> str:
    try:
        status, text = server.get(f"/slow/?s={SLOW_S}", timeout_s=GRACE_S + 20)
    except OSError as error:
        return repr(error)
    return f"{status} {text}"


def _force(report: Report, server: Server) -> None:
    """Stop a server that has a callback which does not end, and do not wait for it."""
    with Client(server.port, "/stuck") as client:
        client.ask("wait")
        server.process.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        report.equal("still there with a callback that runs", server.process.process.poll(), None)
        started = time.monotonic()
        status = server.process.stop()
        report.within("after a second SIGTERM, ended within", time.monotonic() - started, 1, "s")
        report.equal("its exit status", status, 128 + signal.SIGTERM)


def _succeed(report: Report, folder: Path, server: Server, clients: int) -> None:
    """Replace the server by another one, and see how its clients come back."""
    with Crowd(server.port, clients) as crowd:
        told = time.monotonic()
        report.equal("with a crowd, exit status", server.process.stop(), 0)
        with Server(folder, f"127.0.0.1:{server.port}") as successor:
            crowd.wait(BACK_S * 3)
            report.equal("crowd told", dict(Counter(crowd.codes)), {1001: clients})
            report.none_lost("clients that did not come back", clients - len(crowd.returns))
            last = max(crowd.returns, default=told) - told
            report.within("the last one was back, after the signal", last, BACK_S, "s")
            if report.scale.is_long:
                share = crowd.busiest_second() / clients * 100
                report.at_most("came back in the busiest second", share, 25, "%")
            report.equal("trouble in the successor's log", successor.trouble(), [])

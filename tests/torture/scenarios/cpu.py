"""Django views that take all threads, or all of the processor."""

from __future__ import annotations

import concurrent.futures
import itertools
import time
from pathlib import Path
from typing import Final

from tests.torture.probe import Probe
from tests.torture.project import make_project
from tests.torture.report import Report
from tests.torture.server import Server

__all__ = ["run"]

THREADS: Final = 8

URLS = """
import time
from django.http import HttpResponse
from django.urls import path

def sleeps(request):
    time.sleep(float(request.GET["s"]))
    return HttpResponse("done")

def computes(request):
    until = time.monotonic() + float(request.GET["s"])
    while time.monotonic() < until:
        sum(range(1000))
    return HttpResponse("done")

urlpatterns = [path("sleeps/", sleeps), path("computes/", computes)]
"""


def run(report: Report, folder: Path) -> None:
    sleep_s, compute_s = report.scale.pick(2.0, 0.5), report.scale.pick(4.0, 1.0)
    # The short form runs beside other tests, which may spoil one look; views would spoil each.
    looks = report.scale.pick(1, 3)
    report.tell(
        f"16 views that sleep {sleep_s:g} s on {THREADS} threads, then 4 views that compute for"
        f" {compute_s:g} s; another client sends 200 echoes a second."
    )
    with Server(make_project(folder, urls=URLS, tornado=f"{{'threads': {THREADS}}}")) as server:
        with Probe(server.port) as probe:
            time.sleep(report.scale.pick(2.0, 0.5))
            calm = time.monotonic()
            slept, turns = [], [calm]
            for _ in range(looks):
                slept.append(_all(server, 16, f"/sleeps/?s={sleep_s}"))
                turns.append(time.monotonic())
            time.sleep(0.2)
            busy = time.monotonic()
            computed = _all(server, 4, f"/computes/?s={compute_s}")
            echoes = probe.finish()
        report.equal("views that slept and answered", sum(slept), 16 * looks)
        report.note("p99 of echoes before", f"{echoes.p99(end=calm):.1f} ms")
        beside = min(echoes.p99(*turn) for turn in itertools.pairwise(turns))
        report.within("p99 of echoes beside them", beside, 5, "ms")
        report.equal("views that computed and answered", computed, 4)
        report.within("worst echo beside them", echoes.worst(busy), 150, "ms")
        report.none_lost("echoes of another client", echoes.lost)
        report.equal("trouble in the log", server.trouble(), [])


def _all(server: Server, count: int, path: str) -> int:
    """Get a page many times at once, and return how many answered."""
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        answers = list(pool.map(lambda _: server.get(path, timeout_s=60), range(count)))
    return answers.count((200, "done"))

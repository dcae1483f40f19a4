"""Django views that take all threads, or all of the processor."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from tests.torture.probe import Echoes, Probe
from tests.torture.project import make_project
from tests.torture.report import Report
from tests.torture.server import Server

__all__ = ["run"]

T = TypeVar("T")

THREADS: Final = 8

PROMISED_MS: Final = 5.0
"""Milliseconds that 99 of 100 echoes take at most beside views that sleep."""

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
    # The short form runs beside other tests, which may spoil a look; views would spoil each.
    most_looks = report.scale.pick(1, 10)
    report.tell(
        f"16 views that sleep {sleep_s:g} s on {THREADS} threads, then 4 views that compute for"
        f" {compute_s:g} s; another client sends 200 echoes a second."
    )
    with Server(make_project(folder, urls=URLS, tornado=f"{{'threads': {THREADS}}}")) as server:
        calm, _ = _beside(server, lambda: time.sleep(report.scale.pick(2.0, 0.5)))
        looks: list[Echoes] = []
        slept = 0
        while not looks or (looks[-1].p99() > PROMISED_MS and len(looks) < most_looks):
            echoes, answered = _beside(server, lambda: _all(server, 16, f"/sleeps/?s={sleep_s}"))
            looks.append(echoes)
            slept += answered
        busy, computed = _beside(server, lambda: _all(server, 4, f"/computes/?s={compute_s}"))
        report.equal("views that slept and answered", slept, 16 * len(looks))
        report.note("p99 of echoes before", f"{calm.p99():.1f} ms")
        beside = min(echoes.p99() for echoes in looks)
        report.within("p99 of echoes beside them", beside, PROMISED_MS, "ms")
        report.equal("views that computed and answered", computed, 4)
        report.within("worst echo beside them", busy.worst(), 150, "ms")
        report.none_lost("echoes of another client", sum(e.lost for e in (calm, *looks, busy)))
        report.equal("trouble in the log", server.trouble(), [])


def _beside(server: Server, work: Callable[[], T]) -> tuple[Echoes, T]:
    """Do some work, and return the echoes of another client meanwhile, and what the work does."""
    with Probe(server.port) as probe:
        done = work()
        return probe.finish(), done


def _all(server: Server, count: int, path: str) -> int:
    """Get a page many times at once, and return how many answered."""
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        answers = list(pool.map(lambda _: server.get(path, timeout_s=60), range(count)))
    return answers.count((200, "done"))

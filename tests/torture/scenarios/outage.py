"""Redis is killed for a while, under everything that is published."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from tests.torture.cluster import Cluster, make_broker
from tests.torture.listeners import Heard, Listeners
from tests.torture.report import Report

__all__ = ["check", "run"]

NODES: Final = 2
CATCH_UP_S: Final = 2.0


def run(report: Report, folder: Path) -> None:
    seconds, rate = report.scale.pick(10.0, 2.0), report.scale.pick(1000, 200)
    clients = report.scale.pick(10, 6)
    report.tell(
        f"{NODES} nodes publish {rate} events a second to {clients} clients of a path with a"
        f" history; Redis, which writes every step to its disk, is killed for {seconds:g} s, and"
        " meanwhile, and when it is back, some of the clients lose their connection and come back"
        " to the other node."
    )
    with (
        make_broker(keeps=True, appendfsync="always") as broker,
        Cluster(folder, broker.url, NODES) as cluster,
        Listeners(cluster.ports, clients) as listeners,
    ):
        cluster.publish(rate)
        time.sleep(seconds / 5)
        broker.stop()
        listeners.cut(0.25)
        time.sleep(seconds / 2)
        listeners.cut(0.25)
        time.sleep(seconds / 2)
        broker.start()
        back_s = time.monotonic()
        listeners.cut(0.25)
        time.sleep(seconds / 2)
        published = cluster.published()
        heard = listeners.finish(published, before_s=back_s)
        count = sum(each.events for each in published.values())
        failed = sum(len(each.failed) for each in published.values())
        report.note("events published", count)
        report.note("of these, not acknowledged within 10 s", failed)
        check(report, heard)
        report.within("p99 of the clients' catch-up", _p99(heard, back_s), CATCH_UP_S, "s")
        report.equal("trouble in the logs", cluster.trouble(), [])


def check(report: Report, heard: Heard, where: str = "") -> None:
    """Check that all came, once and in order, and nobody was told otherwise."""
    report.none_lost(f"{where}acknowledged events that did not come", heard.lost)
    if heard.losers:
        report.note(f"{where}who lost them", heard.losers)
    report.note(f"{where}events that were not acknowledged, and did not come", heard.failed)
    report.equal(f"{where}events that came twice", heard.duplicates, 0)
    report.equal(f"{where}events behind later ones of their publisher", heard.disorder, 0)
    report.note(f"{where}times that a client came back", heard.returns)
    report.equal(f"{where}of these, told that something is missing", heard.unrecovered, 0)
    report.note(f"{where}connections that the server ended, by close code", heard.codes)
    report.equal(f"{where}other events", heard.odd, {})


def _p99(heard: Heard, back_s: float) -> float:
    times = sorted(max(0.0, last_s - back_s) for last_s in heard.last_s)
    return times[min(len(times) - 1, len(times) * 99 // 100)]

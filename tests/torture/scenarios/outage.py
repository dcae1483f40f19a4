"""Redis is killed for a while, under everything that is published."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from tests.torture.cluster import Cluster, make_broker
from tests.torture.listeners import Heard, Listeners
from tests.torture.report import Report

__all__ = ["run"]

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
        heard.check(report)
        report.within("p99 of the clients' catch-up", _p99(heard, back_s), CATCH_UP_S, "s")
        report.equal("trouble in the logs", cluster.trouble(), [])


def _p99(heard: Heard, back_s: float) -> float:
    times = sorted(max(0.0, last_s - back_s) for last_s in heard.last_s)
    return times[min(len(times) - 1, len(times) * 99 // 100)]

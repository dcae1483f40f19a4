"""The connections of the nodes to Redis are cut, again and again."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from tests.torture.cluster import Cluster, make_broker
from tests.torture.listeners import Listeners
from tests.torture.report import Report

__all__ = ["run"]

NODES: Final = 2
KINDS: Final = ("normal", "pubsub")


def run(report: Report, folder: Path) -> None:
    seconds, period_s = report.scale.pick(60.0, 4.0), report.scale.pick(5.0, 1.0)
    rate, clients = report.scale.pick(500, 100), report.scale.pick(20, 6)
    report.tell(
        f"{NODES} nodes publish {rate} events a second for {seconds:g} s to {clients} clients of a"
        f" path with a history, and every {period_s:g} s all connections of the nodes to Redis are"
        " cut with CLIENT KILL; each time some clients lose theirs as well, and come back to the"
        " other node."
    )
    with (
        make_broker() as broker,
        Cluster(folder, broker.url, NODES) as cluster,
        Listeners(cluster.ports, clients) as listeners,
    ):
        cluster.publish(rate)
        killed = 0
        for _ in range(int(seconds / period_s)):
            time.sleep(period_s)
            killed += sum(int(broker.run("CLIENT", "KILL", "TYPE", kind)) for kind in KINDS)
            listeners.cut(0.2)
        time.sleep(1)
        published = cluster.published()
        heard = listeners.finish(published)
        report.note("connections that were killed", killed)
        report.note("events published", sum(each.events for each in published.values()))
        failed = sum(len(each.failed) for each in published.values())
        report.equal("events that were not acknowledged", failed, 0)
        heard.check(report)
        report.equal("trouble in the logs", cluster.trouble(), [])

"""Clients come and go at any moment, while much is published."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.torture.cluster import Cluster, make_broker
from tests.torture.listeners import Listeners
from tests.torture.report import Report
from tests.torture.server import until

__all__ = ["run"]

NODES: Final = 2
STAY_S: Final = 0.15
AWAY_S: Final = 0.5


def run(report: Report, folder: Path) -> None:
    trials, clients = report.scale.pick(10_000, 200), report.scale.pick(40, 20)
    rate, patience_s = report.scale.pick(1000, 500), report.scale.pick(600, 60)
    report.tell(
        f"{NODES} nodes publish {rate} events a second, while {clients} clients cut their"
        f" connection within {STAY_S:g} s and come back within {AWAY_S:g} s to the other node,"
        f" {trials} times, at random moments, so that they are often cut in the middle of a"
        " replay."
    )
    with (
        make_broker() as broker,
        Cluster(folder, broker.url, NODES) as cluster,
        Listeners(cluster.ports, clients, pace=(STAY_S, AWAY_S)) as listeners,
    ):
        cluster.publish(rate)
        until(lambda: listeners.look().returns >= trials, patience_s)
        report.at_least("trials", listeners.look().returns, trials)
        published = cluster.published()
        heard = listeners.finish(published)
        missed = [told.missed for each in heard.told for told in each if told.missed]
        report.note("trials in which something was missed", len(missed))
        report.note("events missed at once, at most", max(missed, default=0))
        heard.check(report)
        report.equal("trouble in the logs", cluster.trouble(), [])

"""Redis is restarted, and has forgotten everything."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Final

from tests.torture.cluster import Cluster, make_broker
from tests.torture.ledger import Told
from tests.torture.listeners import Listeners
from tests.torture.report import Report
from tests.torture.server import until

__all__ = ["run"]

NODES: Final = 2
DOWN_S: Final = 2.0
TOLD_S: Final = 2.0


def run(report: Report, folder: Path) -> None:
    clients, rate = report.scale.pick(500, 40), 50
    report.tell(
        f"Redis, which keeps nothing on a disk, is killed and started again after {DOWN_S:g} s,"
        f" under {rate} events a second of {NODES} nodes to {clients} clients; a third of them"
        " lose their connection while it is away, another third when it is back."
    )
    with (
        make_broker() as broker,
        Cluster(folder, broker.url, NODES) as cluster,
        Listeners(cluster.ports, clients) as listeners,
    ):
        cluster.publish(rate)
        time.sleep(1)
        broker.stop()
        listeners.cut(1 / 3)
        time.sleep(DOWN_S)
        back_s = time.monotonic()
        broker.start()
        listeners.cut(1 / 2)
        until(lambda: listeners.look().unrecovered == clients, TOLD_S * report.scale.patience)
        cluster.published()
        cluster.publish(rate, name="later")
        time.sleep(1)
        heard = listeners.finish(cluster.published(name="later"))
        waits = sorted(_wait_s(each, back_s) for each in heard.told)
        untold = sum(wait == math.inf for wait in waits)
        report.none_lost("clients that were not told that something may be missing", untold)
        told = [wait for wait in waits if wait < math.inf]
        slowest = max(told, default=0.0)
        report.within("the last one was told, after Redis or it was back", slowest, TOLD_S, "s")
        report.none_lost("events acknowledged after that which did not come", heard.lost)
        report.equal("events that came twice", heard.duplicates, 0)
        report.equal("events behind later ones of their publisher", heard.disorder, 0)
        report.equal("other events", heard.odd, {})
        report.equal("trouble in the logs", cluster.trouble(), [])


def _wait_s(told: list[Told], back_s: float) -> float:
    """Return how long a client waited to be told that something is missing, since Redis is back."""
    waits = [
        each.at_s - max(back_s, each.connected_s)
        for each in told
        if each.recovered is False and each.at_s > back_s
    ]
    return min(waits, default=math.inf)

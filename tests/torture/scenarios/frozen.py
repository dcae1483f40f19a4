"""Redis takes connections, and answers nothing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from tests.torture.cluster import Cluster, make_broker
from tests.torture.listeners import Listeners
from tests.torture.probe import Probe
from tests.torture.report import Report
from tests.torture.server import until

__all__ = ["run"]

NODES: Final = 2
LAG_MS: Final = 50


def run(report: Report, folder: Path) -> None:
    # For longer than the publisher waits for an answer: it sends again what Redis then does twice.
    seconds, rate = report.scale.pick(10.0, 4.0), report.scale.pick(100, 50)
    clients = report.scale.pick(20, 6)
    report.tell(
        f"Redis is stopped with SIGSTOP for {seconds:g} s under {rate} events a second of {NODES}"
        f" nodes to {clients} clients of a path with a history, and to as many clients of the first"
        " node on a path without; another client of it sends echoes."
    )
    with (
        make_broker() as broker,
        Cluster(folder, broker.url, NODES) as cluster,
        Listeners(cluster.ports, clients) as listeners,
        Listeners(cluster.ports[:1], clients, path="/live", history=False) as others,
        Probe(cluster.ports[0]) as probe,
    ):
        cluster.publish(rate)
        time.sleep(0.5)  # what is slow only at first
        cluster.measure_lag()
        before_s = time.monotonic()
        time.sleep(report.scale.pick(10, 0.5))
        earlier = cluster.lags()
        broker.pause()
        cluster.measure_lag()
        paused_s = time.monotonic()
        time.sleep(seconds)
        lags = cluster.lags()
        until(lambda: cluster.look()["trouble"] != "")
        trouble = cluster.look()["trouble"]
        broker.resume()
        resumed_s = time.monotonic()
        time.sleep(report.scale.pick(3, 1))
        published = cluster.published()
        heard = listeners.finish(published)
        name = "node0"
        local = others.finish({name: published[name]})
        echoes = probe.finish()
        report.within("p99 of the event loops' lag", max(lag["p99"] for lag in lags), LAG_MS, "ms")
        report.note("p99 of it before, in ms", max(lag["p99"] for lag in earlier))
        report.note("the worst of it, in ms", max(lag["worst"] for lag in lags))
        report.note("the worst of it before, in ms", max(lag["worst"] for lag in earlier))
        alone, beside = echoes.p99(before_s, paused_s), echoes.p99(paused_s, resumed_s)
        report.ratio("p99 of the echoes of another client", beside, alone, 2)
        report.none_lost("echoes of another client", echoes.lost)
        report.equal("a node says that it is degraded", "not answered" in trouble, True)
        heard.check(report)
        report.none_lost("events of a node to its own clients, on the path without", local.lost)
        worst_s = local.delays[name]
        report.within("the worst delay of them", worst_s * 1000, LAG_MS * 2, "ms")
        report.equal("trouble in the logs", cluster.trouble(), [])

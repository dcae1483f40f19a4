"""The cable between a machine and Redis is pulled."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Final

from tests.torture.cluster import Cluster, make_broker
from tests.torture.listeners import Listeners
from tests.torture.namespaces import HUB, Machines
from tests.torture.report import Report
from tests.torture.server import until

__all__ = ["run"]

MACHINES: Final = ("one", "two")
CATCH_UP_S: Final = 5.0


def run(report: Report, folder: Path) -> None:
    seconds, rate = report.scale.pick(10.0, 3.0), report.scale.pick(400, 100)
    clients = report.scale.pick(20, 4)
    report.tell(
        "Redis and two nodes, each in a network namespace of its own; the cable of one node is"
        f" pulled for {seconds:g} s, while both publish {rate} events a second together to"
        f" {clients} clients each, some of whom lose their connection meanwhile."
    )
    with contextlib.ExitStack() as stack:
        machines = stack.enter_context(Machines("redis", *MACHINES))
        with machines.on("redis"):
            broker = make_broker(bind="0.0.0.0", protected_mode="no")
            stack.enter_context(broker)
        url = broker.url.replace("127.0.0.1", HUB)
        places = [lambda name=name: machines.on(name) for name in MACHINES]
        cluster = stack.enter_context(Cluster(folder, url, len(MACHINES), places=places))
        crowds = []
        for name, port in zip(MACHINES, cluster.ports, strict=True):
            with machines.on(name):
                crowds.append(stack.enter_context(Listeners([port], clients)))
        cluster.publish(rate)
        time.sleep(1)
        machines.cut(MACHINES[1])
        time.sleep(seconds / 2)
        for crowd in crowds:
            crowd.cut(0.25)
        time.sleep(seconds / 2)
        until(lambda: cluster.look(1)["trouble"] != "")
        trouble = cluster.look(1)["trouble"]
        machines.mend(MACHINES[1])
        back_s = time.monotonic()
        time.sleep(report.scale.pick(3, 1))
        published = cluster.published()
        report.equal("the node that is cut off says so", "not answered" in trouble, True)
        failed = {name: len(each.failed) for name, each in published.items()}
        report.note("events not acknowledged within 10 s", failed)
        for name, crowd in zip(MACHINES, crowds, strict=True):
            heard = crowd.finish(published, before_s=back_s)
            heard.check(report, f"node {name}: ")
            slowest = max(0.0, max(heard.last_s) - back_s)
            report.within(f"node {name}: the last had caught up, after", slowest, CATCH_UP_S, "s")
        report.equal("trouble in the logs", cluster.trouble(), [])

"""A node is killed, with all of its clients."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from tests.torture.cluster import Cluster, make_broker
from tests.torture.listeners import Heard, Listeners
from tests.torture.report import Report
from tests.torture.server import until

__all__ = ["run"]

NODES: Final = 3
BACK_S: Final = 10
GHOSTS_S: Final = 45

WEBSOCKETS: Final = """
@feed.on
async def open(socket):
    socket.join("hall")
"""


def run(report: Report, folder: Path) -> None:
    clients, rate = report.scale.pick(1000, 60), 20
    report.tell(
        f"One of {NODES} nodes is killed with {clients} clients, who are in a room, while the"
        f" others publish {rate} events a second on a path with a history."
    )
    with (
        make_broker() as broker,
        Cluster(folder, broker.url, NODES, websockets=WEBSOCKETS) as cluster,
        # All begin on the last one, and go on to the others.
        Listeners(cluster.ports[::-1], clients, spread=False) as listeners,
    ):
        others = range(NODES - 1)
        until(lambda: cluster.look()["members"] == clients)
        report.equal(
            "members of the room, as another node knows", cluster.look()["members"], clients
        )
        cluster.publish(rate, others)
        time.sleep(2)
        victim = cluster.nodes.pop()
        victim.process.kill()
        killed_s = time.monotonic()
        until(lambda: listeners.look().returns >= clients, BACK_S * report.scale.patience)
        members, known = _wait_for_ghosts(report, cluster, clients, killed_s)
        published = cluster.published(others)
        heard = listeners.finish(published)
        returns = sorted(_return_s(heard, killed_s))
        report.none_lost("clients that did not come back", clients - len(returns))
        report.within("the last one was back, after the kill", max(returns, default=0), BACK_S, "s")
        report.equal("members of the room at the end, as each node knows", members, {clients})
        report.equal("nodes at the end, as each node knows", known, {NODES - 1})
        heard.check(report)
        report.equal("trouble in the logs", cluster.trouble(), [])


def _wait_for_ghosts(
    report: Report, cluster: Cluster, clients: int, killed_s: float
) -> tuple[set[int], set[int]]:
    """Return how many members and nodes each node knows when those that have gone are gone."""

    def looks() -> list[dict[str, int]]:
        return [cluster.look(node) for node in range(NODES - 1)]

    def are_gone() -> bool:
        return all((look["members"], look["known"]) == (clients, NODES - 1) for look in looks())

    until(are_gone, GHOSTS_S * report.scale.patience)
    gone_s = time.monotonic() - killed_s
    report.within("who has gone was known to nobody, after the kill", gone_s, GHOSTS_S, "s")
    found = looks()
    return {look["members"] for look in found}, {look["known"] for look in found}


def _return_s(heard: Heard, killed_s: float) -> list[float]:
    """Return when each client was back, in seconds since the kill."""
    firsts = [[each.at_s for each in told if each.at_s > killed_s][:1] for told in heard.told]
    return [at_s - killed_s for first in firsts for at_s in first]

"""Several processes with a Redis between them are measured, and what they do wrong is found out."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.catalogue import PEERS, Peer
from benchmarks.cluster import Cluster, Publisher
from benchmarks.errors import MeasureError
from benchmarks.listeners import Listeners
from benchmarks.measures import Scale
from benchmarks.returning import come_back
from benchmarks.shared import event, fanout, recovery

ROOT = Path(__file__).resolve().parents[2]
# The suite has a project of its own in the environment.
FROM_SOURCE = {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "project.settings"}
KEPT = PEERS["product-history"]
SHORT = Scale(work=0.2, warm_up=0.05, idle=0.1)


@pytest.fixture(scope="module")
def cluster(redis_server: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    peer = dataclasses.replace(KEPT, environment={**KEPT.environment, **FROM_SOURCE})
    with Cluster(peer, cores=(), folder=folder) as cluster:
        yield cluster


@pytest.fixture
def crowd(cluster: Cluster) -> Iterator[Listeners]:
    ports = [server.port for server in cluster.servers]
    with Listeners(ports, cluster.peer.dialect, spin=False) as crowd:
        crowd.connect_to_each(3)
        yield crowd


def test_an_event_reaches_the_clients_of_both_servers(cluster: Cluster, crowd: Listeners) -> None:
    first = cluster.publisher.send(4, 100)
    run = crowd.hear(first, 4)
    cluster.publisher.wait()
    assert run.count == len(run.times) == 4 * 6
    assert all(0 < seconds < 5 for seconds in run.times)
    assert run.size > 64


def test_an_event_that_is_missing_is_found_out(cluster: Cluster, crowd: Listeners) -> None:
    first = cluster.publisher.send(3, 0)
    with pytest.raises(MeasureError, match=f"expected event {first + 1}, got {first}"):
        crowd.hear(first + 1, 2)
    cluster.publisher.wait()


def test_an_event_that_comes_too_often_is_found_out(cluster: Cluster, crowd: Listeners) -> None:
    crowd.say(1)
    crowd.hear(0, 1)
    crowd.said = 0
    crowd.say(1)
    with pytest.raises(MeasureError, match="expected event 1, got 0"):
        crowd.hear(1, 1)


def test_an_event_of_somebody_else_is_found_out(crowd: Listeners) -> None:
    with pytest.raises(MeasureError, match="expected 'shout' with "):
        crowd._check("shout", {"text": "another", "number": 1, "at": 1.0})


def test_what_an_event_costs_is_measured(cluster: Cluster) -> None:
    numbers = event(cluster, SHORT, clients=1, rate=100)
    assert 0 < numbers["p50_ms"] <= numbers["p99_ms"]
    assert numbers["busy_node_us"] > 0
    assert numbers["busy_redis_us"] > 0
    assert numbers["inside_us"] > 0
    assert numbers["together_us"] > 0


def test_deliveries_are_measured(cluster: Cluster) -> None:
    numbers = fanout(cluster, SHORT, clients=4, rate=50)
    assert 0 < numbers["p50_ms"] <= numbers["p99_ms"]
    assert numbers["busy_cpu_us"] > 0
    assert numbers["rate"] > 0


def test_clients_that_come_back_are_measured(cluster: Cluster) -> None:
    numbers = recovery(cluster, SHORT, clients=5, missed=7)
    assert numbers["ms"] > 0
    assert numbers["bare_ms"] > 0


def test_a_client_that_does_not_get_what_it_missed_is_found_out(
    cluster: Cluster, crowd: Listeners
) -> None:
    port = cluster.servers[1].port
    positions = come_back(port, [None], []).positions
    first = cluster.publisher.send(2, 0)
    crowd.hear(first, 2)
    cluster.publisher.wait()
    with pytest.raises(MeasureError, match=r"expected to be told \(True, 3\)"):
        come_back(port, positions, [first, first + 1, first + 2])
    with pytest.raises(MeasureError, match="expected 2 events in order, got"):
        come_back(port, positions, [first + 1, first])


def test_a_publisher_that_does_not_start_says_why(tmp_path: Path) -> None:
    peer = Peer(name="none", title="None", command=(), publisher=(sys.executable, "-c", "1/0"))
    publisher = Publisher(peer, core=None, log=tmp_path / "log")
    with (
        pytest.raises(MeasureError, match="(?s)to say 'ready', got ''.*ZeroDivisionError"),
        publisher,
    ):
        pass


def test_nothing_is_left_when_one_of_them_does_not_start(
    redis_server: None, tmp_path: Path
) -> None:
    peer = dataclasses.replace(PEERS["product"], command=(sys.executable, "-c", "1/0"))
    cluster = Cluster(peer, cores=(), folder=tmp_path)
    with pytest.raises(MeasureError, match="ended with 1"), cluster:
        pass
    assert "ZeroDivisionError" in cluster.output
    with pytest.raises(MeasureError, match="ended with -9"):
        cluster.broker.check()


def test_cores_are_dealt_out_in_turn(tmp_path: Path) -> None:
    cluster = Cluster(PEERS["product"], cores=(1, 2, 3), folder=tmp_path)
    assert [server.core for server in cluster.servers] == [1, 2]
    assert cluster.broker.core == cluster.publisher.core == 3
    assert Cluster(PEERS["product"], cores=(1,), folder=tmp_path).broker.core == 1
    assert Cluster(PEERS["product"], cores=(), folder=tmp_path).broker.core is None

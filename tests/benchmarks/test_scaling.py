"""The arithmetic of docs/scaling.md, and the simulations of it."""

from __future__ import annotations

import dataclasses
import json
import math
import random
import re
import socket
from pathlib import Path

import pytest

from benchmarks.catalogue import Peer
from benchmarks.results import Results
from benchmarks.scaling import __main__ as script
from benchmarks.scaling import moments, page, simulation
from benchmarks.scaling.costs import MEASURED, Costs
from benchmarks.scaling.load import APPLICATIONS, BUDGET, Application, carry, node_us
from benchmarks.server import Server
from tornado_websockets import conf
from tornado_websockets.server import shutdown

ROOT = Path(__file__).resolve().parents[2]
CHAT, NOTICES, TICKER = APPLICATIONS


@pytest.fixture(scope="module")
def costs() -> Costs:
    return Costs.load()


@pytest.fixture(scope="module")
def made(costs: Costs) -> dict[str, str]:
    return page.tables(costs)


def test_the_page_has_the_tables_of_the_script(made: dict[str, str]) -> None:
    text = page.PAGE.read_text()
    assert page.fill(text, made) == text, "run python -m benchmarks.scaling --write"


def test_formulas_and_simulations_agree(made: dict[str, str]) -> None:
    differences = re.findall(r"^\| (.+?) \|.*\| ([+-][\d.]+) % \|$", made["simulation"], re.M)
    assert len(differences) > 10
    for what, percent in differences:
        assert abs(float(percent)) < 5, what


def test_the_simulation_is_the_same_each_time(costs: Costs) -> None:
    def once() -> float:
        chance = random.Random(7)
        return simulation.all_are_back(1000, 5, costs.handshake_us, chance)

    assert once() == once()


def test_one_server_needs_no_redis(costs: Costs) -> None:
    alone = carry(CHAT, costs, 1)
    assert alone.brokers == 0
    assert alone.events_s == 0
    assert alone.total == alone.connections


def test_what_all_get_scales_with_the_servers(costs: Costs) -> None:
    ten, thousand = carry(TICKER, costs, 10), carry(TICKER, costs, 1000)
    assert thousand.total == pytest.approx(100 * ten.total, rel=0.01)


def test_what_few_get_does_not(costs: Costs) -> None:
    ten, thousand = carry(CHAT, costs, 10), carry(CHAT, costs, 1000)
    assert thousand.total < 10 * ten.total
    # However many there are, each of them hears all.
    most = BUDGET * 1e6 / costs.receive_us / CHAT.events_s
    assert thousand.total < most


def test_a_server_is_planned_for_its_budget(costs: Costs) -> None:
    found = carry(CHAT, costs, 10)
    each_us, fixed_us = node_us(CHAT, costs, 10)
    assert found.limit == "its core"
    assert each_us * found.connections + fixed_us == pytest.approx(BUDGET * 1e6, rel=0.001)


def test_memory_and_the_network_end_it_as_well(costs: Costs) -> None:
    idle = Application(title="Idle", told_s=1e-6, audience=1)
    assert carry(idle, costs, 1).limit == "4 GiB"
    free = dataclasses.replace(costs, delivery_us=0.01, connection_kib=0.1)
    assert carry(dataclasses.replace(TICKER, fixed_s=100.0), free, 1).limit == "10 Gbit/s"


def test_redis_servers_share_what_one_cannot_do(costs: Costs) -> None:
    found = carry(CHAT, costs, 1000)
    assert found.brokers >= found.redis_us / 1e6
    assert math.ceil(found.redis_us / (BUDGET * 1e6)) <= found.brokers


def test_the_greatest_of_many_queues_is_told(costs: Costs) -> None:
    # So few that nobody waits for others.
    assert moments.all_are_back_s(10, 100, costs.handshake_us) == moments.FIRST_DELAY_S
    assert moments.all_are_back_s(100_000, 1, 1000.0) == pytest.approx(100)


def test_a_server_that_is_ended_keeps_its_clients_away_for_a_while() -> None:
    assert moments.ended_s(1, 1, 500.0) < 1
    assert moments.ended_s(100_000, 1000, 500.0) == pytest.approx(10 + 2 + 15)
    # The others need longer than the clients were asked to take.
    assert moments.ended_s(100_000, 1, 500.0) == pytest.approx(10 + 2 + 50)


def test_percentiles_are_told() -> None:
    assert simulation.percentile(range(101), 0.99) == 99
    assert simulation.percentile([1.0], 0.99) == 1.0


def test_the_constants_are_those_of_client_and_server() -> None:
    client = (ROOT / "tornado_websockets/static/tornado_websockets/client.js").read_text()
    found = re.search(r"\[options\.reconnect_delay_ms=(\d+)\]", client)
    assert found is not None
    assert int(found[1]) / 1000 == moments.FIRST_DELAY_S
    seconds = conf.Config().shutdown_timeout * shutdown.CLIENTS_LEAVE
    assert seconds == pytest.approx(moments.LEAVE_S)


def test_costs_are_those_that_were_measured(tmp_path: Path) -> None:
    results = Results()
    kept: dict[tuple[str, str], dict[str, float]] = {}
    for number, (peer, measure, name) in enumerate(MEASURED.values(), 1):
        kept.setdefault((peer, measure), {})[name] = number + 0.123456
    for (peer, measure), numbers in kept.items():
        results.add(peer, measure, numbers)
    costs = Costs.of(results, "a machine")
    assert costs is not None
    assert costs.connection_kib == 1.123
    costs.save(tmp_path / "costs.json")
    assert Costs.load(tmp_path / "costs.json") == costs
    assert json.loads((tmp_path / "costs.json").read_text())["machine"] == "a machine"


def test_a_cost_that_is_next_to_nothing_is_a_cost() -> None:
    """What an idle server takes, and is taken off, may be more than that."""
    results = Results()
    kept: dict[tuple[str, str], dict[str, float]] = {}
    for peer, measure, name in MEASURED.values():
        kept.setdefault((peer, measure), {})[name] = 5.0
    kept["redis", "roster-1000"]["read_us"] = 0.0
    kept["product", "event-1"]["together_redis_us"] = -0.5
    for (peer, measure), numbers in kept.items():
        results.add(peer, measure, numbers)
    costs = Costs.of(results, "a machine")
    assert costs is not None
    assert (costs.read_us, costs.redis_together_us) == (0.0, 0.0)


def test_what_many_get_varies_little(costs: Costs) -> None:
    """Each delivery varies for itself, so that what comes next is no matter of luck."""
    shares = [
        simulation.busy(TICKER, costs, 10, 10_000, 10, random.Random(seed)) for seed in range(10)
    ]
    assert max(shares) < 1.03 * min(shares)


def test_without_one_of_the_measures_there_are_no_costs() -> None:
    results = Results()
    results.add("product", "idle-2000", {"kib": 7.0, "cpu_us": 300.0})
    assert Costs.of(results, "a machine") is None


def test_a_page_without_a_place_for_a_table_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one place '<!-- costs -->' in the page, got 0"):
        page.fill("nothing", {"costs": "table"})


def test_the_settings_of_redis_are_settings_of_redis(redis_server: None, tmp_path: Path) -> None:
    block = re.search(r"^```text\n(.+?)^```$", page.PAGE.read_text(), re.M | re.S)
    assert block is not None
    (tmp_path / "redis.conf").write_text(block[1])
    words = ("redis-server", "redis.conf", "--port", "{port}", "--bind", "127.0.0.1")
    peer = Peer(name="redis", title="Redis", command=words, folder=tmp_path)
    with (
        Server(peer, core=None, log=tmp_path / "log") as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=5) as client,
    ):
        client.sendall(b"CONFIG GET client-output-buffer-limit\r\n")
        answer = b""
        while answer.count(b"\r\n") < 5:
            answer += client.recv(4096)
    assert b"pubsub 268435456 67108864 60" in answer


def test_the_script_prints_and_writes(
    made: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # What takes some seconds is done once.
    monkeypatch.setattr(page, "tables", lambda costs: made)
    assert script.main([]) == 0
    assert made["chat"] in capsys.readouterr().out
    places = "".join(f"<!-- {name} -->\nWRONG\n<!-- end -->\n" for name in made)
    (tmp_path / "page.md").write_text(places)
    monkeypatch.setattr(page, "PAGE", tmp_path / "page.md")
    assert script.main(["--write"]) == 0
    assert "WRONG" not in (tmp_path / "page.md").read_text()

"""All kinds of traffic at once, while clients come and go."""

from __future__ import annotations

import concurrent.futures
import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

from benchmarks.frames import CLOSE, masked
from tests.torture.client import Client, reset
from tests.torture.probe import Probe
from tests.torture.project import make_project
from tests.torture.report import Report
from tests.torture.scenarios.slow import BROADCASTS
from tests.torture.server import Server, until

__all__ = ["run"]

SEED: Final = 14
RATE: Final = 50
STEADY: Final = 25
WORKERS: Final = 120

BAD: Final = (b"nonsense", b"[]", b"{}", b'{"event": "no_such_event"}')


class Ledger:
    """What the clients sent and got, of all threads."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []
        self._lock = threading.Lock()

    def add(self, counts: Counter[str]) -> None:
        with self._lock:
            self.counts += counts

    def fail(self, error: Exception) -> None:
        with self._lock:
            self.failures.append(f"{type(error).__name__}: {error}")


def run(report: Report, folder: Path) -> None:
    seconds = report.scale.pick(180, 3)
    report.tell(
        f"{RATE} connections a second for {seconds} s beside {STEADY} that stay: echoes on the"
        " loop and in threads, broadcasts, messages that cannot be used, pages of Django; they"
        " close, leave or reset."
    )
    with Server(make_project(folder, websockets=BROADCASTS)) as server:
        _churn(server, Ledger(), report.scale.pick(10, 1))
        until(lambda: server.now() == 0)
        first, descriptors, memory = server.state()["paths"], server.descriptors(), server.rss()
        ledger = Ledger()
        with Probe(server.port, connections=STEADY, rate=STEADY) as steady:
            samples = _churn(server, ledger, seconds)
            until(lambda: server.now() == STEADY and server.descriptors() <= descriptors + STEADY)
            report.equal("connections registered at the end", server.now(), STEADY)
            more = server.descriptors() - descriptors
            report.equal("descriptors more than at the start", more, STEADY)
            echoes = steady.finish()
        until(lambda: server.now() == 0)
        once = len(echoes.times) + STEADY  # each has asked once before it counts
        ledger.add(Counter({"/echo opened": STEADY, "/echo sent": once, "/echo got": once}))
        report.equal("sessions that went wrong", ledger.failures[:3], [])
        report.none_lost("echoes of those that stay", echoes.lost)
        _compare(report, ledger.counts, first, server.state()["paths"])
        report.at_most("growth of memory", server.rss() - memory, 3, "MiB")
        if report.scale.is_long:
            slope = _slope(samples[len(samples) // 4 :]) * 60
            report.at_most("slope of memory", slope, 0.5, "MiB a minute")
        report.equal("exit status", server.process.stop(), 0)
        report.equal("trouble in the log", server.trouble(), [])


def _compare(report: Report, counts: Counter[str], first: Any, last: Any) -> None:
    """Compare the server's counters with what the clients counted."""
    for path in ("/echo", "/room"):
        seen = Counter({key: last[path][key] - first[path][key] for key in ("opened", "events_in")})
        report.equal(f"{path}: connections opened", seen["opened"], counts[f"{path} opened"])
        report.equal(f"{path}: events in", seen["events_in"], counts[f"{path} sent"])
    out = last["/echo"]["events_out"] - first["/echo"]["events_out"]
    warned = last["/echo"]["warnings"] - first["/echo"]["warnings"]
    report.equal("/echo: events out", out, counts["/echo got"])
    report.equal("/echo: warnings", warned, counts["/echo bad"])
    lost = counts["/echo sent"] + counts["/echo bad"] - counts["/echo got"]
    report.none_lost("answers on /echo", lost)


def _churn(server: Server, ledger: Ledger, seconds: float) -> list[tuple[float, float]]:
    """Run sessions at a steady rate; return the memory in MiB over time."""
    chance = random.Random(SEED)
    samples = []
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for number in range(int(seconds * RATE)):
            time.sleep(max(0.0, started + number / RATE - time.monotonic()))
            pool.submit(_session, server, ledger, random.Random(chance.random()))
            if number % (RATE * 5) == 0:
                samples.append((time.monotonic() - started, server.rss()))
    return samples


def _session(server: Server, ledger: Ledger, chance: random.Random) -> None:
    counts: Counter[str] = Counter()
    try:
        if chance.random() < 0.2:
            assert server.get("/") == (200, "hello")
        elif chance.random() < 0.3:
            _visit_room(server, chance, counts)
        else:
            _visit_echo(server, chance, counts)
    except Exception as error:  # noqa: BLE001  told in the report
        ledger.fail(error)
    ledger.add(counts)


def _visit_room(server: Server, chance: random.Random, counts: Counter[str]) -> None:
    with Client(server.port, "/room") as client:
        counts["/room opened"] += 1
        size = chance.randrange(2000)
        client.emit("start", {"count": chance.randrange(1, 5), "rate": 20, "size": size})
        counts["/room sent"] += 1
        while client.receive()[0] != "done":
            pass
        _leave(client, chance)


def _visit_echo(server: Server, chance: random.Random, counts: Counter[str]) -> None:
    with Client(server.port, "/echo") as client:
        counts["/echo opened"] += 1
        for _ in range(chance.randrange(20)):
            if chance.random() < 0.1:
                client.send(masked(chance.choice(BAD)))
                counts["/echo bad"] += 1
                assert client.receive()[0] == "warning"
            else:
                event, data = chance.choice(["message", "threaded"]), {"n": chance.random()}
                client.emit(event, data)
                counts["/echo sent"] += 1
                assert client.receive() == (event, data)
            counts["/echo got"] += 1
            time.sleep(chance.random() / 10)
        _leave(client, chance)


def _leave(client: Client, chance: random.Random) -> None:
    how = chance.random()
    if how < 0.6:
        client.send(masked(b"\x03\xe8", CLOSE))
        client.closed()
    elif how < 0.8:
        reset(client.sock)


def _slope(samples: list[tuple[float, float]]) -> float:
    """Return the slope of the line that fits best, in MiB per second."""
    times, values = [t for t, _ in samples], [v for _, v in samples]
    mean_t, mean_v = sum(times) / len(times), sum(values) / len(values)
    above = sum((t - mean_t) * (v - mean_v) for t, v in samples)
    return above / (sum((t - mean_t) ** 2 for t in times) or 1)

"""Clients whose connections are reset at any moment, under load."""

from __future__ import annotations

import random
import socket
from pathlib import Path
from typing import Final

from benchmarks.frames import CLOSE, masked
from tests.torture.client import Client, envelope, reset, upgrade
from tests.torture.probe import Probe
from tests.torture.project import make_project
from tests.torture.report import Report
from tests.torture.scenarios.slow import BROADCASTS
from tests.torture.server import Server, until

__all__ = ["run"]

SEED: Final = 6
ALIVE: Final = 200
"""How many clients live at a time."""


def run(report: Report, folder: Path) -> None:
    clients = report.scale.pick(2000, 300)
    report.tell(
        f"{clients} clients, up to {ALIVE} at a time, that echo and get 1 kB 100 times a second,"
        " are reset at random moments: in the handshake, in a frame, with much unread, in the"
        " closing handshake."
    )
    with (
        Server(make_project(folder, websockets=BROADCASTS)) as server,
        Client(server.port, "/conductor") as conductor,
    ):
        conductor.emit("start", {"count": 1_000_000, "rate": 100, "size": 1000})
        _kill(server, clients)  # what the allocator keeps after the first crowd
        until(lambda: server.now() == 1)
        memory, descriptors, tasks = server.rss(), server.descriptors(), server.state()["tasks"]
        with Probe(server.port, rate=100) as probe:
            _kill(server, clients)
            echoes = probe.finish()

        def is_over() -> bool:
            return (
                server.now() == 1
                and server.descriptors() <= descriptors
                and server.state()["tasks"] <= tasks
            )

        seconds = until(is_over)
        report.equal("connections registered afterwards, the broadcaster's", server.now(), 1)
        report.at_most("descriptors more than before", server.descriptors() - descriptors, 0)
        report.at_most("tasks more than before", server.state()["tasks"] - tasks, 0)
        report.at_most("growth of memory", server.rss() - memory, 3, "MiB")
        report.within("until all was given back", seconds, 10, "s")
        report.none_lost("echoes of another client", echoes.lost)
        report.equal("trouble in the log", server.trouble(), [])


def _kill(server: Server, count: int) -> None:
    chance = random.Random(SEED)
    alive: list[socket.socket] = []
    for _ in range(count):
        alive.append(_client(server, chance))
        if len(alive) >= ALIVE:
            reset(alive.pop(chance.randrange(len(alive))))
    chance.shuffle(alive)
    for sock in alive:
        reset(sock)


def _client(server: Server, chance: random.Random) -> socket.socket:
    """Return a connection at a moment of its life."""
    path = chance.choice(["/echo", "/room"])
    if chance.random() < 0.1:
        sock = socket.create_connection(("127.0.0.1", server.port))
        host = f"127.0.0.1:{server.port}"
        request = upgrade(path, [("Host", host), ("Origin", f"http://{host}")])
        sock.sendall(request[: chance.randrange(len(request) + 1)])
        return sock
    client = Client(server.port, path, buffer=4096)
    echo = envelope(chance.choice(["message", "threaded"]), {"text": "x" * chance.randrange(5000)})
    client.send(echo * chance.randrange(1, 10))
    moment = chance.random()
    if moment < 0.3:
        client.send(echo[: chance.randrange(1, len(echo))])
    elif moment < 0.4:
        client.send(masked(b"\x03\xe8", CLOSE))
    return client.sock

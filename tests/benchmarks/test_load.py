from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.catalogue import PEERS, Peer
from benchmarks.dialects import ENVELOPE
from benchmarks.errors import MeasureError
from benchmarks.load import Clients
from benchmarks.server import Meter, Server

DATA = {"text": "hello"}


def liar(way: str) -> Peer:
    return Peer(
        name="liar",
        title="Liar",
        command=(sys.executable, "liar.py", "{port}", way),
        folder=Path(__file__).parent,
    )


@pytest.fixture
def tornado(tmp_path: Path) -> Iterator[Server]:
    with Server(PEERS["tornado"], core=None, log=tmp_path / "log") as server:
        yield server


@pytest.fixture
def clients(tornado: Server) -> Iterator[Clients]:
    with Clients(tornado.port, ENVELOPE, spin=False) as clients:
        clients.connect(5)
        yield clients


def test_echoes_are_counted_and_timed(clients: Clients) -> None:
    run = clients.echo("message", DATA, 0.1)
    assert run.count == len(run.times) >= 5
    assert run.seconds >= 0.1
    assert 0 < min(run.times) <= max(run.times) < run.seconds


def test_a_broadcast_is_complete_when_all_have_it(clients: Clients) -> None:
    run = clients.shout("shout", DATA, 0.1)
    assert run.count == 5 * len(run.times)


def test_a_pace_is_kept(clients: Clients) -> None:
    run = clients.pace("message", DATA, 0.2, rate=500)
    assert run.count == len(run.times) == 100
    assert run.seconds >= 0.19


def test_a_pace_of_broadcasts_is_kept_and_all_get_each(clients: Clients) -> None:
    data = {"text": "x" * 10_000}  # more than is read at a time of smaller messages
    run = clients.pace_shout("shout", data, 0.2, rate=100)
    assert run.count == len(run.times) == 20 * 5
    assert run.seconds >= 0.19
    assert run.size > 10_000


def test_a_client_that_has_stalled_is_not_waited_for(clients: Clients) -> None:
    clients.stall()
    assert len(clients) == 5
    assert clients.pace_shout("shout", DATA, 0.1, rate=100).count == 10 * 5


def test_the_work_of_a_server_is_metered(tornado: Server, clients: Clients) -> None:
    with Meter(tornado, idle_s=0.05, tend=clients.tend) as meter:
        run = clients.echo("message", DATA, 0.3)
    assert 0 < meter.cpu_s < run.seconds + 0.3
    assert tornado.rss() > 1_000_000


@pytest.mark.parametrize(
    ("way", "complaint"),
    [
        ("alters", "expected .*hello"),
        ("repeats", "2 replies to one message"),
        ("closes", "closed a connection"),
    ],
)
def test_a_server_that_does_other_work_is_found_out(
    tmp_path: Path, way: str, complaint: str
) -> None:
    with (
        Server(liar(way), core=None, log=tmp_path / "log") as server,
        Clients(server.port, ENVELOPE, spin=False) as clients,
    ):
        clients.connect(1)
        with pytest.raises(MeasureError, match=complaint):
            clients.echo("message", DATA, 5)


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    peer = Peer(name="none", title="None", command=(sys.executable, "-c", "print('so'); 1/0"))
    server = Server(peer, core=None, log=tmp_path / "log")
    with pytest.raises(MeasureError, match="ended with 1"), server:
        pass
    assert "ZeroDivisionError" in server.output


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    peer = Peer(name="none", title="None", command=("no-such-program",))
    server = Server(peer, core=None, log=tmp_path / "log")
    with pytest.raises(MeasureError, match="no-such-program was not found"), server:
        pass

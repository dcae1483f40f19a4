"""How much of what was missed is sent at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tests.tornado_websockets.layers.clients import Client
from tornado_websockets.history import History, Position
from tornado_websockets.layers.log import Log
from tornado_websockets.layers.replay import SHARE, Early, Progress, Replay
from tornado_websockets.outgoing import Outgoing


def make(events: int, *, keep: int = 10_000) -> Log:
    log = Log(History(events=keep), time.monotonic)
    log.begin("e")
    more(log, events)
    return log


def more(log: Log, events: int) -> None:
    for _ in range(events):
        number = log.top[0] + 1
        log.append((number, 0), Outgoing(str(number), b"{}"), ["odd"] if number % 2 else ())


def replay(
    log: Log, client: Client, *sockets: str, at: int = 0, early: Sequence[Early] = ()
) -> Replay:
    return Replay(log, client, Position("e", (at, 0), frozenset(sockets)), lambda: early)


def waiting(*names: str) -> list[Early]:
    return [Early(Outgoing(name, b"{}"), ["odd"] if name == "b" else ()) for name in names]


def test_who_has_everything_gets_nothing() -> None:
    client = Client()
    found = replay(make(5), client, at=5)
    assert (found.count(), found.send(), client.got) == (0, Progress.DONE, [])


def test_a_share_is_not_longer_than_it_may_be() -> None:
    client = Client()
    log = make(2 * SHARE)
    found = replay(log, client)
    assert found.count() == 2 * SHARE
    assert found.send() is Progress.BEHIND
    assert len(client.got) == SHARE
    more(log, 1)
    assert found.send() is Progress.BEHIND
    assert found.send() is Progress.DONE
    assert client.got == [str(number) for number in range(1, 2 * SHARE + 2)]


def test_a_client_gets_no_more_than_it_takes() -> None:
    client = Client(takes=3)
    found = replay(make(6), client)
    assert found.send() is Progress.BEHIND
    assert client.got == ["1", "2", "3"]
    assert found.send() is Progress.BEHIND
    client.read()
    assert found.send() is Progress.DONE
    assert client.got == ["1", "2", "3", "4", "5", "6"]


def test_what_excludes_a_client_is_passed_over() -> None:
    client = Client()
    found = replay(make(4), client, "even", "odd")
    assert found.count() == 2
    assert found.send() is Progress.DONE
    assert client.got == ["2", "4"]
    assert found.offset == (4, 0)


def test_what_the_log_has_let_go_of_is_lost() -> None:
    """What comes behind it is not, once it is known that something is missing."""
    client = Client(takes=2)
    log = make(10, keep=10)
    found = replay(log, client)
    assert found.send() is Progress.BEHIND
    more(log, 2)
    assert found.send() is Progress.BEHIND
    more(log, 1)
    assert (found.count(), found.send()) == (None, Progress.LOST)
    found.skip()
    client.read()
    more(log, 1)
    assert found.send() is Progress.DONE
    assert client.got == ["1", "2", "14"]


def test_a_new_beginning_leaves_nothing_to_replay() -> None:
    client = Client(takes=1)
    log = make(10)
    found = replay(log, client)
    assert found.send() is Progress.BEHIND
    log.begin("f")
    assert found.send() is Progress.LOST
    found.skip()
    client.read()
    assert found.send() is Progress.DONE


def test_what_is_in_no_log_yet_comes_last() -> None:
    client = Client()
    found = replay(make(2), client, early=waiting("a", "b", "c"))
    assert (found.count(), found.send()) == (2, Progress.DONE)
    assert client.got == ["1", "2", "a", "b", "c"]


def test_whom_it_excludes_does_not_get_it() -> None:
    client = Client()
    assert replay(make(0), client, "odd", early=waiting("a", "b", "c")).send() is Progress.DONE
    assert client.got == ["a", "c"]


def test_it_comes_in_shares_as_well_and_moves_to_the_log_meanwhile() -> None:
    client = Client(takes=3)
    log, early = make(1), waiting("a", "b", "c")
    found = replay(log, client, early=early)
    assert found.send() is Progress.BEHIND
    assert client.got == ["1", "a", "b"]
    early += waiting("d")
    client.read(4)
    assert found.send() is Progress.BEHIND
    assert client.got == ["1", "a", "b", "c"]
    more(log, 3)  # a, b and c, with their offsets
    del early[:3]
    client.read()
    assert found.send() is Progress.DONE
    assert client.got == ["1", "a", "b", "c", "2", "3", "4", "d"]
    assert found.send() is Progress.DONE
    assert len(client.got) == 8


def test_much_of_it_takes_turns() -> None:
    client = Client()
    found = replay(make(0), client, early=waiting(*(f"{n}" for n in range(2 * SHARE + 1))))
    assert [found.send() for _ in range(3)] == [Progress.BEHIND, Progress.BEHIND, Progress.DONE]
    assert len(client.got) == 2 * SHARE + 1


def test_it_comes_also_when_nobody_knows_what_is_kept() -> None:
    client = Client()
    log = Log(History(), time.monotonic)
    found = Replay(log, client, Position("", (0, 0), frozenset()), lambda: waiting("a"))
    assert found.send() is Progress.DONE
    assert client.got == ["a"]
    log.begin("e")
    assert found.send() is Progress.LOST

"""Messages and frames that nobody should send: each gets its documented answer."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.torture.client import Client
from tests.torture.probe import Probe
from tests.torture.project import make_project
from tests.torture.report import Report
from tests.torture.scenarios.nonsense import CORPUS, Message, messages, violations
from tests.torture.server import Server, until

__all__ = ["run"]

SEED: Final = 2
BATCH: Final = 100

# The object of 7 MB is to arrive, and no connection to be closed for the mere number of mistakes.
LIMITS: Final = "{'limits': {'message_size': 8 * 2**20, 'bad_frames': None}}"


def run(report: Report, folder: Path) -> None:
    count, broken = report.scale.pick(90_000, 2_000), report.scale.pick(10_000, 200)
    report.tell(
        f"{count} messages from a generator with a fixed seed, one in ten of them well,"
        f" {broken} frames that break RFC 6455, each on a connection of its own, and a corpus of"
        f" {len(CORPUS)} that have broken others. (The limit of bad frames is off.)"
    )
    with Server(make_project(folder, tornado=LIMITS)) as server:
        _answers(server, itertools.islice(messages(SEED + 1), 2_000))
        _answers(server, iter(CORPUS.values()), batch=1)
        _ends(server, 100, SEED + 1)
        until(lambda: server.now() == 0)
        memory, descriptors = server.rss(), server.descriptors()
        with Probe(server.port, rate=50) as probe:
            wrong = _answers(server, itertools.islice(messages(SEED), count))
            ends = _ends(server, broken, SEED)
            named = _name_wrong(server)
            echoes = probe.finish()
        until(lambda: server.now() == 0)
        report.equal("a batch of messages with other answers than documented", wrong, [])
        report.equal("frames with another close code than documented", ends, [])
        report.equal("of the corpus, with another answer", named, [])
        report.at_most("growth of memory", server.rss() - memory, 5, "MiB")
        report.at_most("descriptors more than before", server.descriptors() - descriptors, 0)
        report.none_lost("echoes of another client", echoes.lost)
        report.equal("connections registered afterwards", server.now(), 0)
        report.equal("trouble in the log", server.trouble(), [])


def _answers(server: Server, sent: Iterator[Message], *, batch: int = BATCH) -> list[str]:
    """Send messages over one connection, and return what was answered too often or too seldom.

    A warning need not wait for the callback of an earlier message, so it is batches that compare.
    """
    wrong: Counter[str] = Counter()
    with Client(server.port) as client:
        while group := list(itertools.islice(sent, batch)):
            client.send(b"".join(message.frame for message in group))
            wrong.update(message.answer for message in group)
            for _ in group:
                event, data = client.receive()
                wrong[data["code"] if event == "warning" else event] -= 1
            if any(wrong.values()):
                break
    return [f"{-count:+d} {answer}" for answer, count in wrong.items() if count]


def _name_wrong(server: Server) -> list[str]:
    """Return the names of the corpus that got other answers."""
    return [
        f"{name}: {wrong[0]}"
        for name, message in CORPUS.items()
        if (wrong := _answers(server, iter([message])))
    ]


def _ends(server: Server, count: int, seed: int) -> list[str]:
    """Send frames that end connections, and return the first that got other codes."""
    wrong = []
    for violation in itertools.islice(violations(seed), count):
        with Client(server.port) as client:
            client.send(violation.frame)
            code = client.closed()
        if code != violation.code:
            wrong.append(f"{violation.frame[:40]!r}: {violation.code} expected, got {code}")
    return wrong[:3]

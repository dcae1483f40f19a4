"""Many clients that come back with their position, as whoever makes the trouble sees them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

from tests.site import ROOT
from tests.torture.cluster import Published
from tests.torture.ledger import Told
from tests.torture.report import Report

__all__ = ["Heard", "Listeners", "Sight"]


class Sight(NamedTuple):
    """How the clients are.

    Attributes:
        open: how many are connected.
        returns: how often they have been told where they are, but for the first time.
        unrecovered: how many have been told that something is missing.
    """

    open: int
    returns: int
    unrecovered: int


class Heard(NamedTuple):
    """What the clients have heard.

    Attributes:
        events: how many, of all clients.
        lost: events that were acknowledged, and never came, of all clients.
        failed: events that were not acknowledged, and never came.
        duplicates: events that came twice.
        disorder: events that came behind later ones of their publisher.
        losers: clients that have lost some: what, and on which connection they are.
        last_s: of each client, when the last came of those that were sent before the moment in
            question; 0 when none did.
        delays: of each publisher, the longest time from sending to hearing, in seconds.
        told: of each client, what servers have told it about what it missed.
        codes: how connections ended that the clients did not cut.
        odd: what else came.
    """

    events: int
    lost: int
    failed: int
    duplicates: int
    disorder: int
    losers: list[str]
    last_s: list[float]
    delays: dict[str, float]
    told: list[list[Told]]
    codes: dict[str, int]
    odd: dict[str, int]

    @property
    def returns(self) -> int:
        """How often clients came back."""
        return sum(told.recovered is not None for each in self.told for told in each)

    @property
    def unrecovered(self) -> int:
        """How often a client was told that it did not get everything."""
        return sum(told.recovered is False for each in self.told for told in each)

    def check(self, report: Report, where: str = "") -> None:
        """Check that all came, once and in order, and nobody was told otherwise.

        Args:
            where: begins what the report says, when there are several such crowds.
        """
        report.none_lost(f"{where}acknowledged events that did not come", self.lost)
        if self.losers:
            report.note(f"{where}who lost them", self.losers)
        report.note(f"{where}events that were not acknowledged, and did not come", self.failed)
        report.equal(f"{where}events that came twice", self.duplicates, 0)
        report.equal(f"{where}events behind later ones of their publisher", self.disorder, 0)
        report.note(f"{where}times that a client came back", self.returns)
        report.equal(f"{where}of these, told that something is missing", self.unrecovered, 0)
        report.note(f"{where}connections that the server ended, by close code", self.codes)
        report.equal(f"{where}other events", self.odd, {})


class Listeners:
    """So many clients, in a process of their own, until it is left.

    Args:
        ports: of the nodes that they connect to, one after the other.
        pace: see `Commons`.
        history: whether the path has one.
        spread: whether they begin on all nodes, or on the first one.
    """

    def __init__(
        self,
        ports: Sequence[int],
        count: int,
        *,
        path: str = "/feed",
        pace: tuple[float, float] | None = None,
        history: bool = True,
        spread: bool = True,
    ) -> None:
        words = [list(ports), count, path, pace, history, spread]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.listening", json.dumps(words)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        try:
            self._answer()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.communicate()

    def cut(self, share: float) -> int:
        """Cut some of the connections, and return how many; their clients come back."""
        count: int = self._ask("cut", share=share)
        return count

    def look(self) -> Sight:
        """Return how the clients are now."""
        return Sight(**self._ask("look"))

    def finish(
        self,
        published: Mapping[str, Published],
        *,
        before_s: float = 0,
        timeout_s: float = 30,
    ) -> Heard:
        """Wait until all have what was acknowledged, and return what they have heard.

        Args:
            before_s: the moment of `Heard.last_s`.
        """
        found = self._ask(
            "finish",
            counts={name: each.events for name, each in published.items()},
            failed={name: each.failed for name, each in published.items()},
            before_s=before_s,
            timeout_s=timeout_s,
        )
        found["told"] = [[Told(*told) for told in each] for each in found["told"]]
        return Heard(**found)

    def _ask(self, question: str, **words: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": question, **words}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError("the listeners have ended")
        return json.loads(line)

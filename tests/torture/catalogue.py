"""The scenarios."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from tests.torture.report import Report
from tests.torture.scenarios import (
    churn,
    cpu,
    database,
    descriptors,
    emptied,
    flood,
    frozen,
    loris,
    lostnode,
    malformed,
    origins,
    outage,
    oversize,
    partition,
    replay,
    resets,
    sessions,
    severed,
    shutdown,
    slow,
    spoofing,
)

__all__ = ["SCENARIOS", "Scenario"]


class Scenario(NamedTuple):
    """One kind of bad day.

    Attributes:
        run: tries it, with an empty folder for the project, and fills the report.
    """

    number: int
    title: str
    run: Callable[[Report, Path], None]

    @property
    def name(self) -> str:
        """The name of its module."""
        return self.run.__module__.rpartition(".")[2]


SCENARIOS: Final = (
    Scenario(1, "Origins and hosts", origins.run),
    Scenario(2, "Malformed messages and frames", malformed.run),
    Scenario(3, "A flood from clients that do not read", flood.run),
    Scenario(4, "Too much in one message", oversize.run),
    Scenario(5, "Slow readers", slow.run),
    Scenario(6, "Clients that vanish", resets.run),
    Scenario(7, "Stopping under load", shutdown.run),
    Scenario(8, "No file descriptors left", descriptors.run),
    Scenario(9, "The database goes away", database.run),
    Scenario(10, "Sessions that end", sessions.run),
    Scenario(11, "Slow handshakes, and floods from one address", loris.run),
    Scenario(12, "Views that sleep or compute", cpu.run),
    Scenario(13, "Spoofed headers, smuggled requests, injected lines", spoofing.run),
    Scenario(14, "Mixed traffic and churn", churn.run),
    Scenario(15, "Redis goes away", outage.run),
    Scenario(16, "Redis comes back empty", emptied.run),
    Scenario(17, "Connections to Redis that break", severed.run),
    Scenario(18, "Redis stops answering", frozen.run),
    Scenario(19, "A node is lost", lostnode.run),
    Scenario(20, "Coming back while much is published", replay.run),
    Scenario(21, "A cable is pulled between machines", partition.run),
)

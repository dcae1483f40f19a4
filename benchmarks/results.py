"""The numbers of all rounds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.measures import Numbers

__all__ = ["Results"]


class Results:
    """What came out, by peer and measure, round by round."""

    def __init__(self) -> None:
        self._rounds: dict[tuple[str, str], list[Numbers | str]] = {}

    def add(self, peer: str, measure: str, outcome: Numbers | str) -> None:
        """Add one round: its numbers, or why there are none."""
        self._rounds.setdefault((peer, measure), []).append(outcome)

    def add_others(
        self, raw: Mapping[str, Sequence[Numbers | str]], measures: Sequence[str]
    ) -> None:
        """Add what an earlier run has returned as `raw`, but for some measures."""
        for name, rounds in raw.items():
            peer, measure = name.split()
            if measure not in measures:
                self._rounds[peer, measure] = list(rounds)

    def has(self, peer: str, measure: str) -> bool:
        """Return whether it was tried."""
        return (peer, measure) in self._rounds

    def median(self, peer: str, measure: str, number: str) -> float | None:
        """Return the median of the rounds, None when it was not measured in each."""
        rounds = self._rounds.get((peer, measure), [])
        values = [outcome[number] for outcome in rounds if not isinstance(outcome, str)]
        return statistics.median(values) if values and len(values) == len(rounds) else None

    def ratio(self, peer: str, other: str, measure: str, number: str) -> float | None:
        """Return the median of the ratios to another, None when one was not measured in a round.

        Round by round, since what slows the machine down for a while slows down both.
        """
        rounds = zip(self._rounds[peer, measure], self._rounds[other, measure], strict=True)
        ratios = []
        for own, others in rounds:
            if isinstance(own, str) or isinstance(others, str):
                return None
            ratios.append(own[number] / others[number])
        return statistics.median(ratios)

    def failures(self) -> list[tuple[str, str, str]]:
        """Return peer, measure and reason of all that failed in a round, once each."""
        return [
            (peer, measure, reasons[0])
            for (peer, measure), rounds in self._rounds.items()
            if (reasons := [outcome for outcome in rounds if isinstance(outcome, str)])
        ]

    def raw(self) -> dict[str, Any]:
        """Return everything, for JSON."""
        return {f"{peer} {measure}": rounds for (peer, measure), rounds in self._rounds.items()}

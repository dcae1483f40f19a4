"""What a scenario tried, what was promised, and what was seen."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from tests.torture.scale import Scale

__all__ = ["BROKEN", "KEPT", "LATE", "SKIPPED", "TOLD", "Check", "Report"]

KEPT: Final = "kept"
LATE: Final = "late"
BROKEN: Final = "broken"
SKIPPED: Final = "skipped"
TOLD: Final = ""
"""Of a number that nothing is promised about."""

MAX_TEXT: Final = 200
"""Characters of a cell."""


class Check(NamedTuple):
    """One promise, beside what was seen.

    Attributes:
        is_loss: it counts what should not have been lost.
    """

    what: str
    promised: str
    seen: str
    verdict: str
    is_loss: bool = False


class Report:
    """Collects the checks of one scenario."""

    def __init__(self, scale: Scale) -> None:
        self.scale = scale
        self.tried: list[str] = []
        self.checks: list[Check] = []

    @property
    def broken(self) -> list[Check]:
        """The promises that were not kept."""
        return [check for check in self.checks if check.verdict == BROKEN]

    @property
    def skipped(self) -> list[Check]:
        """What could not be tried on this machine."""
        return [check for check in self.checks if check.verdict == SKIPPED]

    @property
    def lost(self) -> str:
        """What was lost, in words."""
        if self.skipped:
            return "nobody knows"
        lost = [f"{check.seen} {check.what}" for check in self.checks if check.is_loss]
        return ", ".join(item for item in lost if not item.startswith("0 ")) or "nothing"

    def tell(self, sentence: str) -> None:
        """Say what was tried."""
        self.tried.append(sentence)

    def note(self, what: str, seen: Any) -> None:
        """Tell a number that nothing is promised about."""
        self.checks.append(Check(what, "", _text(seen), TOLD))

    def skip(self, reason: str) -> None:
        """Tell why the scenario could not be tried."""
        self.checks.append(Check("the scenario itself", "tried", reason, SKIPPED))

    def equal(self, what: str, seen: Any, promised: Any) -> None:
        """Check that something is exactly as promised."""
        verdict = KEPT if seen == promised else BROKEN
        self.checks.append(Check(what, _text(promised), _text(seen), verdict))

    def none_lost(self, what: str, lost: int) -> None:
        """Check that nothing was lost of what has to survive."""
        self.checks.append(Check(what, "0", str(lost), KEPT if lost == 0 else BROKEN, is_loss=True))

    def at_most(self, what: str, seen: float, promised: float, unit: str = "") -> None:
        """Check an amount, strictly."""
        verdict = KEPT if seen <= promised else BROKEN
        self._bound(what, f"at most {promised:g}", seen, unit, verdict)

    def at_least(self, what: str, seen: float, promised: float, unit: str = "") -> None:
        """Check an amount, strictly."""
        verdict = KEPT if seen >= promised else BROKEN
        self._bound(what, f"at least {promised:g}", seen, unit, verdict)

    def within(self, what: str, seen: float, promised: float, unit: str) -> None:
        """Check a time, or what depends on how busy the machine is."""
        verdict = KEPT if seen <= promised else LATE
        if seen > promised * self.scale.patience:
            verdict = BROKEN
        self._bound(what, f"at most {promised:g}", seen, unit, verdict)

    def ratio(self, what: str, seen: float, baseline: float, promised: float) -> None:
        """Check a time against the same without trouble, where the run is long enough for that."""
        times = seen / baseline if baseline else 0.0
        sight = f"{times:.2f} x ({baseline:.1f} ms → {seen:.1f} ms)"
        verdict = KEPT if times <= promised else LATE
        if times > promised * self.scale.patience:
            verdict = BROKEN
        if self.scale.is_long:
            self.checks.append(Check(what, f"at most {promised:g} x", sight, verdict))
        else:
            self.note(what, sight)

    def _bound(self, what: str, promised: str, seen: float, unit: str, verdict: str) -> None:
        text = f"{_text(seen)} {unit}".strip()
        self.checks.append(Check(what, f"{promised} {unit}".strip(), text, verdict))


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.1f}"
    if isinstance(value, list | set | tuple | dict) and not value:
        return "none"
    if isinstance(value, dict):
        value = [f"{count} x {key}" for key, count in value.items()]
    if isinstance(value, list | set | tuple):
        value = ", ".join(sorted(map(str, value)) if isinstance(value, set) else map(str, value))
    text = " ".join(str(value).split())
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"

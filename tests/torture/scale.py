"""How much a run tries, and how exact it is about time."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeVar

__all__ = ["LONG", "SHORT", "Scale"]

Amount = TypeVar("Amount", int, float)


class Scale(NamedTuple):
    """One of the two forms of every scenario.

    Attributes:
        is_long: the form of ``make torture``; the other one is for the suite.
        patience: a promise about time that is missed by up to this factor is told, but fails
            nothing: the machine may have been busy. Loss, growth and codes have no such factor.
    """

    is_long: bool
    patience: float

    def pick(self, long: Amount, short: Amount) -> Amount:
        """Return the amount for this form."""
        return long if self.is_long else short


LONG: Final = Scale(is_long=True, patience=3)
SHORT: Final = Scale(is_long=False, patience=10)

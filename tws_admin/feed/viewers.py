"""Those who watch, and which tick each of them has.

Pure.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from typing import Final, Generic, TypeVar

__all__ = ["MAX_PACE_S", "Viewer", "Viewers"]

MAX_PACE_S: Final = 60
"""The most seconds that a viewer may want between two ticks."""

Key = TypeVar("Key")


@dataclasses.dataclass(slots=True)
class Viewer:
    """One who watches.

    Attributes:
        seq: the last tick that is on its way to the viewer.
        every_s: seconds from one tick to the next.
    """

    seq: int
    every_s: int = 1


class Viewers(dict[Key, Viewer], Generic[Key]):
    """The viewers by connection."""

    def due(self, seq: int) -> list[Key]:
        """Return those who are to get a tick that is made now."""
        return [key for key, viewer in self.items() if seq - viewer.seq >= viewer.every_s]

    def groups(self, keys: list[Key]) -> dict[int, list[Key]]:
        """Return viewers by the tick that they have."""
        found = defaultdict(list)
        for key in keys:
            found[self[key].seq].append(key)
        return dict(found)

    def advance(self, keys: list[Key], seq: int) -> None:
        """Note that these viewers get a tick."""
        for key in keys:
            self[key].seq = seq

"""Which connections of this process have followed on others of the same clients."""

from __future__ import annotations

from collections.abc import Collection

__all__ = ["Succession"]


class Succession:
    """Knows who has come back on another connection, as far as clients have said so.

    What a client says is to its own disadvantage at most: it misses what its former connections
    are excluded from.
    """

    def __init__(self) -> None:
        self._former: dict[str, Collection[str]] = {}
        self._heirs: dict[str, set[str]] = {}

    def __len__(self) -> int:
        return len(self._heirs)

    def add(self, id: str, former: Collection[str]) -> None:
        """Note that a client who had some connections has another one now.

        Args:
            id: of the one that it has.
            former: ids of those that it had.
        """
        self._former[id] = former
        for each in former:
            self._heirs.setdefault(each, set()).add(id)

    def forget(self, id: str) -> None:
        """Forget a connection that has ended; one that followed on none is no error."""
        for each in self._former.pop(id, ()):
            heirs = self._heirs[each]
            heirs.discard(id)
            if not heirs:
                del self._heirs[each]

    def with_heirs(self, ids: Collection[str]) -> Collection[str]:
        """Return the ids of some connections, and of those that have followed on them."""
        found = [self._heirs[each] for each in ids if each in self._heirs]
        return {*ids}.union(*found) if found else ids

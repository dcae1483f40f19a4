"""What viewers see where there is one node: itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tws_admin.feed.nodes import NoSuchNodeError
from tws_admin.feed.observer import Observer

__all__ = ["Alone"]


class Alone:
    """Does for one node what `tws_admin.feed.together.Together` does for several.

    Args:
        observer: of this node.
        send: is called when there is a new tick.
    """

    def __init__(self, observer: Observer, send: Callable[[Observer], None]) -> None:
        self._observer = observer
        self._send = send

    @property
    def views(self) -> list[Observer]:
        """The only one."""
        return [self._observer]

    def tick(self) -> None:
        """Send what is new."""
        self._observer.attempt("the ticks", self._send, self._observer)

    def end(self) -> None:
        """Do nothing: the observer's last tick is that of its viewers."""

    async def look(
        self, node: str | None, range: str, *, keep: bool = False
    ) -> tuple[Observer, dict[str, Any]]:
        """Return the observer, and the data of a snapshot.

        Args:
            node: None.
            range: of the history.
            keep: does nothing.

        Raises:
            NoSuchNodeError: a node is asked for, and here are none.
        """
        if node is not None:
            raise NoSuchNodeError(node)
        return self._observer, self.alone(range)

    def alone(self, range: str) -> dict[str, Any]:
        """Return a snapshot.

        Args:
            range: of the history.
        """
        return self._observer.snapshot(range)

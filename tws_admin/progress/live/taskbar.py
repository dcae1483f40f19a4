"""The progress bar of a run, as pages of the project show it with ``ModuleProgressBar``."""

from __future__ import annotations

from typing import Any

from tornado_websockets.modules import ProgressBar
from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin.progress.live.board import Row, is_active

__all__ = ["TaskBar"]


class TaskBar(ProgressBar):
    """A bar that shows a row; the run is what drives it, nobody else does.

    ``update`` and ``init`` have the row besides, as ``task``. For each row that is shown there is
    one of them; ``before_…`` and ``after_…`` are for a client that connects.

    Args:
        row: of the run.
    """

    def __init__(self, row: Row) -> None:
        super().__init__()
        self._take(row)

    def is_done(self) -> bool:
        """Return True when the run has ended, however."""
        return not is_active(self.row)

    def show(self, row: Row) -> None:
        """Show how the run is now, to every client."""
        before, was_done = self._measure, self.is_done()
        self._take(row)
        begins_anew = was_done and not self.is_done()
        self.emit("init" if begins_anew or before != self._measure else "update", self._data())
        if self.is_done() and not was_done:
            self.emit("done")

    def emit_init(self, *, socket: WebSocketHandler | None = None) -> None:
        """Send ``before_init``, ``init`` and ``after_init``, and ``done`` after the end.

        Args:
            socket: the one client to send them to; None is all.
        """
        events: dict[str, Any] = {"before_init": None, "init": self._data(), "after_init": None}
        if self.is_done():
            events["done"] = None
        for event, data in events.items():
            if socket is None:
                self.emit(event, data)
            else:
                socket.emit(self.prefix + event, data)

    # Private.

    @property
    def _measure(self) -> tuple[int, bool]:
        return self.max, self.indeterminate

    def _take(self, row: Row) -> None:
        self.row = row
        self.max = row["total"] or 0
        self.indeterminate = not row["total"]
        # More than was expected is in the row.
        self.current = min(row["done"], self.max)
        self.label = row["label"] or None

    def _data(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "label": self.label,
            "indeterminate": self.indeterminate,
            "task": self.row,
        }
        if not self.indeterminate:
            data |= {"min": self.min, "max": self.max, "value": self.current}
        return data

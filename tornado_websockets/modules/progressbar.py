"""A bar that shows, on every client, how far some work is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from tornado_websockets import signals
from tornado_websockets.exceptions import InvalidInstanceError, LayerUnavailableError
from tornado_websockets.message import Data
from tornado_websockets.modules.module import Module
from tornado_websockets.tornadowrapper import TornadoWrapper

if TYPE_CHECKING:
    from tornado_websockets.websockethandler import WebSocketHandler

__all__ = ["ProgressBar"]

logger = logging.getLogger("tornado_websockets")

RETRY_S: Final = 5.0
"""Seconds without updates after one that the layer did not take: each may wait for a timeout."""


class ProgressBar(Module):
    """The progress of some work, from `min` to `max`, in steps of one.

    It is driven by the work, from any thread, and keeps its state: a client that connects in the
    middle gets the current value. The events it sends are ``before_init``, ``init``,
    ``after_init``; for each step ``before_update``, ``update``, ``after_update``; at the end
    ``done``.

    One process drives it at a time, which may be one without a server where there is a shared
    layer; the bars of the others, on the same path and of the same name, follow. The work goes on
    when the layer cannot be reached.

    Args:
        name: tells the bars of one WebSocket apart.
        min: value at the start.
        max: value at the end; the same as min makes an indeterminate bar.
        indeterminate: True for work whose end is not known.

    Attributes:
        current: the value now.
        label: what was last said about the work, or None.

    Raises:
        InvalidInstanceError: min or max is no integer.
        ValueError: min is greater than max.
    """

    kind = "progressbar"

    def __init__(
        self,
        name: str = "",
        min: int = 0,
        max: int = 100,
        indeterminate: bool = False,
    ) -> None:
        super().__init__(name)
        for value in (min, max):
            if type(value) is not int:
                raise InvalidInstanceError(value, "an integer for min and max")
        if min > max:
            raise ValueError(f"min should be at most max, got min={min} and max={max}")
        self.min = min
        self.max = max
        self.indeterminate = indeterminate or min == max
        self.current = min
        self.label: str | None = None
        self._is_done = False
        self._silent_until = 0.0
        # Work may be spread over threads; a step must be counted and sent as one.
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"<ProgressBar {self.name!r} {self.current} of {self.min}..{self.max}>"

    @property
    def value(self) -> int:
        """The value now, the same as `current`."""
        return self.current

    def initialize(self) -> None:
        async def open(socket: WebSocketHandler) -> None:
            self.emit_init(socket=socket)

        self.on(open)

    def is_done(self) -> bool:
        """Return True when the work has reached its end."""
        return self._is_done

    def tick(self, label: str | None = None) -> None:
        """Go one step on and send ``update``, and ``done`` when that was the last one.

        Past the end the value stays at the end and ``done`` is not sent again.

        Args:
            label: what to say about the work.
        """
        with self._lock:
            if not self.indeterminate and self.current < self.max:
                self.current += 1
            self.emit_update(label)
            if not self.indeterminate and self.current >= self.max and not self._is_done:
                self.emit_done()

    def reset(self) -> None:
        """Go back to the start, and initialise every client again."""
        with self._lock:
            self.current = self.min
            self.label = None
            self._is_done = False
            self.emit_init()

    def emit_init(self, *, socket: WebSocketHandler | None = None) -> None:
        """Send ``before_init``, ``init`` and ``after_init``, and ``done`` after the end.

        Args:
            socket: the one client to send them to; None is all.
        """
        with self._lock:
            if socket is None:
                TornadoWrapper.publish(signals.progress_started, bar=self)
            events = _around("init", self._state())
            if self._is_done:
                events["done"] = {}
            if socket is None:
                self._tell(events)
            else:
                for event, data in events.items():
                    socket.emit(self.prefix + event, data)

    def emit_update(self, label: str | None = None) -> None:
        """Send ``before_update``, ``update`` and ``after_update`` to every client."""
        with self._lock:
            self.label = label
            data: dict[str, Any] = {"label": label}
            if not self.indeterminate:
                data["value"] = self.current
            if monotonic() >= self._silent_until:
                self._tell(_around("update", data))
            TornadoWrapper.publish(signals.progress_updated, bar=self)

    def emit_done(self) -> None:
        """Send ``done`` to every client: the work has ended, also that of indeterminate length."""
        with self._lock:
            self._is_done = True
            self._tell({"done": {}})
            TornadoWrapper.publish(signals.progress_done, bar=self)

    def heard(self, event: str, data: Data) -> None:
        """Become what the process that drives the bar says that it is."""
        with self._lock:
            if event == "done":
                self._is_done = True
            elif event in ("init", "update"):
                self._take(data)
                if event == "init":
                    self._is_done = False
            else:
                return
        TornadoWrapper.publish(signals.progress_heard, bar=self)

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = {"indeterminate": self.indeterminate}
        if not self.indeterminate:
            state |= {"min": self.min, "max": self.max, "value": self.current}
        if self.label is not None:
            state["label"] = self.label
        return state

    def _take(self, data: Data) -> None:
        # Another process may have another version, or be no friend.
        for name, key in (("min", "min"), ("max", "max"), ("current", "value")):
            if type(data.get(key)) is int:
                setattr(self, name, data[key])
        if type(data.get("indeterminate")) is bool:
            self.indeterminate = data["indeterminate"]
        label = data.get("label")
        self.label = label if isinstance(label, str) else None

    def _tell(self, events: Mapping[str, Mapping[str, Any]]) -> None:
        try:
            for event, data in events.items():
                self.emit(event, data)
        except LayerUnavailableError as error:
            logger.warning("the clients of %r do not see how far it is: %s", self, error)
            self._silent_until = monotonic() + RETRY_S
        else:
            self._silent_until = 0.0


def _around(event: str, data: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {f"before_{event}": {}, event: data, f"after_{event}": {}}

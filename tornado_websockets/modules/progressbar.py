"""A bar that shows, on every client, how far some work is."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from tornado_websockets import signals
from tornado_websockets.exceptions import InvalidInstanceError
from tornado_websockets.modules.module import Module
from tornado_websockets.tornadowrapper import TornadoWrapper

if TYPE_CHECKING:
    from tornado_websockets.websockethandler import WebSocketHandler

__all__ = ["ProgressBar"]


class ProgressBar(Module):
    """The progress of some work, from `min` to `max`, in steps of one.

    It is driven by the work, from any thread, and keeps its state: a client that connects in the
    middle gets the current value. The events it sends are ``before_init``, ``init``,
    ``after_init``; for each step ``before_update``, ``update``, ``after_update``; at the end
    ``done``.

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
            self._send("before_init", None, socket)
            self._send("init", self._state(), socket)
            self._send("after_init", None, socket)
            if self._is_done:
                self._send("done", None, socket)

    def emit_update(self, label: str | None = None) -> None:
        """Send ``before_update``, ``update`` and ``after_update`` to every client."""
        with self._lock:
            self.label = label
            data: dict[str, Any] = {"label": label}
            if not self.indeterminate:
                data["value"] = self.current
            self._send("before_update", None)
            self._send("update", data)
            self._send("after_update", None)
            TornadoWrapper.publish(signals.progress_updated, bar=self)

    def emit_done(self) -> None:
        """Send ``done`` to every client: the work has ended, also that of indeterminate length."""
        with self._lock:
            self._is_done = True
            self._send("done", None)
            TornadoWrapper.publish(signals.progress_done, bar=self)

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = {"indeterminate": self.indeterminate}
        if not self.indeterminate:
            state |= {"min": self.min, "max": self.max, "value": self.current}
        if self.label is not None:
            state["label"] = self.label
        return state

    def _send(
        self, event: str, data: dict[str, Any] | None, socket: WebSocketHandler | None = None
    ) -> None:
        if socket is None:
            self.emit(event, data)
        else:
            socket.emit(self.prefix + event, data)

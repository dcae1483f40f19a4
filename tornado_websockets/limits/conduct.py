"""How one client behaves: whether it sends more than it may, or what cannot be used."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from tornado_websockets.conf import Limits
from tornado_websockets.exceptions import ProtocolError
from tornado_websockets.limits.loggate import LogGate
from tornado_websockets.limits.rates import Bucket, Quota, Window

if TYPE_CHECKING:
    from tornado_websockets.websockethandler import WebSocketHandler

__all__ = ["BAD_FRAMES", "TOO_MANY", "Conduct"]

security = logging.getLogger("tornado_websockets.security")

TOO_MANY: Final = (4029, "too many messages")
BAD_FRAMES: Final = (4509, "too many messages that cannot be used")

BAD_FRAMES_S: Final = 10.0
"""Seconds in which ``limits.bad_frames`` may come."""

_gate = LogGate(time.monotonic)


class Conduct:
    """Warns one client, and closes its connection when it goes on.

    Args:
        socket: the connection.
        limits: those of its path.

    Attributes:
        is_metered: whether `allows` has to be asked about each message.
    """

    __slots__ = ("_bad_frames", "_limits", "_quota", "_socket", "is_metered")

    def __init__(self, socket: WebSocketHandler, limits: Limits) -> None:
        self._socket = socket
        self._limits = limits
        self._quota = _quota(limits)
        self._bad_frames: Window | None = None
        self.is_metered = self._quota is not None

    def allows(self, message: str | bytes) -> bool:
        """Count a message, and return whether it may be handled; otherwise the client is told."""
        assert self._quota is not None  # it is metered
        left = self._quota.take(message)
        if left >= 0:
            return True
        if left >= -1:
            self._socket.warn("too_many_messages")
        else:
            self._close(*TOO_MANY)
        return False

    def refuse(self, code: str) -> None:
        """Answer a message that cannot be used, unless it is one of too many."""
        if self._limits.bad_frames is not None:
            if self._bad_frames is None:
                self._bad_frames = Window(self._limits.bad_frames, BAD_FRAMES_S, time.monotonic)
            if not self._bad_frames.take():
                self._socket.websocket.stats.warnings.add(code)
                self._close(*BAD_FRAMES)
                return
        self._socket.warn(code)

    def _close(self, code: int, reason: str) -> None:
        count = _gate.count(reason)
        if count:
            text = "closed %d connections with %d, %s; at last %r"
            security.warning(text, count, code, reason, self._socket)
        self._socket.wire.fail(ProtocolError(code, reason))


def _quota(limits: Limits) -> Quota | None:
    messages = size = None
    if limits.messages_per_second is not None:
        messages = Bucket(limits.messages_per_second, limits.burst, time.monotonic)
    if limits.bytes_per_second is not None:
        rate = limits.bytes_per_second
        size = Bucket(rate, max(rate, limits.message_size or 0), time.monotonic)
    return None if messages is None and size is None else Quota(messages, size)

"""How the connections of a path behave."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from typing import Any

from tornado_websockets.conf import Config
from tornado_websockets.deflate import Compression
from tornado_websockets.history import History
from tornado_websockets.outbox import POLICIES
from tornado_websockets.rules import COMPRESSION, is_compression, limit_problems

__all__ = ["WireOptions", "check_compression", "check_limits", "check_policy", "wire_options"]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class WireOptions:
    """What a path asks of its connections, made once for all of them."""

    max_size: int
    """Bytes of a message, as sent and as expanded."""
    ping_interval: float
    """Seconds between pings, 0 for none."""
    ping_timeout: float
    """Seconds that a client has to answer, 0 for ever."""
    slow_reader: str
    """One of `tornado_websockets.outbox.POLICIES`."""
    send_bytes: int | None
    """Bytes that may wait for a client, beyond what its transport takes."""
    send_frames: int | None
    """Frames that may wait for a client."""
    compression: Compression | None
    """How messages are compressed, None for never."""

    def compressed_as_tornado(self, options: Mapping[str, Any]) -> WireOptions:
        """Return these options with what Tornado's ``get_compression_options`` has returned."""
        names = {"compression_level": "level", "mem_level": "mem_level"}
        chosen = {names[name]: value for name, value in options.items() if name in names}
        return dataclasses.replace(self, compression=Compression(**chosen))


def wire_options(
    config: Config,
    settings: Mapping[str, Any],
    *,
    slow_reader: str | None,
    compression: bool | Mapping[str, int] | None,
    limits: Mapping[str, Any] | None = None,
) -> WireOptions:
    """Return the options of a path.

    Args:
        config: the settings of the project.
        settings: those of the Tornado application, whose own names go before the project's.
        slow_reader: the policy of the path, None for that of the project.
        compression: that of the path, None for that of the project.
        limits: those that the path has of its own, by name.
    """
    own = limits or {}
    size = own.get("message_size", settings.get("websocket_max_message_size"))
    chosen = config.compression if compression is None else compression
    return WireOptions(
        max_size=size or sys.maxsize,
        ping_interval=settings.get("websocket_ping_interval") or 0,
        ping_timeout=settings.get("websocket_ping_timeout") or 0,
        slow_reader=slow_reader or config.slow_reader,
        send_bytes=own.get("send_bytes", config.limits.send_bytes),
        send_frames=own.get("send_frames", config.limits.send_frames),
        compression=_compression(chosen),
    )


def check_policy(slow_reader: str | None, *, history: History | None = None) -> str | None:
    """Return a policy for slow readers, None for that of the project.

    Raises:
        ValueError: it is none, or it leaves out events of a history: who misses one comes back.
    """
    if slow_reader is not None and slow_reader not in POLICIES:
        raise ValueError(f"slow_reader should be one of {', '.join(POLICIES)}, got {slow_reader!r}")
    if history is None:
        return slow_reader
    if slow_reader not in (None, "close"):
        raise ValueError(
            f"slow_reader={slow_reader!r} leaves out events, which a path with a history promises"
            " not to do: leave out slow_reader, or history"
        )
    return "close"


def check_compression(
    compression: bool | Mapping[str, int] | None,
) -> bool | Mapping[str, int] | None:
    """Return how a path compresses.

    Raises:
        ValueError: it cannot be understood; says what can.
    """
    if compression is not None and not is_compression(compression):
        raise ValueError(f"compression should be {COMPRESSION}, got {compression!r}")
    return compression


def check_limits(limits: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the limits that a path has of its own.

    Raises:
        ValueError: one of them is none; says what it should be.
    """
    if limits is None:
        return {}
    problems = limit_problems("limits", limits)
    if problems:
        raise ValueError(" ".join(problem.message for problem in problems))
    return dict(limits)


def _compression(compression: bool | Mapping[str, int] | None) -> Compression | None:
    if not compression and not isinstance(compression, Mapping):
        return None
    return Compression() if compression is True else Compression(**dict(compression))

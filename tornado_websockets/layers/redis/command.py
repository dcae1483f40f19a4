"""The commands by which events are sent. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tornado_websockets.history import History
from tornado_websockets.layers.redis.address import Address
from tornado_websockets.layers.redis.lane import keep_s
from tornado_websockets.layers.redis.script import SEND

__all__ = ["KNOWN_S", "events_channel", "meta_key", "send_command", "stream_key"]

KNOWN_S: Final = 3600
"""Seconds for which Redis knows the number of a process's last batch."""


def events_channel(address: Address, path: str) -> str:
    """Return the channel of a path's events."""
    return address.channel("events", path)


def stream_key(address: Address, path: str) -> str:
    """Return the key of what is kept of a path."""
    return address.key("stream", path)


def meta_key(address: Address, path: str) -> str:
    """Return the key of the epoch, the top and the size of what is kept of a path."""
    return address.key("meta", path)


def send_command(
    address: Address,
    path: str,
    history: History | None,
    packed: Sequence[bytes],
    *,
    origin: str,
    number: int,
    epoch: str,
    known_s: int = KNOWN_S,
) -> list[str | bytes | int]:
    """Return the command that sends a batch of events, see `script.SEND`.

    Args:
        address: the server.
        path: the path.
        history: what it keeps; None for events that are not kept.
        packed: the events.
        origin: id of this process.
        number: of the batch, growing.
        epoch: a new one, for a path that has none yet.
        known_s: seconds for which the number is known.
    """
    kind = "live" if history is None else "kept"
    keys = [address.key("seen", origin, kind, path)]
    arguments: list[str | bytes | int] = [events_channel(address, path), number, known_s, origin]
    if history is not None:
        keys += [stream_key(address, path), meta_key(address, path)]
        age_ms = "" if history.seconds is None else int(history.seconds * 1000)
        size = "" if history.bytes is None else history.bytes
        arguments += [epoch, history.events, age_ms, size, keep_s(history)]
    return ["EVALSHA", SEND.sha, len(keys), *keys, *arguments, *packed]

"""How a peer writes an event into a text message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["ENVELOPE", "KEPT", "SOCKET_IO", "Dialect", "Envelope", "Kept", "SocketIO"]


class Dialect:
    """An event as text, and what is said besides events.

    Attributes:
        path: where the handshake goes.
        opening: pairs of what a message of the server starts with, and the answer to it, if any,
            before events flow.
        pulses: what the server asks at times to see that a client lives, and the answer.
    """

    path: str
    opening: tuple[tuple[bytes, bytes | None], ...] = ()
    pulses: Mapping[bytes, bytes] = {}

    def pack(self, event: str, data: Any) -> bytes:
        """Return the text of an event."""
        raise NotImplementedError

    def unpack(self, text: bytes) -> tuple[Any, Any]:
        """Return event and data of a text.

        Raises:
            ValueError: it is not an event.
        """
        raise NotImplementedError


class Envelope(Dialect):
    """``{"event": …, "data": …}``."""

    path = "/ws/bench"

    def pack(self, event: str, data: Any) -> bytes:
        return _json({"event": event, "data": data})

    def unpack(self, text: bytes) -> tuple[Any, Any]:
        envelope = json.loads(text)
        return envelope.get("event"), envelope.get("data")


class Kept(Envelope):
    """That of a path with a history, which says first where a client is in it."""

    opening = ((b'{"event":"recovered"', None),)


class SocketIO(Dialect):
    """Socket.IO 5 in Engine.IO 4: an event is ``42[event, data]``."""

    path = "/socket.io/?EIO=4&transport=websocket"
    opening = ((b"0{", b"40"), (b"40", None))
    pulses = {b"2": b"3"}

    def pack(self, event: str, data: Any) -> bytes:
        return b"42" + _json([event, data])

    def unpack(self, text: bytes) -> tuple[Any, Any]:
        if not text.startswith(b"42"):
            raise ValueError(f"expected 42[event, data], got {text!r}")
        event, data = json.loads(text[2:])
        return event, data


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


ENVELOPE: Final = Envelope()
KEPT: Final = Kept()
SOCKET_IO: Final = SocketIO()

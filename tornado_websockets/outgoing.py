"""A message on its way to one client or to many: encoded once, framed once, compressed once.

Pure: no I/O.
"""

from __future__ import annotations

from tornado_websockets.deflate import Compression, deflate
from tornado_websockets.frames import TEXT, build, build_text

__all__ = ["Outgoing", "build_message"]


def build_message(
    opcode: int, payload: bytes, compression: tuple[int, Compression] | None
) -> bytes:
    """Return the frame of a message for one client.

    Args:
        opcode: text or binary.
        payload: what it says.
        compression: window bits and how, None when the client has not agreed.
    """
    if compression is None or len(payload) < compression[1].min_size:
        return build(opcode, payload)
    return build(opcode, deflate(payload, *compression), compressed=True)


class Outgoing:
    """A text message, as every wire needs it.

    Args:
        event: the name of the event that it carries.
        payload: its envelope in UTF-8.

    Attributes:
        frame: the frame of the message, uncompressed.
    """

    __slots__ = ("_compressed", "event", "frame", "payload")

    def __init__(self, event: str, payload: bytes) -> None:
        self.event = event
        self.payload = payload
        self.frame = build_text(payload)
        self._compressed: dict[tuple[int, Compression], bytes] | None = None

    def compressed(self, window_bits: int, compression: Compression) -> bytes:
        """Return the frame for clients that agreed on a window: the same bytes for all of them.

        A message below ``compression.min_size`` is sent as it is.
        """
        if len(self.payload) < compression.min_size:
            return self.frame
        if self._compressed is None:
            self._compressed = {}
        how = (window_bits, compression)
        frame = self._compressed.get(how)
        if frame is None:
            frame = self._compressed[how] = build_message(TEXT, self.payload, how)
        return frame

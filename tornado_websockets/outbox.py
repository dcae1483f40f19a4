"""The frames that wait for a client that reads too slowly.

Pure: no I/O.
"""

from __future__ import annotations

import collections
from typing import Final

__all__ = ["POLICIES", "Outbox"]

POLICIES: Final = ("close", "drop_oldest", "latest")
"""What happens to a client that reads too slowly: it is closed, it misses the oldest frames, or it
gets only the newest frame of each event."""


class Outbox:
    """A queue of frames, bounded in bytes and in number.

    Args:
        policy: one of `POLICIES`.
        max_bytes: bytes of all frames together; None for any.
        max_frames: how many frames; None for any.

    Attributes:
        size: bytes that wait.
        dropped: frames that the client will never get.
    """

    __slots__ = ("_frames", "_key", "dropped", "max_bytes", "max_frames", "policy", "size")

    def __init__(self, policy: str, max_bytes: int | None, max_frames: int | None) -> None:
        self.policy = policy
        self.max_bytes = max_bytes
        self.max_frames = max_frames
        self.size = 0
        self.dropped = 0
        # An ordered dict drops the oldest, and replaces the one of an event, in constant time.
        self._frames: collections.OrderedDict[object, bytes] = collections.OrderedDict()
        self._key = 0

    def __len__(self) -> int:
        return len(self._frames)

    def put(self, frame: bytes, event: str) -> bool:
        """Add a frame, and return False when the client has to be closed.

        Args:
            event: what it carries; an empty name is never replaced.
        """
        key: object = event
        if self.policy != "latest" or not event:
            self._key += 1
            key = self._key
        elif event in self._frames:
            self._drop(event)
        self._frames[key] = frame
        self.size += len(frame)
        while self._is_too_full():
            if self.policy != "drop_oldest" or len(self._frames) == 1:
                return False
            self._drop(next(iter(self._frames)))
        return True

    def pop(self) -> bytes:
        """Remove the oldest frame and return it."""
        _key, frame = self._frames.popitem(last=False)
        self.size -= len(frame)
        return frame

    def clear(self) -> None:
        """Forget what waits: the client is closed."""
        self._frames.clear()
        self.size = 0

    def _is_too_full(self) -> bool:
        return (self.max_bytes is not None and self.size > self.max_bytes) or (
            self.max_frames is not None and len(self._frames) > self.max_frames
        )

    def _drop(self, key: object) -> None:
        self.size -= len(self._frames.pop(key))
        self.dropped += 1

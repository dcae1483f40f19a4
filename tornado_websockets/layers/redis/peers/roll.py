"""Which other nodes there are, by the beats that they leave behind. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from tornado_websockets.exceptions import InvalidMessageError
from tornado_websockets.layers.nodes import Node, NodeState
from tornado_websockets.message import decode, encode

__all__ = ["PERIOD_S", "Roll", "beat", "node_of"]

PERIOD_S: Final = 1.0
"""Seconds from one beat of a node to the next."""

STALE_S: Final = 3.0
"""Seconds after which a silent node is stale."""

GONE_S: Final = 10.0
"""Seconds after which it is taken for gone."""

READERS: Final = 100
"""Nodes up to which each of them reads all beats once a second; of more, each reads less often."""

MAX_BYTES: Final = 2000
"""Size of a beat, at most."""

LATEST_S: Final = 253_402_300_800
"""The year 10000 in Unix seconds: Python's dates end before it."""


class _Seen(NamedTuple):
    """A node, its last beat, and when that was new to this node."""

    node: Node
    beat: bytes
    at_s: float


class Roll:
    """Knows the other nodes, and since when each has been silent.

    Any bytes that differ from those before are a beat: no clock of another machine is asked.
    Nobody is taken for gone because this node could not read: its time counts from when it can.

    `states` and `live` are for any thread.

    Args:
        clock: returns seconds.

    Attributes:
        refused: beats that were none.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.refused = 0
        self._clock = clock
        # When it could read again after a time in which it could not.
        self._sighted_at_s: float | None = None
        self._seen: dict[str, _Seen] = {}

    def __contains__(self, id: str) -> bool:
        return id in self._seen

    @property
    def period_s(self) -> float:
        """Seconds from one reading to the next: all of them together read as often as 100 do."""
        return PERIOD_S * max(1.0, len(self._seen) / READERS)

    @property
    def states(self) -> list[NodeState]:
        """What is known of each node, those who began first first."""
        now, stale_s = self._clock(), STALE_S + self.period_s - PERIOD_S
        seen = list(self._seen.values())  # which is atomic
        seen.sort(key=lambda each: each.node.started)
        return [NodeState(node, now - at_s, now - at_s >= stale_s) for node, _beat, at_s in seen]

    @property
    def live(self) -> list[str]:
        """The ids of the nodes that are not stale."""
        return [state.node.id for state in self.states if not state.is_stale]

    def read(self, beats: Mapping[str, bytes]) -> list[str]:
        """Take in what all nodes have left behind, and return the ids of those not known yet."""
        now = self._clock()
        if self._sighted_at_s is None:
            self._sighted_at_s = now
        for id, seen in self._seen.items():
            beat = beats.get(id, seen.beat)
            if beat != seen.beat:
                self._seen[id] = seen._replace(beat=beat, at_s=now)
        return [id for id in beats if id not in self._seen]

    def miss(self) -> None:
        """Note that nothing could be read."""
        self._sighted_at_s = None

    def add(self, id: str, beat: bytes) -> bool:
        """Take in a node that is not known yet; False when this is no beat."""
        node = node_of(id, beat)
        if node is None:
            self.refused += 1
            return False
        self._seen[id] = _Seen(node, beat, self._clock())
        return True

    def remove(self, id: str) -> bool:
        """Forget a node; False when it was not known."""
        return self._seen.pop(id, None) is not None

    def overdue(self) -> list[str]:
        """Return those that have been silent for so long that they are taken for gone."""
        sighted_at_s = self._sighted_at_s
        if sighted_at_s is None:
            return []
        last_s = self._clock() - (GONE_S + self.period_s - PERIOD_S)
        return [id for id, seen in self._seen.items() if max(seen.at_s, sighted_at_s) <= last_s]


def beat(node: Node, number: int) -> bytes:
    """Return what a node leaves behind."""
    return encode(
        "beat",
        {
            "host": node.host,
            "pid": node.pid,
            "version": node.version,
            "started": node.started,
            "number": number,
        },
    )


def node_of(id: str, beat: bytes) -> Node | None:
    """Return the node that has left a beat, None when it is none."""
    if not 0 < len(id) <= 64 or len(beat) > MAX_BYTES:
        return None
    try:
        _event, data = decode(beat, 2)
    except InvalidMessageError:
        return None
    host, pid, version = data.get("host"), data.get("pid"), data.get("version")
    started = data.get("started")
    if not (isinstance(host, str) and isinstance(version, str)):
        return None
    if type(pid) is not int or not isinstance(started, (int, float)) or type(started) is bool:
        return None
    if not 0 <= started < LATEST_S:
        return None
    return Node(id, host, pid, version, float(started))

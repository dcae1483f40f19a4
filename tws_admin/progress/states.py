"""The states of a run, and which may follow which.

Pure. Queued and running are the way up; cancelling waits for the work to notice; what has ended may
be queued again, by Retry. Who changes a state does so by a conditional update (`transitions`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

__all__ = ["ACTIVE", "ENDED", "RETRIABLE", "SOURCES", "TRANSITIONS", "State"]


class State(StrEnum):
    """What a run is doing, or how it ended."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    LOST = "lost"


TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    # It fails when its engine does not take it.
    State.QUEUED: frozenset({State.RUNNING, State.CANCELLED, State.FAILED}),
    State.RUNNING: frozenset(
        {
            State.PAUSED,
            State.CANCELLING,
            State.SUCCEEDED,
            State.PARTIAL,
            State.FAILED,
            State.LOST,
        }
    ),
    # Work that waits in its worker goes on there, and is cancelled there; other is queued again.
    State.PAUSED: frozenset(
        {State.RUNNING, State.QUEUED, State.CANCELLING, State.CANCELLED, State.LOST}
    ),
    # The work may come to its end before it notices.
    State.CANCELLING: frozenset(
        {State.CANCELLED, State.SUCCEEDED, State.PARTIAL, State.FAILED, State.LOST}
    ),
    State.CANCELLED: frozenset({State.QUEUED}),
    State.SUCCEEDED: frozenset(),
    State.PARTIAL: frozenset(),
    State.FAILED: frozenset({State.QUEUED}),
    State.LOST: frozenset({State.QUEUED}),
}
"""The states that may follow each one."""

SOURCES: Final[Mapping[State, frozenset[State]]] = {
    target: frozenset(source for source, targets in TRANSITIONS.items() if target in targets)
    for target in State
}
"""The states that may precede each one."""

ACTIVE: Final = frozenset({State.QUEUED, State.RUNNING, State.PAUSED, State.CANCELLING})
"""The work is not over."""

ENDED: Final = frozenset(State) - ACTIVE

RETRIABLE: Final = frozenset(state for state in ENDED if State.QUEUED in TRANSITIONS[state])
"""What Retry queues again; of what is partial, the failed items begin a run of their own."""

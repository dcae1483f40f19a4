"""The clock that limits are tested with."""

from __future__ import annotations

import pytest


class Clock:
    """Tells the time that a test says."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()

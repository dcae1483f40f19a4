"""The snapshot of a process in which no server runs."""

from __future__ import annotations

import time
from typing import Any

from tws_admin.feed.reading import NOTHING, versions
from tws_admin.feed.sampler import Sampler
from tws_admin.feed.state import Feed

__all__ = ["absent"]


def absent(range: str) -> dict[str, Any]:
    """Return it, with the state ``absent``.

    Args:
        range: of the history, which is empty.
    """
    return {
        **Feed("").snapshot(),
        "time": round(time.time(), 3),
        "server": {**versions(), "state": "absent", "viewers": 0, "trouble": ""},
        "totals": {**NOTHING, "peak": 0},
        "history": Sampler(0.0).history(range),
        "node": None,
    }

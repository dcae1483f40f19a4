"""File descriptors: how many this process may have, and how many are for WebSockets."""

from __future__ import annotations

import contextlib
from typing import Any, Final

resource: Any
try:
    import resource
except ImportError:  # Windows, which has no such limit
    resource = None

__all__ = ["for_connections", "raise_limit"]

RESERVED: Final = 64
"""Descriptors that are kept, at least, for HTTP, databases, files and whatever else opens some."""

RESERVED_SHARE: Final = 10
"""And at least one of so many."""


def raise_limit() -> None:
    """Allow this process as many descriptors as the system lets it have."""
    if resource is None:
        return
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS calls its hard limit infinite, and refuses it.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def for_connections() -> int | None:
    """Return how many connections leave enough descriptors for the rest, None for any number."""
    if resource is None:
        return None
    soft: int = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft == resource.RLIM_INFINITY:
        return None
    return max(1, soft - max(RESERVED, soft // RESERVED_SHARE))

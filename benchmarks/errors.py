"""What ends a measure without a number."""

from __future__ import annotations

__all__ = ["MeasureError"]


class MeasureError(Exception):
    """A server did not do the work that is measured, or could not be started."""

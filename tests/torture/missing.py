"""What a scenario needs, and this machine has not got."""

from __future__ import annotations

__all__ = ["MissingError", "MissingPermissionError", "MissingProgramError"]


class MissingError(Exception):
    """A scenario cannot be tried here."""


class MissingPermissionError(MissingError):
    """This process may not do what a scenario does."""


class MissingProgramError(MissingError):
    """A program that a scenario needs is not installed."""

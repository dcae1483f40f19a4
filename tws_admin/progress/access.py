"""Who may see a run, and who may do what with it."""

from __future__ import annotations

from typing import Any, Final

from tws_admin.models import ProgressTask

__all__ = ["CHANGE", "DELETE", "VIEW", "attends", "may_change", "may_view", "may_view_all"]

VIEW: Final = "tws_admin.view_progresstask"
CHANGE: Final = "tws_admin.change_progresstask"
DELETE: Final = "tws_admin.delete_progresstask"


def attends(user: Any, _request: Any = None) -> bool:
    """Return whether a user can have runs at all: staff who are active."""
    return bool(user.is_active and getattr(user, "is_staff", False))


def may_view_all(user: Any, _request: Any = None) -> bool:
    """Return whether a user may see everybody's runs; blocks, as it may ask the database."""
    return attends(user) and bool(user.has_perm(VIEW))


def may_view(user: Any, run: ProgressTask) -> bool:
    """Return whether a user may see a run and its files: the owner may; blocks."""
    return attends(user) and (_owns(user, run) or bool(user.has_perm(VIEW)))


def may_change(user: Any, run: ProgressTask) -> bool:
    """Return whether a user may cancel, pause, resume and retry a run; blocks."""
    return attends(user) and (_owns(user, run) or bool(user.has_perm(CHANGE)))


def _owns(user: Any, run: ProgressTask) -> bool:
    return run.user_id is not None and bool(run.user_id == user.pk)

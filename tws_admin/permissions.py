"""Who may watch, and who may do what."""

from __future__ import annotations

from typing import Any, Final

from tws_admin import conf

__all__ = ["CLOSE", "INSPECT", "METRICS", "SEND", "TASKS", "VIEW", "abilities", "may_watch"]
__all__ += ["may_watch_feed", "sees_tasks"]

VIEW: Final = "tornado_websockets.view_dashboard"
CLOSE: Final = "tornado_websockets.close_connections"
SEND: Final = "tornado_websockets.send_event"
INSPECT: Final = "tornado_websockets.view_payloads"
METRICS: Final = "tornado_websockets.view_metrics"

TASKS: Final = "tws_admin.view_progresstask"

ABILITIES: Final = {"disconnect": CLOSE, "send": SEND, "inspect": INSPECT, "tasks": TASKS}
"""The permission that each thing takes which a viewer may do."""

CHANGING: Final = frozenset({"disconnect", "send"})
"""What a monitor that is read-only refuses."""


def may_watch(user: Any, _request: Any = None) -> bool:
    """Return whether a user may see the monitor; blocks, as it may ask the database."""
    # A user model that knows no staff can still enter an admin site of the project's own.
    is_staff = getattr(user, "is_staff", False)
    return bool(user.is_active and is_staff and user.has_perm(VIEW))


def may_watch_feed(user: Any, _request: Any = None) -> bool:
    """Return whether a user may have the feed, and note on it what `sees_tasks` tells; blocks.

    The core asks again while a connection is open, and keeps the user that it asked for last.
    """
    is_allowed = may_watch(user)
    user.tws_admin_sees_tasks = is_allowed and bool(user.has_perm(TASKS))
    return is_allowed


def sees_tasks(user: Any) -> bool:
    """Return whether a user of the feed is shown everybody's progress tasks; does not block."""
    return getattr(user, "tws_admin_sees_tasks", False)


def abilities(user: Any) -> list[str]:
    """Return what a viewer may do, by the names of the feed; blocks."""
    refused = CHANGING if conf.get().read_only else frozenset[str]()
    return [
        name
        for name, permission in ABILITIES.items()
        if name not in refused and user.has_perm(permission)
    ]

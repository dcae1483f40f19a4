"""The live monitor of `tornado_websockets` in Django's admin, and progress tasks of its actions."""

from tws_admin.progress.actions import progress_action

__all__ = ["progress_action"]
